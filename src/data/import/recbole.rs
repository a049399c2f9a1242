//! RecBole's atomic files (Zhao et al., CIKM 2021): NAME.inter and NAME.item, parted by tabs, with a type behind the name of
//! each column.

use std::path::Path;

use super::log::LogColumns;
use super::{files_in, not_the_files};
use crate::data::csv_file::{CsvColumn, CsvFile};
use crate::data::input::quote;
use crate::data::raw::{InteractionRules, RawData, RawItem};
use crate::data::time::leading_year;
use crate::data::titles::year_of;
use crate::{Error, Result};

/// Endings of the names of title columns: `movie_title`, `name`.
const TITLES: [&str; 2] = ["title", "name"];

/// Names of category columns.
const CATEGORIES: [&str; 5] = ["class", "genre", "genres", "category", "categories"];

/// Reads NAME.inter and NAME.item of a folder.
pub(super) fn read(folder: &Path, rules: InteractionRules) -> Result<RawData> {
    let files = files_in(folder)?;
    let named = |end: &str| files.iter().filter(|name| name.ends_with(end)).cloned().collect::<Vec<_>>();
    let ([log], [items]) = (&named(".inter")[..], &named(".item")[..]) else {
        return Err(not_the_files(folder, "one NAME.inter and one NAME.item", &files));
    };
    let mut raw = RawData::new(format!("RecBole: {items}, {log}"), "that of the data set's authors", &["year"]);
    raw.rules = rules;
    read_items(&folder.join(items), &mut raw)?;
    let mut file = CsvFile::open(&folder.join(log))?;
    let [user, item, rating, time] =
        ["user_id", "item_id", "rating", "timestamp"].map(|name| CsvColumn::fixed(typed(&file, name)));
    let columns =
        LogColumns { user, item, rating, time: CsvColumn { holds_times: true, ..time } }.find(&file, rules)?;
    while let Some(row) = file.next_row()? {
        raw.push_interaction(columns.interaction(&row), || row.place())?;
    }
    Ok(raw)
}

fn read_items(path: &Path, raw: &mut RawData) -> Result<()> {
    let mut file = CsvFile::open(path)?;
    let position = |fits: &dyn Fn(&str) -> bool| file.columns().iter().position(|column| fits(untyped(column)));
    let key = file.column(typed(&file, "item_id"))?;
    let title = position(&|name| TITLES.iter().any(|end| name.ends_with(end))).ok_or_else(|| {
        Error::bad_input(format!("{} line 1", path.display()))
            .expected("a column of titles, such as movie_title:token_seq")
            .found(quote(&file.columns().join(" ")))
            .next("rename the column of titles to title:token_seq")
    })?;
    let categories = position(&|name| CATEGORIES.contains(&name));
    let year = position(&|name| name.ends_with("year"));
    while let Some(row) = file.next_row()? {
        let year = year.and_then(|at| leading_year(row.get(at))).or_else(|| year_of(row.get(title)));
        raw.push_item(RawItem {
            key: row.get(key).to_owned(),
            title: row.get(title).to_owned(),
            categories: categories.map(|at| sequence(row.get(at))).unwrap_or_default(),
            attributes: vec![year.map_or_else(String::new, |year| year.to_string())],
        })?;
    }
    Ok(())
}

/// The name of a column without its type.
fn untyped(column: &str) -> &str {
    column.split_once(':').map_or(column, |(name, _)| name)
}

/// The column of a name, with its type; the name alone where there is no such column.
fn typed<'a>(file: &'a CsvFile, name: &'a str) -> &'a str {
    file.columns().iter().find(|column| untyped(column) == name).map_or(name, String::as_str)
}

/// The names of a sequence of tokens: between spaces, or in quotes between commas.
fn sequence(cell: &str) -> Vec<String> {
    let names: Vec<&str> = match cell.starts_with(['\'', '"']) {
        true => cell.split(',').map(|name| name.trim().trim_matches(['\'', '"'])).collect(),
        false => cell.split_whitespace().collect(),
    };
    names.into_iter().filter(|name| *name != "unknown").map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use crate::data::import::SourceFormat::RecBole;
    use crate::data::import::tests::{read_files, tell};

    const LOG: &[u8] =
        b"user_id:token\titem_id:token\trating:float\ttimestamp:float\n7\t2\t3\t881250949\n7\t1\t5\t881250950.0\n";

    #[test]
    fn items_and_interactions_are_read() {
        let items = b"item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n\
            1\tShanghai Triad (Yao a yao)\t1995\tDrama Sci-Fi\n2\tLand Before Time III (1995)\tV\tunknown\n\
            3\tSoap\t\t'Home & Bath', 'Soap'\n";
        let (items, histories) = tell(read_files(RecBole, &[("ml.inter", LOG), ("ml.item", items)]).unwrap());
        let expected = [
            "1: Shanghai Triad (Yao a yao) [Drama|Sci-Fi] {1995}",
            "2: Land Before Time III (1995) [] {1995}",
            "3: Soap [Home & Bath|Soap] {}",
        ];
        assert_eq!(items, expected);
        assert_eq!(histories, ["7: 2@881250949 1@881250950"]);
    }

    #[test]
    fn what_is_missing_is_named() {
        for (log, items, expected) in [
            (LOG, &b"item_id:token\tprice:float\n"[..], "ml.item line 1: expected a column of titles"),
            (b"user_id:token\titem_id:token\n", b"item_id:token\tname:token\n", "no column of times"),
            (LOG, b"id:token\tname:token\n", "ml.item line 1: expected a column \"item_id\""),
        ] {
            let message = read_files(RecBole, &[("ml.inter", log), ("ml.item", items)]).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
