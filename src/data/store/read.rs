//! Reading a data set folder, hand-made or imported: every cell is checked, and errors name the line.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;

use super::{DatasetInfo, INTERACTIONS, ITEMS};
use crate::data::csv_file::{CsvFile, CsvRow};
use crate::data::dataset::{Catalogue, CategoryId, Dataset, Item, ItemId, User};
use crate::data::filter::{Interaction, Repeats, order};
use crate::data::input::quote;
use crate::data::interner::Interner;
use crate::data::time::MICROS;
use crate::data::time_column::TimeColumn;
use crate::data::titles::is_unsafe;
use crate::{Error, Result};

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
        let info = DatasetInfo::read(dir)?;
        let catalogue = read_items(&dir.join(ITEMS))?;
        let users = read_interactions(&dir.join(INTERACTIONS), &catalogue)?;
        Ok(Dataset { name: info.name, catalogue, users })
    }
}

fn read_items(path: &Path) -> Result<Catalogue> {
    let mut file = CsvFile::open(path)?;
    let [item, title, categories] = [file.column("item")?, file.column("title")?, file.column("categories")?];
    let attributes = file.further_columns(&[item, title, categories]);
    let attribute_names: Vec<String> = attributes.iter().map(|&column| file.columns()[column].clone()).collect();
    if let Some(hostile) = attribute_names.iter().find(|name| is_unsafe(name)) {
        return Err(Error::bad_input(path.display())
            .expected("column names of plain text")
            .found(quote(hostile))
            .into());
    }
    let (mut items, mut names) = (Vec::new(), Interner::folding_case());
    let (mut keys, mut titles) = (FirstSeen::new("an item"), FirstSeen::new("a title"));
    while let Some(row) = file.next_row()? {
        let key = keys.claim(&row, item)?;
        let title = titles.claim(&row, title)?;
        let categories = names.intern_distinct(plain(&row, categories)?.split('|').map(str::trim))?;
        let categories = categories.into_iter().map(CategoryId).collect();
        let attributes = attributes.iter().map(|&column| Ok(plain(&row, column)?.to_owned())).collect::<Result<_>>()?;
        items.push(Item { key, title, categories, attributes });
    }
    if items.is_empty() {
        return Err(Error::bad_input(path.display()).expected("at least one item").found("none").into());
    }
    Ok(Catalogue::new(items, names.into_vec(), attribute_names))
}

fn read_interactions(path: &Path, catalogue: &Catalogue) -> Result<Vec<User>> {
    let mut file = CsvFile::open(path)?;
    let [user, item, timestamp] = [file.column("user")?, file.column("item")?, file.column("timestamp")?];
    let (mut names, mut histories) = (Interner::default(), Vec::<Vec<Interaction>>::new());
    let mut times = TimeColumn::default();
    while let Some(row) = file.next_row()? {
        let name = required(&row, user, "a user")?;
        let Some(item) = catalogue.by_key(row.get(item)) else {
            return Err(Error::bad_input(row.place())
                .expected(format!("an item of {ITEMS}"))
                .found(quote(row.get(item)))
                .next(format!("add it to {ITEMS}, or run both files through `tiller data import --format csv`"))
                .into());
        };
        let Some(time) = times.read(row.get(timestamp), || row.place())? else {
            return Err(Error::bad_input(row.place())
                .expected("a timestamp")
                .found("an empty field")
                .next("fill it, or run the files through `tiller data import --format csv`, which counts such rows")
                .into());
        };
        let number = names.intern(name)? as usize;
        if number == histories.len() {
            histories.push(Vec::new());
        }
        histories[number].push(Interaction { item: item.0, time });
    }
    let users = names.into_vec().into_iter().zip(histories).map(|(key, mut history)| {
        order(&mut history, Repeats::FirstInTime);
        let (items, timestamps) =
            history.iter().map(|event| (ItemId(event.item), event.time.div_euclid(MICROS))).unzip();
        User { key, items, timestamps }
    });
    Ok(users.collect())
}

/// A cell that may go to a prompt or a terminal.
fn plain<'a>(row: &CsvRow<'a>, column: usize) -> Result<&'a str> {
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
fn required<'a>(row: &CsvRow<'a>, column: usize, what: &str) -> Result<&'a str> {
    let cell = plain(row, column)?;
    if cell.is_empty() {
        return Err(Error::bad_input(row.place()).expected(what).found("an empty field").into());
    }
    Ok(cell)
}

