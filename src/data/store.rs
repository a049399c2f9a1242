//! The data set on disk: a folder with items.csv, interactions.csv and dataset.json, written whole or not at all.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tiller_models::atomic::write_atomically;

use super::csv_file::{CsvFile, Row};
use super::dataset::{Catalogue, CategoryId, Dataset, Item, ItemId, User};
use super::filter::{Core, Event, Repeats, order};
use super::input::{file_name, quote};
use super::names::Names;
use super::raw::Dropped;
use super::titles::{clean, is_unsafe};
use crate::{Error, Result};

/// The file of the catalogue: item, title, categories, then the attributes.
pub const ITEMS: &str = "items.csv";
/// The file of the histories: user, item, timestamp.
pub const INTERACTIONS: &str = "interactions.csv";
/// The file about the data set; a folder made by hand can do without it.
pub const ABOUT: &str = "dataset.json";

/// What dataset.json tells about a data set.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct About {
    /// Its name, for reports.
    pub name: String,
    /// Where it comes from.
    pub source: String,
    /// Under which terms.
    pub licence: String,
    /// What the import asked for.
    pub filters: Filters,
    /// What the import found.
    pub counts: Counts,
}

/// The rules of an import.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Filters {
    /// How many interactions users and items needed to stay.
    #[serde(flatten)]
    pub core: Core,
    /// How titles were brought into their final form.
    pub titles: String,
}

/// How much an import kept and dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Users kept.
    pub users: usize,
    /// Items kept.
    pub items: usize,
    /// Interactions kept.
    pub interactions: usize,
    /// Categories of the items kept.
    pub categories: usize,
    /// What was left out.
    pub dropped: Dropped,
}

impl Counts {
    /// Counts a data set.
    pub fn of(dataset: &Dataset, dropped: Dropped) -> Self {
        Self {
            users: dataset.users.len(),
            items: dataset.catalogue.len(),
            interactions: dataset.interactions(),
            categories: dataset.catalogue.categories().len(),
            dropped,
        }
    }
}

impl About {
    /// Reads dataset.json, its texts made safe for a terminal; a folder without one has the folder's name and nothing else to tell.
    ///
    /// # Errors
    /// A file that is not the JSON object it should be.
    pub fn read(dir: &Path) -> Result<About> {
        let path = dir.join(ABOUT);
        let named = About { name: file_name(dir), ..About::default() };
        let text = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(named),
            text => text.map_err(Error::io(&path, "read"))?,
        };
        let about: About = serde_json::from_slice(&text).map_err(|error| {
            Error::from(
                Error::bad_input(path.display())
                    .expected("a JSON object with name, source, licence, filters and counts")
                    .found(error)
                    .next("correct it, or delete the file: the data set reads without it"),
            )
        })?;
        let name = Some(clean(&about.name)).filter(|name| !name.is_empty()).unwrap_or(named.name);
        Ok(About { name, source: clean(&about.source), licence: clean(&about.licence), ..about })
    }
}

impl Dataset {
    /// Reads a data set folder and checks every cell of it.
    ///
    /// Items get ids in the order of items.csv. Users stand in order of first appearance in interactions.csv, their
    /// histories in the order of time (equal times: of the file), each item once.
    ///
    /// # Errors
    /// A missing file or column, and any cell that is wrong, by file and line.
    pub fn read(dir: &Path) -> Result<Dataset> {
        for file in [ITEMS, INTERACTIONS] {
            if !dir.join(file).is_file() {
                return Err(Error::bad_input(dir.display())
                    .expected(format!("a data set folder with {ITEMS} and {INTERACTIONS}"))
                    .found(if dir.is_dir() { format!("a folder without {file}") } else { "no such folder".into() })
                    .next("make one: `tiller data import --help` and `tiller data synth --help`")
                    .into());
            }
        }
        let about = About::read(dir)?;
        let catalogue = read_items(&dir.join(ITEMS))?;
        let users = read_interactions(&dir.join(INTERACTIONS), &catalogue)?;
        Ok(Dataset { name: about.name, catalogue, users })
    }

