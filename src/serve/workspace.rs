//! The folders that are served: a data set, its teacher and its runs.

use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// The file that makes a folder a data set.
const ITEMS: &str = "items.csv";

/// The folders of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// The data set.
    pub data: PathBuf,
    /// The teacher's run, if there is one.
    pub teacher: Option<PathBuf>,
    /// The folder whose runs are shown.
    pub root: PathBuf,
}

impl Workspace {
    /// Finds the data set in `folder`, which is one or, like the folder of `tiller demo`, holds one.
    ///
    /// # Errors
    /// No data set there, or more than one.
    pub fn find(folder: &Path) -> Result<Self> {
        let data = if folder.join(ITEMS).is_file() { folder.to_owned() } else { only_data_set(folder)? };
        let teachers = [data.join("teacher"), folder.join("teacher")];
        let teacher = teachers.into_iter().find(|run| run.join("checkpoints").is_dir());
        Ok(Self { data, teacher, root: folder.to_owned() })
    }
}

fn only_data_set(folder: &Path) -> Result<PathBuf> {
    let entries = std::fs::read_dir(folder).map_err(Error::io(folder, "read"))?;
    let mut found: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.join(ITEMS).is_file()).collect();
    match (found.pop(), found.is_empty()) {
        (Some(data), true) => Ok(data),
        (one, _) => Err(Error::bad_input(folder.display())
            .expected(format!("a data set ({ITEMS}), or a folder with one"))
            .found(if one.is_some() { "several" } else { "none" })
            .next("name the data set's own folder; `tiller data import` makes one")
            .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_set_is_found_beside_its_runs() {
        let folder = tempfile::tempdir().unwrap();
        let demo = folder.path();
        assert!(Workspace::find(demo).unwrap_err().to_string().contains("found none"));
        for name in ["films", "teacher/checkpoints", "sft"] {
            std::fs::create_dir_all(demo.join(name)).unwrap();
        }
        std::fs::write(demo.join("films/items.csv"), "").unwrap();
        let found = Workspace::find(demo).unwrap();
        assert_eq!((found.data, found.teacher), (demo.join("films"), Some(demo.join("teacher"))));
        assert_eq!(Workspace::find(&demo.join("films")).unwrap().teacher, None);
        std::fs::create_dir(demo.join("books")).unwrap();
        std::fs::write(demo.join("books/items.csv"), "").unwrap();
        assert!(Workspace::find(demo).unwrap_err().to_string().contains("found several"));
    }
}
