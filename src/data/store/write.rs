//! Writing a data set folder: as a whole or not at all.

use std::io::Write;
use std::path::Path;

use tiller_models::atomic::write_atomically;

use super::{DatasetInfo, INFO, INTERACTIONS, ITEMS};
use crate::data::dataset::{Catalogue, Dataset};
use crate::data::input::quote;
use crate::run::progress::Progress;
use crate::{Error, Result};

impl Dataset {
    /// Writes the data set as a folder. It appears as a whole: an interrupted write leaves what was there before.
    ///
    /// # Errors
    /// A path that holds something other than an imported data set, or a disk that refuses.
    pub fn write(&self, info: &DatasetInfo, dir: &Path) -> Result<()> {
        refuse_to_replace(dir)?;
        let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(parent).map_err(Error::io(parent, "create"))?;
        let workshop =
            tempfile::Builder::new().prefix(".tiller-").tempdir_in(parent).map_err(Error::io(parent, "create"))?;
        let fresh = workshop.path().join("fresh");
        std::fs::create_dir(&fresh).map_err(Error::io(&fresh, "create"))?;
        write_items(&self.catalogue, &fresh.join(ITEMS))?;
        write_interactions(self, &fresh.join(INTERACTIONS))?;
        write_atomically(&fresh.join(INFO), |w| {
            serde_json::to_writer_pretty(&mut *w, info)?;
            w.write_all(b"\n")
        })?;
        put_in_place(workshop, dir)
    }
}

/// Only an import's own work is replaced: a folder of exactly our three files. What a user made stays.
///
/// # Errors
/// A path that is taken by anything else.
pub fn refuse_to_replace(dir: &Path) -> Result<()> {
    let refuse = |found: String| {
        Error::bad_input(format!("--out {}", dir.display()))
            .expected("a new folder, or an imported data set to replace")
            .found(found)
            .next("choose another folder")
            .into()
    };
    if dir.file_name().is_none() {
        return Err(refuse("a path that does not end in a name".into()));
    }
    if !dir.exists() {
        return Ok(());
    }
    if !dir.is_dir() {
        return Err(refuse("a file".into()));
    }
    let entries = std::fs::read_dir(dir).map_err(Error::io(dir, "read"))?;
    let names: Vec<String> = entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<std::io::Result<_>>()
        .map_err(Error::io(dir, "read"))?;
    if let Some(foreign) = names.iter().find(|name| ![ITEMS, INTERACTIONS, INFO].contains(&name.as_str())) {
        return Err(refuse(format!("a folder that also holds {}", quote(foreign))));
    }
    if !names.is_empty() && !names.iter().any(|name| name == INFO) {
        return Err(refuse(format!("a folder without {INFO}, so made by hand")));
    }
    Ok(())
}

/// Renames the workshop's `fresh` folder to `dir`. What stood there moves into the workshop, and goes with it: in one step where
/// the system has such a step, else for a moment before.
fn put_in_place(workshop: tempfile::TempDir, dir: &Path) -> Result<()> {
    let (fresh, replaced) = (workshop.path().join("fresh"), workshop.path().join("replaced"));
    let had_one = dir.exists();
    if had_one && exchange(&fresh, dir).is_ok() {
        return Ok(());
    }
    if had_one {
        std::fs::rename(dir, &replaced).map_err(Error::io(dir, "replace"))?;
    }
    let Err(error) = std::fs::rename(&fresh, dir) else { return Ok(()) };
    if had_one && std::fs::rename(&replaced, dir).is_err() {
        let kept = workshop.keep().join("replaced");
        return Err(Error::Failed(format!("{}: {error}; the old data set is now {}", dir.display(), kept.display())));
    }
    Err(Error::io(dir, "create")(error))
}

/// Swaps two folders in one step.
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn exchange(one: &Path, other: &Path) -> std::io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn exchange(_one: &Path, _other: &Path) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

fn write_items(catalogue: &Catalogue, path: &Path) -> Result<()> {
    write_atomically(path, |w| {
        let mut csv = csv::Writer::from_writer(w);
        csv.write_record(
            ["item", "title", "categories"].into_iter().chain(catalogue.attributes().iter().map(String::as_str)),
        )?;
        for item in catalogue.items() {
            let names: Vec<&str> =
                item.categories.iter().map(|category| catalogue.categories()[category.index()].as_str()).collect();
            let joined = names.join("|");
            let cells = [item.key.as_str(), &item.title, &joined];
            csv.write_record(cells.into_iter().chain(item.attributes.iter().map(String::as_str)))?;
        }
        csv.flush()
    })
}

