//! Generic CSV: a table of interactions, with the items in a second file or in the same rows.

use std::path::{Path, PathBuf};

use super::{files_in, not_the_files};
use crate::data::csv_file::{CsvFile, CsvRow};
use crate::data::input::{file_name, quote};
use crate::data::raw::{RawData, RawItem};
use crate::data::store::{INTERACTIONS, ITEMS};
use crate::data::titles::clean;
use crate::{Error, Result};

/// Column names of generic CSV files. A column that is named here must exist.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    /// The file of items; without it, the items are read from the interactions.
    pub items: Option<PathBuf>,
    /// The column of user ids; `user` by default.
    pub user: Option<String>,
    /// The column of item ids, in both files; `item` by default.
    pub item: Option<String>,
    /// The column of times, as unix seconds or dates; `timestamp` by default.
    pub time: Option<String>,
    /// The column of titles; `title` by default, without a file of items also the item column.
    pub title: Option<String>,
    /// The column of categories; `categories` by default, if it exists.
    pub category: Option<String>,
    /// The separator between two categories of an item; `|` by default.
    pub category_separator: Option<String>,
}

impl Columns {
    fn user(&self) -> &str {
        self.user.as_deref().unwrap_or("user")
    }

    fn item(&self) -> &str {
        self.item.as_deref().unwrap_or("item")
    }

    fn time(&self) -> &str {
        self.time.as_deref().unwrap_or("timestamp")
    }

    /// Splits a cell of categories; an empty separator takes the cell as one.
    fn split<'a>(&'a self, cell: &'a str) -> Vec<String> {
        match self.category_separator.as_deref().unwrap_or("|") {
            "" => vec![cell.to_owned()],
            separator => cell.split(separator).map(str::to_owned).collect(),
        }
    }
}

/// Reads a CSV file of interactions (or a folder with interactions.csv and items.csv) and the items that belong to it.
pub(super) fn read(path: &Path, columns: &Columns) -> Result<RawData> {
    let (interactions, items) = locate(path, columns)?;
    let mut raw = RawData::new(source(&interactions, items.as_deref()), "not stated", &[]);
    match items {
        Some(items) => {
            read_items(&items, columns, &mut raw)?;
            read_interactions(&interactions, columns, &mut raw)?;
        }
        None => read_interactions_with_items(&interactions, columns, &mut raw)?,
    }
    Ok(raw)
}

fn locate(path: &Path, columns: &Columns) -> Result<(PathBuf, Option<PathBuf>)> {
    if !path.is_dir() {
        return Ok((path.to_owned(), columns.items.clone()));
    }
    let files = files_in(path)?;
    let inside = |name: &str| files.iter().any(|file| file == name).then(|| path.join(name));
    let items = columns.items.clone().or_else(|| inside(ITEMS));
    let interactions =
        inside(INTERACTIONS).ok_or_else(|| not_the_files(path, "interactions.csv and items.csv", &files))?;
    Ok((interactions, items))
}

fn source(interactions: &Path, items: Option<&Path>) -> String {
    let files = items.into_iter().chain([interactions]).map(file_name);
    format!("CSV: {}", files.collect::<Vec<_>>().join(", "))
}

fn read_items(path: &Path, columns: &Columns, raw: &mut RawData) -> Result<()> {
    let mut file = CsvFile::open(path)?;
    let key = file.column(columns.item())?;
    let title = file.column(columns.title.as_deref().unwrap_or("title"))?;
    let categories = optional(&file, columns.category.as_deref(), "categories")?;
    let known: Vec<usize> = [key, title].into_iter().chain(categories).collect();
    let attributes = file.further_columns(&known);
    raw.attributes =
        attribute_names(path, &attributes.iter().map(|&at| file.columns()[at].as_str()).collect::<Vec<_>>())?;
    while let Some(row) = file.next_row()? {
        let attributes = attributes.iter().map(|&at| row.get(at).to_owned()).collect();
        raw.push_item(RawItem { attributes, ..item(&row, columns, key, title, categories) })?;
    }
    Ok(())
}

fn read_interactions(path: &Path, columns: &Columns, raw: &mut RawData) -> Result<()> {
    let mut file = CsvFile::open(path)?;
    let [user, item, time] = [file.column(columns.user())?, file.column(columns.item())?, file.column(columns.time())?];
    while let Some(row) = file.next_row()? {
        raw.push_interaction(row.get(user), row.get(item), row.timestamp(time)?)?;
    }
    Ok(())
}

