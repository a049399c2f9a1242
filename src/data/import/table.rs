//! Generic CSV: a table of interactions, with the items in a second file or in the same rows.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::literal;
use super::log::{LogColumns, LogPositions};
use super::{files_in, named_file, not_the_files};
use crate::data::csv_file::{CsvColumn, CsvFile, CsvHeader, CsvRow};
use crate::data::input::{file_name, quote};
use crate::data::raw::{InteractionRules, RawData, RawItem};
use crate::data::store::{INTERACTIONS, ITEMS};
use crate::data::titles::clean;
use crate::{Error, Result};

/// CsvColumn names of generic CSV files. A column that is named here must exist.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableColumns {
    /// The file of items; without it, the items are read from the interactions.
    pub items: Option<PathBuf>,
    /// The column of user ids; `user` by default.
    pub user: Option<String>,
    /// The column of item ids, in both files; `item` by default.
    pub item: Option<String>,
    /// The column of times, as numbers since 1970 or dates; `timestamp` by default.
    pub time: Option<String>,
    /// The column of ratings; `rating` by default.
    pub rating: Option<String>,
    /// The column of titles; `title` by default, without a file of items also the item column.
    pub title: Option<String>,
    /// The column of categories; `categories` by default, if it exists.
    pub category: Option<String>,
    /// The separator between two categories of an item; `|` by default.
    pub category_separator: Option<String>,
    /// The names of the columns of interactions, where the file's first line is a row like the others.
    pub header: Option<Vec<String>>,
    /// The names of the columns of items, where that file's first line is a row like the others.
    pub items_header: Option<Vec<String>>,
}

impl TableColumns {
    /// The columns of interactions.
    fn log(&self) -> LogColumns<'_> {
        LogColumns {
            user: named(&self.user, "user", "--user-column"),
            item: self.item(),
            rating: named(&self.rating, "rating", "--rating-column"),
            time: CsvColumn { holds_times: true, ..named(&self.time, "timestamp", "--time-column") },
        }
    }

    fn item(&self) -> CsvColumn<'_> {
        named(&self.item, "item", "--item-column")
    }

    /// Splits a cell of categories; an empty separator takes the cell as one. A list as programs write it is a list, whatever the
    /// separator.
    fn split<'a>(&'a self, cell: &'a str) -> Vec<String> {
        if let Some(names) = list_of_names(cell) {
            return names;
        }
        match self.category_separator.as_deref().unwrap_or("|") {
            "" => vec![cell.to_owned()],
            separator => cell.split(separator).map(str::to_owned).collect(),
        }
    }
}

/// The names in a list such as `['Drama', 'Crime']` or `[{"id": 18, "name": "Drama"}]`, if `cell` is one.
fn list_of_names(cell: &str) -> Option<Vec<String>> {
    let list = Some(cell).filter(|cell| cell.starts_with('['));
    let Value::Array(entries) = literal::parse(list?).ok()? else { return None };
    entries.iter().map(|entry| entry.as_str().or_else(|| entry["name"].as_str()).map(str::to_owned)).collect()
}

/// A column that a flag may name.
fn named<'a>(name: &'a Option<String>, usual: &'a str, flag: &'static str) -> CsvColumn<'a> {
    CsvColumn { name: name.as_deref().unwrap_or(usual), flag: Some(flag), holds_times: false }
}

/// Reads a CSV file of interactions (or a folder with interactions.csv and items.csv) and the items that belong to it.
pub(super) fn read(path: &Path, columns: &TableColumns, rules: InteractionRules) -> Result<RawData> {
    let (interactions, items) = locate(path, columns)?;
    let mut raw = RawData::new(source(&interactions, items.as_deref()), "not stated", &[]);
    raw.rules = rules;
    match items {
        Some(items) => {
            read_items(&items, columns, &mut raw)?;
            read_interactions(&interactions, columns, &mut raw)?;
        }
        None => read_interactions_with_items(&interactions, columns, &mut raw)?,
    }
    Ok(raw)
}

fn locate(path: &Path, columns: &TableColumns) -> Result<(PathBuf, Option<PathBuf>)> {
    if !path.is_dir() {
        return Ok((path.to_owned(), columns.items.clone()));
    }
    let files = files_in(path)?;
    let inside = |name: &str| named_file(&files, name).map(|name| path.join(name));
    let items = columns.items.clone().or_else(|| inside(ITEMS));
    let interactions =
        inside(INTERACTIONS).ok_or_else(|| not_the_files(path, "interactions.csv and items.csv", &files))?;
    Ok((interactions, items))
}