fn write_interactions(dataset: &Dataset, path: &Path) -> Result<()> {
    let bar = Progress::start("writing", dataset.users.len() as u64, "users");
    write_atomically(path, |w| {
        let mut csv = csv::Writer::from_writer(w);
        csv.write_record(["user", "item", "timestamp"])?;
        for user in dataset.users.iter().inspect(|_| bar.advance(1)) {
            for (&item, timestamp) in user.items.iter().zip(&user.timestamps) {
                csv.write_record([&user.key, &dataset.catalogue.item(item).key, &timestamp.to_string()])?;
            }
        }
        csv.flush()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::data::assemble::{ImportRules, assemble};
    use crate::data::filter::KCore;
    use crate::data::import::{self, ImportOptions, SourceFormat};
    use crate::data::raw::{RawData, RawItem};
    use crate::data::time::MICROS;
    use crate::data::titles::truncate_title;

    const RULES: ImportRules =
        ImportRules { name: String::new(), core: KCore::OFF, shorten: &truncate_title, titles: String::new() };

    type Interactions = Vec<(String, usize, i64)>;

    fn data_set(
        items: Vec<(String, Vec<String>, String)>,
        interactions: Interactions,
    ) -> Option<(Dataset, DatasetInfo)> {
        let mut raw = RawData::new("a test", "none", &["year"]);
        for (key, (title, categories, year)) in items.into_iter().enumerate() {
            raw.push_item(RawItem { key: format!("{key} {title}"), title, categories, attributes: vec![year] })
                .unwrap();
        }
        let keys: Vec<String> = raw.clone().into_parts().0.into_iter().map(|item| item.key).collect();
        for (user, item, timestamp) in interactions {
            raw.push_event(&user, keys.get(item % keys.len().max(1))?, Some(timestamp * MICROS)).unwrap();
        }
        // Where no interaction is left there is no data set to store.
        assemble(raw, &RULES).ok()
    }

    fn small() -> (Dataset, DatasetInfo) {
        let items = vec![("One".to_owned(), vec!["A".to_owned()], "1999".to_owned())];
        data_set(items, vec![("u".to_owned(), 0, 5)]).unwrap()
    }

    /// All that a data set tells, in a form that can be compared.
    fn tell(dataset: &Dataset) -> impl PartialEq + std::fmt::Debug + use<> {
        let catalogue = &dataset.catalogue;
        let names = (catalogue.categories().to_vec(), catalogue.attributes().to_vec());
        (catalogue.items().to_vec(), names, dataset.users.clone())
    }

    proptest! {
        // Every case waits for the disk some ten times.
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn what_is_written_is_read_and_imported_again_unchanged(
            items in prop::collection::vec((any::<String>(), prop::collection::vec(".{0,4}", 0..4), ".{0,4}"), 1..12),
            interactions in prop::collection::vec((".{0,3}", 0..20_usize, -3..9_i64), 0..40),
        ) {
            let Some((dataset, info)) = data_set(items, interactions) else { return Ok(()) };
            let folder = tempfile::tempdir().unwrap();
            let dir = folder.path().join("set");
            dataset.write(&info, &dir).unwrap();
            prop_assert_eq!(tell(&Dataset::read(&dir).unwrap()), tell(&dataset));
            prop_assert_eq!(&DatasetInfo { name: String::new(), ..DatasetInfo::read(&dir).unwrap() }, &info);
            let again = import::read(SourceFormat::Csv, &dir, &ImportOptions::default()).unwrap();
            prop_assert_eq!(tell(&assemble(again, &RULES).unwrap().0), tell(&dataset));
        }
    }

    #[test]
    fn an_imported_data_set_is_replaced_and_nothing_else_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("deep/set");
        let (dataset, info) = small();
        for _ in 0..2 {
            dataset.write(&info, &dir).unwrap();
            assert_eq!(std::fs::read_dir(dir.parent().unwrap()).unwrap().count(), 1);
            assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 3);
        }
    }

    #[test]
    fn what_the_user_made_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (dataset, info) = small();
        let refused = |dir: &Path| dataset.write(&info, dir).unwrap_err().to_string();

        let file = folder.path().join("file");
        std::fs::write(&file, "mine").unwrap();
        assert!(refused(&file).contains("found a file"));

        let by_hand = folder.path().join("by-hand");
        std::fs::create_dir(&by_hand).unwrap();
        std::fs::write(by_hand.join(ITEMS), "mine").unwrap();
        assert!(refused(&by_hand).contains("made by hand"));

        let extended = folder.path().join("extended");
        dataset.write(&info, &extended).unwrap();
        std::fs::write(extended.join("notes.txt"), "mine").unwrap();
        assert!(refused(&extended).contains("notes.txt"));
        assert!(refused(Path::new("..")).contains("a path that does not end in a name"));

        let empty = folder.path().join("empty");
        std::fs::create_dir(&empty).unwrap();
        dataset.write(&info, &empty).unwrap();
        assert_eq!(Dataset::read(&empty).unwrap().interactions(), 1);
    }

    #[test]
    fn a_write_that_fails_leaves_the_old_data_set_and_no_litter() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("set");
        let (dataset, info) = small();
        dataset.write(&info, &dir).unwrap();
        let before = std::fs::read(dir.join(ITEMS)).unwrap();
        // A row with a cell too many makes the write break off in the middle of items.csv.
        let mut broken = dataset.catalogue.items().to_vec();
        broken.push(crate::data::Item { attributes: vec![String::new(); 2], ..broken[0].clone() });
        let catalogue = Catalogue::new(broken, vec!["A".into()], vec!["year".into()]);
        let broken = Dataset { catalogue, ..dataset };
        assert!(broken.write(&info, &dir).is_err());
        assert_eq!(std::fs::read(dir.join(ITEMS)).unwrap(), before);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