/// Reads interactions whose rows also describe the item: the first row of an item gives its title and categories.
fn read_interactions_with_items(path: &Path, columns: &Columns, raw: &mut RawData) -> Result<()> {
    let mut file = CsvFile::open(path)?;
    let [user, key, time] = [file.column(columns.user())?, file.column(columns.item())?, file.column(columns.time())?];
    let title = optional(&file, columns.title.as_deref(), "title")?.unwrap_or(key);
    let categories = optional(&file, columns.category.as_deref(), "categories")?;
    while let Some(row) = file.next_row()? {
        if !raw.has_item(row.get(key)) {
            raw.push_item(item(&row, columns, key, title, categories))?;
        }
        raw.push_interaction(row.get(user), row.get(key), row.timestamp(time)?)?;
    }
    Ok(())
}

/// The position of a column that is required only if the user named it.
fn optional(file: &CsvFile, named: Option<&str>, usual: &str) -> Result<Option<usize>> {
    match named {
        Some(name) => file.column(name).map(Some),
        None => Ok(file.find(usual)),
    }
}

fn item(row: &CsvRow, columns: &Columns, key: usize, title: usize, categories: Option<usize>) -> RawItem {
    RawItem {
        key: row.get(key).to_owned(),
        title: row.get(title).to_owned(),
        categories: categories.map(|at| columns.split(row.get(at))).unwrap_or_default(),
        attributes: Vec::new(),
    }
}

/// The attribute names of the further columns. The three column names of items.csv are reserved.
fn attribute_names(path: &Path, columns: &[&str]) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::with_capacity(columns.len());
    for column in columns {
        let name = clean(column);
        if name.is_empty() || names.contains(&name) || ["item", "title", "categories"].contains(&name.as_str()) {
            return Err(Error::bad_input(format!("{} line 1", path.display()))
                .expected("further columns with names of their own, other than item, title and categories")
                .found(quote(column))
                .next("rename the column")
                .into());
        }
        names.push(name);
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::import::tests::tell;
    use crate::data::import::{SourceFormat, read};

    fn import(interactions: &str, items: Option<&str>, columns: Columns) -> Result<RawData> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.csv");
        std::fs::write(&path, interactions).unwrap();
        let items = items.map(|text| {
            let path = folder.path().join("things.csv");
            std::fs::write(&path, text).unwrap();
            path
        });
        read(SourceFormat::Csv, &path, &Columns { items, ..columns })
    }

    #[test]
    fn any_columns_will_do_and_further_ones_become_attributes() {
        let columns = Columns {
            user: Some("who".into()),
            item: Some("sku".into()),
            time: Some("when".into()),
            title: Some("name".into()),
            category: Some("tags".into()),
            category_separator: Some("; ".into()),
            items: None,
        };
        let log = "when,who,sku,stars\n2013-05-31,ann,7,5\n10,bob,8,1\n";
        let things = "sku,colour,name,tags,,price\n7,red,Seven,Big; Odd,x,1.5\n8,,\"Eight, or so\",,x,\n";
        let raw = import(log, Some(things), columns).unwrap();
        assert_eq!(raw.attributes, ["colour", "price"]);
        assert_eq!(raw.source, "CSV: things.csv, log.csv");
        let (items, histories) = tell(raw);
        assert_eq!(items, ["7: Seven [Big|Odd] {red|1.5}", "8: Eight, or so [] {|}"]);
        assert_eq!(histories, ["ann: 7@1369958400", "bob: 8@10"]);
    }

    #[test]
    fn a_log_alone_brings_its_items() {
        let log = "user,item,timestamp,title,categories\na,1,5,One,X|Y\na,1,6,Uno,Z\na,2,7,Two,\n";
        let (items, histories) = tell(import(log, None, Columns::default()).unwrap());
        assert_eq!(items, ["1: One [X|Y] {}", "2: Two [] {}"]);
        assert_eq!(histories, ["a: 1@5 1@6 2@7"]);
        let (items, _) = tell(import("user,item,timestamp\na,Heat,5\n", None, Columns::default()).unwrap());
        assert_eq!(items, ["Heat: Heat [] {}"]);
    }

    #[test]
    fn missing_columns_and_bad_times_are_named() {
        let named = |title: &str| Columns { title: Some(title.into()), ..Columns::default() };
        let log = "user,item,timestamp\na,1,5\n";
        for (log, items, columns, expected) in [
            ("who,item,timestamp\n", None, Columns::default(), "log.csv line 1: expected a column \"user\""),
            (log, None, named("name"), "log.csv line 1: expected a column \"name\""),
            (log, Some("item,name\n"), Columns::default(), "things.csv line 1: expected a column \"title\""),
            (log, Some("item,name,title\n"), named("name"), "found \"title\""),
            (
                "user,item,timestamp\na,1,5\na,2,yesterday\n",
                None,
                Columns::default(),
                "log.csv line 3: expected a timestamp",
            ),
        ] {
            let message = import(log, items, columns).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