/// The line on which each value of a column stands that may hold it only once.
struct FirstSeen {
    what: &'static str,
    lines: HashMap<String, u64>,
}

impl FirstSeen {
    fn new(what: &'static str) -> Self {
        Self { what, lines: HashMap::new() }
    }

    fn claim(&mut self, row: &CsvRow, column: usize) -> Result<String> {
        let value = required(row, column, self.what)?;
        match self.lines.entry(value.to_owned()) {
            Entry::Vacant(free) => {
                free.insert(row.line());
                Ok(value.to_owned())
            }
            Entry::Occupied(taken) => Err(Error::bad_input(row.place())
                .expected(format!("{} that no other line has", self.what))
                .found(format!("{}, as on line {}", quote(value), taken.get()))
                .next("tell the two apart, or run the files through `tiller data import --format csv`")
                .into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEMS_CSV: &str = "item,title,categories,year\n1,One,A|B,1999\n2,Two,,\n3,Three,B,\n";
    const INTERACTIONS_CSV: &str = "user,item,timestamp\nv,2,30\nu,1,10\nv,1,20\nv,3,20\n";

    fn read(items: &[u8], interactions: &[u8], info: Option<&str>) -> Result<Dataset> {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("hand");
        std::fs::create_dir(&dir).unwrap();
        std::fs::write(dir.join(ITEMS), items).unwrap();
        std::fs::write(dir.join(INTERACTIONS), interactions).unwrap();
        info.iter().for_each(|text| std::fs::write(dir.join("dataset.json"), text).unwrap());
        Dataset::read(&dir)
    }

    #[test]
    fn a_folder_made_by_hand_is_read_and_ordered() {
        let dataset = read(ITEMS_CSV.as_bytes(), INTERACTIONS_CSV.as_bytes(), None).unwrap();
        assert_eq!(dataset.name, "hand");
        let users: Vec<_> = dataset.users.iter().map(|user| (user.key.as_str(), user.items.as_slice())).collect();
        assert_eq!(users, [("v", &[1, 3, 2].map(ItemId)[..]), ("u", &[ItemId(1)][..])]);
        assert_eq!(dataset.users[0].timestamps, [20, 20, 30]);
        let catalogue = &dataset.catalogue;
        assert_eq!(
            (catalogue.categories(), catalogue.attributes()),
            (&["A", "B"].map(str::to_owned)[..], &["year".to_owned()][..])
        );
        assert_eq!(catalogue.members(CategoryId(1)), [ItemId(1), ItemId(3)]);
        assert_eq!(catalogue.item(ItemId(2)).attributes, [""]);
    }

    #[test]
    fn columns_in_any_order_windows_line_ends_dates_and_doubled_marks_are_fine() {
        let items = "\u{feff}year,categories,item,title\r\n1999,| A || B |A,1,\"One, again\"\r\n".as_bytes();
        let interactions = b"timestamp,note,item,user\r\n1970-01-02,x,1,u\r\n5,x,1,u\r\n";
        let dataset = read(items, interactions, Some(r#"{"name": "n\u001b[1m", "counts": {"items": 9}}"#)).unwrap();
        assert_eq!(dataset.name, "n [1m");
        assert_eq!(dataset.catalogue.title(ItemId(1)), "One, again");
        assert_eq!(dataset.catalogue.item(ItemId(1)).categories, [CategoryId(0), CategoryId(1)]);
        assert_eq!(dataset.users[0].timestamps, [5], "of a repeated pair the oldest counts");
    }

    #[test]
    fn milliseconds_and_categories_of_other_case_are_understood() {
        let items = b"item;title;categories\n1;One;Sci-Fi\n2;Two;sci-fi|War\n";
        let dataset = read(items, b"user,item,timestamp\nu,2,1600086401009\nu,1,1600086401007\n", None).unwrap();
        assert_eq!(dataset.catalogue.categories(), ["Sci-Fi", "War"]);
        let user = &dataset.users[0];
        assert_eq!((&user.items[..], &user.timestamps[..]), (&[ItemId(1), ItemId(2)][..], &[1_600_086_401; 2][..]));
    }

    #[test]
    fn every_bad_item_is_named_by_its_line() {
        for (items, expected) in [
            (&b""[..], "items.csv: expected a CSV file that starts with the names of its columns, found an empty file"),
            (b"item,title\n", "items.csv line 1: expected a column \"categories\", found the columns \"item,title\""),
            (b"item,title,categories\n", "items.csv: expected at least one item, found none"),
            (
                b"item,title,categories\n1,One,A\n2,One,B\n",
                "line 3: expected a title that no other line has, found \"One\", as on line 2",
            ),
            (
                b"item,title,categories\n1,One,A\n\n1,Two,B\n",
                "expected an item that no other line has, found \"1\", as on line 2",
            ),
            (b"item,title,categories\n1,One,A\n2, ,A\n", "line 3: expected a title, found an empty field"),
            (b"item,title,categories\n,One,A\n", "line 2: expected an item, found an empty field"),
            (
                b"item,title,categories\n1,\"a\nb\",A\n",
                "line 2: expected text on one line, without control characters, found \"a\\nb\"",
            ),
            (b"item,title,categories\n1,a,\x1b[2J\n", "found \"\\u{1b}[2J\""),
            (b"item,title,categories,y\n1,a,A,\x07\n", "line 2: expected text on one line"),
            (b"item,title,categories,\x1b\n1,a,A,\n", "expected column names of plain text"),
            (b"item,title,categories\n1,\xe9t\xe9,A\n", "line 2: expected UTF-8, found another byte in field 2"),
            (b"item,title,categories\n1,One,A,1999\n", "line 2: expected 3 fields, as in the first line, found 4"),
        ] {
            let error = read(items, INTERACTIONS_CSV.as_bytes(), None).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert_eq!(error.exit_code(), 2);
        }
    }

    #[test]
    fn every_bad_interaction_is_named_by_its_line() {
        for (interactions, expected) in [
            (
                &b"user,item,time\n"[..],
                "interactions.csv line 1: expected a column \"timestamp\", found the columns \"user,item,time\"",
            ),
            (b"user,item,timestamp\nu,1,1\r\nu,9,2\n", "line 3: expected an item of items.csv, found \"9\""),
            (b"user,item,timestamp\nu,1,\n", "line 2: expected a timestamp, found an empty field"),
            (
                b"user,item,timestamp\nu,1,1600000020\nu,2,1600086401000\n",
                "line 3: expected a time in seconds, as \"1600000020\" at",
            ),
            (b"user,item,timestamp\nu,1,soon\n", "line 2: expected a timestamp (unix seconds, or a date"),
            (b"user,item,timestamp\n ,1,1\n", "line 2: expected a user, found an empty field"),
            (b"user,item,timestamp\nu\x00,1,1\n", "found \"u\\0\""),
            (b"user,item,timestamp\nu,1,1\nu,1\n", "line 3: expected 3 fields, as in the first line, found 2"),
        ] {
            let error = read(ITEMS_CSV.as_bytes(), interactions, None).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert_eq!(error.exit_code(), 2);
        }
    }

    #[test]
    fn a_missing_folder_a_missing_file_and_a_broken_description_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let nowhere = Dataset::read(&folder.path().join("nowhere")).unwrap_err().to_string();
        assert!(nowhere.contains("no such folder") && nowhere.contains("tiller data import --help"), "{nowhere}");
        std::fs::write(folder.path().join(ITEMS), ITEMS_CSV).unwrap();
        let half = Dataset::read(folder.path()).unwrap_err().to_string();
        assert!(half.contains("a folder without interactions.csv"), "{half}");
        let broken = read(ITEMS_CSV.as_bytes(), INTERACTIONS_CSV.as_bytes(), Some("{\"name\": 5}")).unwrap_err();
        assert!(broken.to_string().contains("dataset.json: expected a JSON object"), "{broken}");
    }

    #[test]
    fn a_cell_of_very_many_categories_is_read_in_good_time() {
        let names: Vec<String> = (0..1_000_000).map(|number| format!("{number:x}")).collect();
        let items = format!("item,title,categories\n1,One,{}\n", names.join("|"));
        let dataset = read(items.as_bytes(), b"user,item,timestamp\n", None).unwrap();
        assert_eq!(dataset.catalogue.item(ItemId(1)).categories.len(), names.len());
    }
}