fn source(interactions: &Path, items: Option<&Path>) -> String {
    let files = items.into_iter().chain([interactions]).map(file_name);
    format!("CSV: {}", files.collect::<Vec<_>>().join(", "))
}

fn read_items(path: &Path, columns: &TableColumns, raw: &mut RawData) -> Result<()> {
    let header = CsvHeader { names: columns.items_header.as_deref(), flag: Some("--items-header") };
    let mut file = CsvFile::open_with(path, header)?;
    let needed = file.positions(&[columns.item(), named(&columns.title, "title", "--title-column")])?;
    let (key, title) = (needed[0], needed[1]);
    let categories = optional(&file, &columns.category, "categories", "--category-column")?;
    let known: Vec<usize> = needed.into_iter().chain(categories).collect();
    let attributes = file.further_columns(&known);
    raw.attributes =
        attribute_names(path, &attributes.iter().map(|&at| file.columns()[at].as_str()).collect::<Vec<_>>())?;
    while let Some(row) = file.next_row()? {
        let attributes = attributes.iter().map(|&at| row.get(at).to_owned()).collect();
        raw.push_item(RawItem { attributes, ..item(&row, columns, key, title, categories) })?;
    }
    Ok(())
}

/// Opens the file of interactions and finds its columns.
fn open_log(path: &Path, columns: &TableColumns, rules: InteractionRules) -> Result<(CsvFile, LogPositions)> {
    let file = CsvFile::open_with(path, CsvHeader { names: columns.header.as_deref(), flag: Some("--header") })?;
    if let Some(time) = &columns.time {
        file.positions(&[named(&columns.time, time, "--time-column")])?;
    }
    let positions = columns.log().find(&file, rules)?;
    Ok((file, positions))
}

fn read_interactions(path: &Path, columns: &TableColumns, raw: &mut RawData) -> Result<()> {
    let (mut file, log) = open_log(path, columns, raw.rules)?;
    while let Some(row) = file.next_row()? {
        raw.push_interaction(log.interaction(&row), || row.place())?;
    }
    Ok(())
}

/// Reads interactions whose rows also describe the item: the first row of an item gives its title and categories.
fn read_interactions_with_items(path: &Path, columns: &TableColumns, raw: &mut RawData) -> Result<()> {
    let (mut file, log) = open_log(path, columns, raw.rules)?;
    let title = optional(&file, &columns.title, "title", "--title-column")?.unwrap_or(log.item_column());
    let categories = optional(&file, &columns.category, "categories", "--category-column")?;
    while let Some(row) = file.next_row()? {
        let interaction = log.interaction(&row);
        if !raw.has_item(interaction.item) {
            raw.push_item(item(&row, columns, log.item_column(), title, categories))?;
        }
        raw.push_interaction(interaction, || row.place())?;
    }
    Ok(())
}

/// The position of a column that is required only if the user named it.
fn optional(file: &CsvFile, name: &Option<String>, usual: &str, flag: &'static str) -> Result<Option<usize>> {
    match name {
        Some(_) => Ok(file.positions(&[named(name, usual, flag)])?.first().copied()),
        None => Ok(file.find(usual)),
    }
}

