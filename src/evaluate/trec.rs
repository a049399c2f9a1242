//! The lists of an evaluation in TREC's formats, for trec_eval, ranx and their like: a run for each system and task, and the qrels of
//! each task, in which the target is the one relevant item.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;

use tiller_models::atomic::write_atomically;

use crate::data::input::quote;
use crate::data::{Catalogue, ItemId};
use crate::{Error, Result};

/// The lists of an evaluation, by task and system.
#[derive(Debug, Default)]
pub struct TrecFiles {
    /// By task: a line for each query.
    qrels: BTreeMap<String, BTreeSet<String>>,
    /// By task and system.
    runs: BTreeMap<(String, String), String>,
}

impl TrecFiles {
    /// Adds the list of `titles` that `system` gave to a query of `task` with this target.
    ///
    /// # Errors
    /// A key with a blank in it, which these formats cannot hold.
    pub fn add(
        &mut self,
        (task, system): (&str, &str),
        query: &str,
        target: ItemId,
        titles: &[String],
        catalogue: &Catalogue,
    ) -> Result<()> {
        let query = word(query)?;
        let relevant = word(&catalogue.item(target).key)?;
        self.qrels.entry(task.to_owned()).or_default().insert(format!("{query} 0 {relevant} 1\n"));
        let run = self.runs.entry((task.to_owned(), system.to_owned())).or_default();
        *run +=
            &trec_lines(query, titles.iter().map(|title| catalogue.by_title(title)), &file_word(system), catalogue)?;
        Ok(())
    }

    /// Writes `TASK.qrels` and `TASK.SYSTEM.run` into a folder.
    ///
    /// # Errors
    /// The disk is full or the folder cannot be made.
    pub fn write(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder).map_err(Error::io(folder, "create"))?;
        for (task, lines) in &self.qrels {
            let text: String = lines.iter().map(String::as_str).collect();
            write(&folder.join(format!("{}.qrels", file_word(task))), &text)?;
        }
        for ((task, system), text) in &self.runs {
            write(&folder.join(format!("{}.{}.run", file_word(task), file_word(system))), text)?;
        }
        Ok(())
    }
}

/// The lines of one list in a TREC run: query, Q0, item, rank, score, tag. A place without an item, or with one that stood before, is
/// filled with a name that no item has: it keeps the ranks of the others.
///
/// # Errors
/// A key with a blank in it.
pub fn trec_lines(
    query: &str,
    items: impl ExactSizeIterator<Item = Option<ItemId>>,
    tag: &str,
    catalogue: &Catalogue,
) -> Result<String> {
    let (query, length, mut seen, mut lines) = (word(query)?, items.len(), BTreeSet::new(), String::new());
    for (place, item) in items.enumerate() {
        let key = match item.filter(|item| seen.insert(*item)) {
            Some(item) => word(&catalogue.item(item).key)?.to_owned(),
            None => format!("_no_item_{}", place + 1),
        };
        lines += &format!("{query} Q0 {key} {} {} {tag}\n", place + 1, length - place);
    }
    Ok(lines)
}

/// A key as a word of a TREC file.
fn word(key: &str) -> Result<&str> {
    if !key.is_empty() && !key.contains(char::is_whitespace) {
        return Ok(key);
    }
    Err(Error::bad_input("the TREC format")
        .expected("keys of users and items without blanks")
        .found(quote(key))
        .next("use --format csv or jsonl")
        .into())
}

/// A name as a part of a file's name and as a tag.
fn file_word(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || "+-_".contains(c) { c } else { '_' }).collect()
}

fn write(path: &Path, text: &str) -> Result<()> {
    write_atomically(path, |file| file.write_all(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Item;

    fn catalogue() -> Catalogue {
        let item = |key: &str| Item { key: key.into(), title: format!("T{key}"), ..Item::default() };
        Catalogue::new(["a", "b", "c d"].map(item).into(), Vec::new(), Vec::new())
    }

    #[test]
    fn places_keep_their_ranks() {
        let titles = ["Tb", "nothing", "Tb", "Ta"].map(String::from);
        let mut files = TrecFiles::default();
        files.add(("+C:trained", "sft, strict"), "u1", ItemId(1), &titles, &catalogue()).unwrap();
        files.add(("+C:trained", "SASRec"), "u1", ItemId(1), &titles[..1], &catalogue()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        files.write(folder.path()).unwrap();
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(read("+C_trained.qrels"), "u1 0 a 1\n");
        let expected = "u1 Q0 b 1 4 sft__strict\nu1 Q0 _no_item_2 2 3 sft__strict\nu1 Q0 _no_item_3 3 2 sft__strict\nu1 Q0 a 4 1 sft__strict\n";
        assert_eq!(read("+C_trained.sft__strict.run"), expected);
        assert_eq!(read("+C_trained.SASRec.run"), "u1 Q0 b 1 1 SASRec\n");
    }

    #[test]
    fn a_key_with_a_blank_is_refused() {
        let mut files = TrecFiles::default();
        let error = files.add(("I0", "x"), "u", ItemId(1), &["Tc d".to_owned()], &catalogue()).unwrap_err();
        assert!(error.to_string().contains("\"c d\""), "{error}");
        assert!(files.add(("I0", "x"), "u 1", ItemId(1), &[], &catalogue()).is_err());
    }
}