    /// Writes the data set as a folder. It appears as a whole: an interrupted write leaves what was there before.
    ///
    /// # Errors
    /// A path that holds something other than an imported data set, or a disk that refuses.
    pub fn write(&self, about: &About, dir: &Path) -> Result<()> {
        refuse_to_replace(dir)?;
        let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(parent).map_err(Error::io(parent, "create"))?;
        let workshop =
            tempfile::Builder::new().prefix(".tiller-").tempdir_in(parent).map_err(Error::io(parent, "create"))?;
        let fresh = workshop.path().join("fresh");
        std::fs::create_dir(&fresh).map_err(Error::io(&fresh, "create"))?;
        write_items(&self.catalogue, &fresh.join(ITEMS))?;
        write_interactions(self, &fresh.join(INTERACTIONS))?;
        write_atomically(&fresh.join(ABOUT), |w| {
            serde_json::to_writer_pretty(&mut *w, about)?;
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
    let names: Vec<String> =
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect::<std::io::Result<_>>()
            .map_err(Error::io(dir, "read"))?;
    if let Some(foreign) = names.iter().find(|name| ![ITEMS, INTERACTIONS, ABOUT].contains(&name.as_str())) {
        return Err(refuse(format!("a folder that also holds {}", quote(foreign))));
    }
    if !names.is_empty() && !names.iter().any(|name| name == ABOUT) {
        return Err(refuse(format!("a folder without {ABOUT}, so made by hand")));
    }
    Ok(())
}

/// Renames the workshop's `fresh` folder to `dir`. What stood there moves into the workshop first, and goes with it.
fn put_in_place(workshop: tempfile::TempDir, dir: &Path) -> Result<()> {
    let (fresh, replaced) = (workshop.path().join("fresh"), workshop.path().join("replaced"));
    let had_one = dir.exists();
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

fn write_items(catalogue: &Catalogue, path: &Path) -> Result<()> {
    write_atomically(path, |w| {
        let mut csv = csv::Writer::from_writer(w);
        csv.write_record(["item", "title", "categories"].into_iter().chain(catalogue.attributes().iter().map(String::as_str)))?;
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
    write_atomically(path, |w| {
        let mut csv = csv::Writer::from_writer(w);
        csv.write_record(["user", "item", "timestamp"])?;
        for user in &dataset.users {
            for (&item, timestamp) in user.items.iter().zip(&user.timestamps) {
                csv.write_record([&user.key, &dataset.catalogue.item(item).key, &timestamp.to_string()])?;
            }
        }
        csv.flush()
    })
}

fn read_items(path: &Path) -> Result<Catalogue> {
    let mut file = CsvFile::open(path)?;
    let [item, title, categories] = [file.column("item")?, file.column("title")?, file.column("categories")?];
    let attributes = file.further_columns(&[item, title, categories]);
    let attribute_names: Vec<String> = attributes.iter().map(|&column| file.columns()[column].clone()).collect();
    if let Some(hostile) = attribute_names.iter().find(|name| is_unsafe(name)) {
        return Err(Error::bad_input(path.display()).expected("column names of plain text").found(quote(hostile)).into());
    }
    let (mut items, mut names) = (Vec::new(), Names::default());
    let (mut keys, mut titles) = (Lines::new("item"), Lines::new("title"));
    while let Some(row) = file.next_row()? {
        let key = keys.claim(&row, item)?;
        let title = titles.claim(&row, title)?;
        let categories = read_categories(plain(&row, categories)?, &mut names)?;
        let attributes =
            attributes.iter().map(|&column| Ok(plain(&row, column)?.to_owned())).collect::<Result<_>>()?;
        items.push(Item { key, title, categories, attributes });
    }
    if items.is_empty() {
        return Err(Error::bad_input(path.display()).expected("at least one item").found("none").into());
    }
    Ok(Catalogue::new(items, names.into_vec(), attribute_names))
}

fn read_categories(cell: &str, names: &mut Names) -> Result<Vec<CategoryId>> {
    let mut categories = Vec::new();
    for name in cell.split('|').map(str::trim).filter(|name| !name.is_empty()) {
        let category = CategoryId(names.number(name)?);
        if !categories.contains(&category) {
            categories.push(category);
        }
    }
    Ok(categories)
}

fn read_interactions(path: &Path, catalogue: &Catalogue) -> Result<Vec<User>> {
    let mut file = CsvFile::open(path)?;
    let [user, item, timestamp] = [file.column("user")?, file.column("item")?, file.column("timestamp")?];
    let (mut names, mut histories) = (Names::default(), Vec::<Vec<Event>>::new());
    while let Some(row) = file.next_row()? {
        let name = required(&row, user, "user")?;
        let Some(item) = catalogue.by_key(row.get(item)) else {
            return Err(Error::bad_input(row.place())
                .expected(format!("an item of {ITEMS}"))
                .found(quote(row.get(item)))
                .next(format!("add it to {ITEMS}, or take the line out"))
                .into());
        };
        let timestamp = row.timestamp(timestamp)?;
        let number = names.number(name)? as usize;
        if number == histories.len() {
            histories.push(Vec::new());
        }
        histories[number].push(Event { item: item.0, timestamp });
    }
    let users = names.into_vec().into_iter().zip(histories).map(|(key, mut history)| {
        order(&mut history, Repeats::FirstInTime);
        let (items, timestamps) = history.iter().map(|event| (ItemId(event.item), event.timestamp)).unzip();
        User { key, items, timestamps }
    });
    Ok(users.collect())
}

/// A cell that may go to a prompt or a terminal.
fn plain<'a>(row: &Row<'a>, column: usize) -> Result<&'a str> {
    let cell = row.get(column);
    if is_unsafe(cell) {
        return Err(Error::bad_input(row.place())
            .expected("text on one line, without control characters")
            .found(quote(cell))
            .next("clean it, or run the files through `tiller data import --format csv`")
            .into());
    }
    Ok(cell)
}

/// A plain cell that is not empty.
fn required<'a>(row: &Row<'a>, column: usize, what: &str) -> Result<&'a str> {
    let cell = plain(row, column)?;
    if cell.is_empty() {
        return Err(Error::bad_input(row.place()).expected(format!("a {what}")).found("an empty field").into());
    }
    Ok(cell)
}

/// The line on which each value of a column stands that may hold it only once.
struct Lines {
    what: &'static str,
    lines: HashMap<String, u64>,
}

impl Lines {
    fn new(what: &'static str) -> Self {
        Self { what, lines: HashMap::new() }
    }

    fn claim(&mut self, row: &Row, column: usize) -> Result<String> {
        let value = required(row, column, self.what)?;
        match self.lines.entry(value.to_owned()) {
            Entry::Vacant(free) => {
                free.insert(row.line());
                Ok(value.to_owned())
            }
            Entry::Occupied(taken) => Err(Error::bad_input(row.place())
                .expected(format!("a {} that no other line has", self.what))
                .found(format!("{}, as on line {}", quote(value), taken.get()))
                .next("tell the two apart, or run the files through `tiller data import --format csv`")
                .into()),
        }
    }
}