fn item(row: &CsvRow, columns: &TableColumns, key: usize, title: usize, categories: Option<usize>) -> RawItem {
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
    use crate::data::import::{ImportOptions, SourceFormat, read};
    use crate::data::raw::MissingTime;

    fn import(interactions: &str, items: Option<&str>, columns: TableColumns) -> Result<RawData> {
        import_by(interactions, items, columns, InteractionRules::default())
    }

    fn import_by(log: &str, items: Option<&str>, columns: TableColumns, rules: InteractionRules) -> Result<RawData> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.csv");
        std::fs::write(&path, log).unwrap();
        let items = items.map(|text| {
            let path = folder.path().join("things.csv");
            std::fs::write(&path, text).unwrap();
            path
        });
        read(SourceFormat::Csv, &path, &ImportOptions { columns: TableColumns { items, ..columns }, rules })
    }

    #[test]
    fn any_columns_will_do_and_further_ones_become_attributes() {
        let columns = TableColumns {
            user: Some("who".into()),
            item: Some("sku".into()),
            time: Some("when".into()),
            title: Some("name".into()),
            category: Some("tags".into()),
            category_separator: Some("; ".into()),
            ..TableColumns::default()
        };
        let log = "when,who,sku,stars\n2013-05-31,ann,7,5\n1369958410,bob,8,1\n";
        let things = "sku,colour,name,tags,,price\n7,red,Seven,Big; Odd,x,1.5\n8,,\"Eight, or so\",,x,\n";
        let raw = import(log, Some(things), columns).unwrap();
        assert_eq!(raw.attributes, ["colour", "price"]);
        assert_eq!(raw.source, "CSV: things.csv, log.csv");
        let (items, histories) = tell(raw);
        assert_eq!(items, ["7: Seven [Big|Odd] {red|1.5}", "8: Eight, or so [] {|}"]);
        assert_eq!(histories, ["ann: 7@1369958400", "bob: 8@1369958410"]);
    }

    #[test]
    fn a_log_alone_brings_its_items() {
        let log = "user,item,timestamp,title,categories\na,1,5,One,X|Y\na,1,6,Uno,Z\na,2,7,Two,\n";
        let (items, histories) = tell(import(log, None, TableColumns::default()).unwrap());
        assert_eq!(items, ["1: One [X|Y] {}", "2: Two [] {}"]);
        assert_eq!(histories, ["a: 1@5 1@6 2@7"]);
        let (items, _) = tell(import("user,item,timestamp\na,Heat,5\n", None, TableColumns::default()).unwrap());
        assert_eq!(items, ["Heat: Heat [] {}"]);
    }

    #[test]
    fn categories_may_be_a_list_as_programs_write_it() {
        let things = "item,title,categories\n1,One,\"['Drama', \"\"Children's\"\"]\"\n2,Two,\"[{'id': 1, 'name': 'Drama|Crime'}]\"\n\
            3,Three,[]\n4,Four,[sic]|Odd\n5,Five,[1]\n";
        let raw = import("user,item,timestamp\na,1,5\n", Some(things), TableColumns::default()).unwrap();
        let (items, _) = tell(raw);
        let expected = ["[Drama|Children's]", "[Drama|Crime]", "[]", "[[sic]|Odd]", "[[1]]"];
        assert!(items.iter().zip(expected).all(|(item, categories)| item.contains(categories)), "{items:?}");
    }

    #[test]
    fn a_file_without_column_names_is_read_by_the_names_given() {
        let names = |names: &[&str]| Some(names.iter().map(|&name| name.to_owned()).collect());
        let log = "0001;A1;5.0;1600000004\n0002;A1;2.0;1600000005\n";
        let columns = TableColumns {
            header: names(&["item", "user", "rating", "timestamp"]),
            items_header: names(&["item", "title"]),
            ..TableColumns::default()
        };
        let rules = InteractionRules { min_rating: Some(3.0), ..InteractionRules::default() };
        let raw = import_by(log, Some("0001,One\n0002,Two\n"), columns, rules).unwrap();
        assert_eq!(raw.dropped.interactions_below_rating, 1);
        assert_eq!(tell(raw).1, ["A1: 0001@1600000004"]);
        let message = import(log, None, TableColumns::default()).unwrap_err().to_string();
        assert!(message.contains("found a line of values") && message.contains("--header"), "{message}");
    }

    #[test]
    fn the_order_of_the_file_counts_where_it_has_no_times() {
        let log = "user,item,rating\na,2,5\na,1,4\nb,1,1\n";
        let refused = import(log, None, TableColumns::default()).unwrap_err().to_string();
        assert!(refused.contains("no column of times\n  next: `--missing-time file-order`"), "{refused}");
        let rules = InteractionRules { missing_time: MissingTime::FileOrder, ..InteractionRules::default() };
        let raw = import_by(log, None, TableColumns::default(), rules).unwrap();
        assert_eq!(raw.untimed, 3);
        assert_eq!(tell(raw).1, ["a: 2@0 1@1", "b: 1@0"]);
        let named = TableColumns { time: Some("when".into()), ..TableColumns::default() };
        assert!(import_by(log, None, named, rules).is_err(), "a column that was named has to be there");
    }

    #[test]
    fn missing_columns_and_bad_times_are_named() {
        let named = |title: &str| TableColumns { title: Some(title.into()), ..TableColumns::default() };
        let log = "user,item,timestamp\na,1,5\n";
        for (log, items, columns, expected) in [
            ("who,item,timestamp\n", None, TableColumns::default(), "log.csv line 1: expected a column \"user\""),
            (log, None, named("name"), "log.csv line 1: expected a column \"name\""),
            (log, Some("item,name\n"), TableColumns::default(), "things.csv line 1: expected a column \"title\""),
            (log, Some("item,name,title\n"), named("name"), "found \"title\""),
            (
                "user,item,timestamp\na,1,5\na,2,yesterday\n",
                None,
                TableColumns::default(),
                "log.csv line 3: expected a timestamp",
            ),
        ] {
            let message = import(log, items, columns).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
