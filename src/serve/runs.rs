//! The runs of the served folder, and their reports.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::Result;
use crate::report::Report;

/// The files of which a run folder has at least one.
const FILES: [&str; 4] = ["config.toml", "metrics.jsonl", "eval.json", "experiment.toml"];

/// A run in the list of runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServedRun {
    /// The name of its folder.
    pub name: String,
    /// The address of its report.
    pub report: String,
}

/// The names of the run folders below `root`, in order.
pub fn names(root: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
    let is_run = |path: &PathBuf| FILES.iter().any(|file| path.join(file).is_file());
    let runs = entries.map(|entry| entry.path()).filter(is_run);
    let mut names: Vec<String> = runs.filter_map(|run| Some(run.file_name()?.to_str()?.to_owned())).collect();
    names.sort();
    names
}

/// The runs below `root`.
pub fn list(root: &Path) -> Vec<ServedRun> {
    let run = |name: String| ServedRun { report: format!("/runs/{}", encoded(&name)), name };
    names(root).into_iter().map(run).collect()
}

/// The report of the run `name` below `root`, or of all of them without a name; `None` where there is no such run.
///
/// # Errors
/// The template fails.
pub fn report(root: &Path, name: &str) -> Result<Option<String>> {
    // Only names of the list are joined to the root: none of them leads out of it.
    let wanted: Vec<PathBuf> =
        names(root).iter().filter(|run| name.is_empty() || *run == name).map(|run| root.join(run)).collect();
    if wanted.is_empty() { Ok(None) } else { Report::read(&wanted)?.html().map(Some) }
}

/// A name as a part of a path.
fn encoded(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_runs_below_the_root_have_reports() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        for run in ["root/b & c", "root/a", "outside"] {
            std::fs::create_dir_all(folder.path().join(run)).unwrap();
            std::fs::write(folder.path().join(run).join("metrics.jsonl"), "").unwrap();
        }
        std::fs::create_dir(root.join("no run")).unwrap();
        assert_eq!(names(&root), ["a", "b & c"]);
        assert_eq!(list(&root)[1].report, "/runs/b%20%26%20c");
        for name in ["../outside", "no run", "a/../../outside", "c"] {
            assert!(report(&root, name).unwrap().is_none(), "{name}");
        }
        assert!(report(&root, "a").unwrap().unwrap().contains("<html"));
        assert!(report(&root, "").unwrap().unwrap().contains("b &amp; c"));
    }
}
