//! Untrusted CSV files: columns by name, errors with file and line, records of bounded length.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use csv::StringRecord;

use super::csv_record::RecordReader;
use super::input::quote;
use super::time::parse_date;
use crate::{Error, Result};

/// The characters that part fields, with their names. A header line with a comma is parted by commas.
const SEPARATORS: [(u8, &str); 4] = [(b'\t', "tabs"), (b',', "commas"), (b';', "semicolons"), (b'|', "bars")];

/// The first line of a file, or what stands for it.
#[derive(Debug, Clone, Copy)]
pub struct CsvHeader<'a> {
    /// The names of the columns where the first line is a row like the others.
    pub names: Option<&'a [String]>,
    /// The flag that gives such names.
    pub flag: Option<&'static str>,
}

/// An open CSV file. A byte order mark, CRLF and gzip are all fine, and so are tabs, semicolons and bars for commas.
pub struct CsvFile {
    path: PathBuf,
    columns: Vec<String>,
    header_flag: Option<&'static str>,
    separator: u8,
    records: RecordReader,
    record: StringRecord,
    line: u64,
}

/// A column that a reader needs.
#[derive(Debug, Clone, Copy)]
pub struct CsvColumn<'a> {
    /// Its name.
    pub name: &'a str,
    /// The flag that gives it another name.
    pub flag: Option<&'static str>,
    /// True for the column of times, without which the order of the lines may count.
    pub holds_times: bool,
}

impl<'a> CsvColumn<'a> {
    /// A column whose name is fixed.
    pub fn fixed(name: &'a str) -> Self {
        Self { name, flag: None, holds_times: false }
    }
}

impl CsvFile {
    /// Opens a file whose first line has the names of its columns.
    ///
    /// # Errors
    /// A file that is not there, is empty, is not UTF-8, or names one column twice.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_with(path, CsvHeader { names: None, flag: None })
    }

    /// Opens a file by its header, which may be given.
    ///
    /// # Errors
    /// As [`CsvFile::open`].
    pub fn open_with(path: &Path, CsvHeader { names, flag }: CsvHeader) -> Result<Self> {
        let mut records = RecordReader::open(path)?;
        let first = records.peek()?;
        if first.contains(&b'\r') {
            return Err(Error::bad_input(path.display())
                .expected("lines that end with a line feed")
                .found("carriage returns alone, as old Mac programs write them")
                .next("convert the line ends")
                .into());
        }
        let separator = separator_of(first, names.map(<[String]>::len));
        let mut file = Self {
            path: path.to_owned(),
            columns: names.unwrap_or_default().to_vec(),
            header_flag: flag,
            separator,
            records,
            record: StringRecord::new(),
            line: 0,
        };
        if names.is_none() {
            if file.records.read(separator, None, &mut file.record)?.is_none() {
                return Err(Error::bad_input(path.display())
                    .expected("a CSV file that starts with the names of its columns")
                    .found("an empty file")
                    .into());
            }
            file.columns = file.record.iter().map(|name| name.trim().to_owned()).collect();
        }
        let mut seen = HashSet::new();
        if names.is_none() && file.columns.iter().any(|name| is_value(name)) && !all_differ(&file.columns) {
            return Err(file.no_header("each once"));
        }
        if let Some(twice) = file.columns.iter().find(|name| !name.is_empty() && !seen.insert(name.as_str())) {
            return Err(Error::bad_input(file.header_place())
                .expected("every column named once")
                .found(format!("{} twice", quote(twice)))
                .into());
        }
        Ok(file)
    }

    /// The names of the columns, in the order of the file; unnamed ones are empty.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The position of a column, if the file has it.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    /// The position of a column of a fixed name.
    ///
    /// # Errors
    /// As [`CsvFile::positions`].
    pub fn column(&self, name: &str) -> Result<usize> {
        self.find(name).ok_or_else(|| self.lacks(&[CsvColumn::fixed(name)]))
    }

    /// The positions of columns that have to be there.
    ///
    /// # Errors
    /// One of them is missing; the message lists those that are there.
    pub fn positions(&self, wanted: &[CsvColumn]) -> Result<Vec<usize>> {
        let missing: Vec<CsvColumn> =
            wanted.iter().filter(|column| self.find(column.name).is_none()).copied().collect();
        if !missing.is_empty() {
            return Err(self.lacks(&missing));
        }
        Ok(wanted.iter().filter_map(|column| self.find(column.name)).collect())
    }

    /// The named columns that are not among `known` positions, in the order of the file.
    pub fn further_columns(&self, known: &[usize]) -> Vec<usize> {
        (0..self.columns.len()).filter(|at| !known.contains(at) && !self.columns[*at].is_empty()).collect()
    }

    /// The next row; `None` at the end of the file.
    ///
    /// # Errors
    /// A row with more or fewer fields than columns, bytes that are not UTF-8, quotes that fit no way of quoting, a
    /// record longer than [`super::input::LONGEST_LINE`].
    pub fn next_row(&mut self) -> Result<Option<CsvRow<'_>>> {
        let Some(line) = self.records.read(self.separator, Some(self.columns.len()), &mut self.record)? else {
            return Ok(None);
        };
        self.line = line;
        Ok(Some(CsvRow { path: &self.path, record: &self.record, line }))
    }

    fn header_place(&self) -> String {
        format!("{} line 1", self.path.display())
    }

    /// The error about columns that are not there: it names the reason where the header shows one.
    fn lacks(&self, missing: &[CsvColumn]) -> Error {
        let names: Vec<String> = missing.iter().map(|column| quote(column.name)).collect();
        let wanted = match names.as_slice() {
            [name] => format!("a column {name}"),
            names => format!("the columns {}", names.join(" and ")),
        };
        if self.columns.iter().any(|name| is_value(name)) {
            return self.no_header(&format!("{wanted} among them"));
        }
        let error = Error::bad_input(self.header_place()).expected(wanted);
        let header = quote(&self.columns.join(","));
        if let Some(layout) = self.other_layout() {
            let next =
                "write the fields between commas, tabs, semicolons or bars, below a line with the names of the columns";
            return error.found(format!("{header}, {layout}")).next(next).into();
        }
        let flags: Vec<String> = missing.iter().filter_map(|column| Some(format!("{} NAME", column.flag?))).collect();
        let (_, separators) = SEPARATORS.iter().find(|(byte, _)| *byte == self.separator).unwrap_or(&SEPARATORS[0]);
        let parted = if self.separator == b',' { String::new() } else { format!(", parted by {separators}") };
        let untimed =
            missing.iter().any(|column| column.holds_times) && !self.columns.iter().any(|name| tells_time(name));
        let (found, next) = match untimed {
            true => (
                format!("the columns {header}{parted}; no column of times"),
                "`--missing-time file-order` takes the order of the lines for the order in time".to_owned(),
            ),
            false => (format!("the columns {header}{parted}"), "rename the column".to_owned()),
        };
        let next = match (flags.is_empty(), untimed) {
            (true, _) => next,
            (false, true) => format!("{next}; other names go into {}", flags.join(" ")),
            (false, false) => format!("say which column it is: {}", flags.join(" ")),
        };
        error.found(found).next(next).into()
    }

    /// The error about a first line of values.
    fn no_header(&self, expected: &str) -> Error {
        let next = match self.header_flag {
            Some(flag) => {
                format!("write the names of the columns above it, or give them in their order: {flag} NAME,NAME,…")
            }
            None => "write the names of the columns above it".to_owned(),
        };
        Error::bad_input(self.header_place())
            .expected(format!("the names of the columns on the first line, {expected}"))
            .found(format!("a line of values: {}", quote(&self.columns.join(","))))
            .next(next)
            .into()
    }

    /// The layout of a file that is no table.
    fn other_layout(&self) -> Option<&'static str> {
        match self.columns.as_slice() {
            [first, ..] if first.starts_with(['{', '[']) => Some("an object of JSON"),
            [all] if all.contains("::") => Some("parted by double colons"),
            [all] if all.contains(' ') => Some("parted by spaces"),
            _ => None,
        }
    }
}

fn all_differ(names: &[String]) -> bool {
    names.iter().collect::<HashSet<_>>().len() == names.len()
}

/// The separator of a line: with `width` known the one that gives as many fields, else commas if there are any, else the
/// most frequent one.
fn separator_of(line: &[u8], width: Option<usize>) -> u8 {
    let count = |separator: u8| {
        let (mut quoted, mut count) = (false, 0);
        for &byte in line {
            quoted ^= byte == b'"';
            count += usize::from(byte == separator && !quoted);
        }
        count
    };
    let fits = SEPARATORS.iter().find(|(separator, _)| width.is_some_and(|width| count(*separator) + 1 == width));
    let most =
        SEPARATORS.iter().filter(|(separator, _)| count(*separator) > 0).max_by_key(|(separator, _)| count(*separator));
    match (fits, most) {
        (Some((separator, _)), _) => *separator,
        (None, Some((separator, _))) if count(b',') == 0 => *separator,
        _ => b',',
    }
}

/// Returns true for what is a value rather than the name of a column: a number, a date, an id with a colon.
fn is_value(name: &str) -> bool {
    name.trim_end_matches(':').parse::<f64>().is_ok_and(f64::is_finite) || parse_date(name).is_some()
}

fn tells_time(name: &str) -> bool {
    let name = name.to_lowercase();
    ["time", "date", "stamp", "when"].iter().any(|word| name.contains(word)) || name == "ts"
}

/// One row and where it stands.
pub struct CsvRow<'a> {
    path: &'a Path,
    record: &'a StringRecord,
    line: u64,
}

impl<'a> CsvRow<'a> {
    /// The field at a position that [`CsvFile`] gave, without surrounding whitespace.
    pub fn get(&self, column: usize) -> &'a str {
        self.record.get(column).unwrap_or_default().trim()
    }

    /// The number of the line on which the row starts.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// "items.csv line 3", for error messages.
    pub fn place(&self) -> String {
        format!("{} line {}", self.path.display(), self.line())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(bytes: &[u8], names: Option<&[String]>) -> (tempfile::TempDir, Result<CsvFile>) {
        let header = CsvHeader { names, flag: Some("--header") };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        std::fs::write(&path, bytes).unwrap();
        let file = CsvFile::open_with(&path, header);
        (folder, file)
    }

    fn read(bytes: &[u8]) -> Result<Vec<(u64, Vec<String>)>> {
        let (_folder, file) = open(bytes, None);
        let mut file = file?;
        let columns = [file.column("b")?, file.column("a")?];
        let mut rows = Vec::new();
        while let Some(row) = file.next_row()? {
            rows.push((row.line(), columns.map(|column| row.get(column).to_owned()).to_vec()));
        }
        Ok(rows)
    }

    fn message(bytes: &[u8]) -> String {
        read(bytes).unwrap_err().to_string()
    }

    #[test]
    fn columns_are_found_by_name_whatever_their_order() {
        let rows = read("\u{feff}a, b,c\r\n1,2,3\r\n\"x, \"\"y\"\"\",\"two\nlines\",\r\nz,,\r\n".as_bytes()).unwrap();
        let expected = [(2, ["2", "1"]), (3, ["two\nlines", "x, \"y\""]), (5, ["", "z"])];
        assert_eq!(rows, expected.map(|(line, row)| (line, row.map(str::to_owned).to_vec())));
    }

    #[test]
    fn tabs_semicolons_and_bars_part_fields_too() {
        let expected = vec![(2, vec!["2, 3".to_owned(), "1".to_owned()])];
        for text in ["a\tb\n1\t2, 3\n", "\"a\";\"b\"\n1;2, 3\n", "a|b\n1|2, 3\n", "a,b\n1,\"2, 3\"\n"] {
            assert_eq!(read(text.as_bytes()).unwrap(), expected, "{text}");
        }
        let names = ["a", "b"].map(str::to_owned);
        let (_folder, file) = open(b"1\t2, 3\n", Some(&names));
        let mut file = file.unwrap();
        assert_eq!(file.next_row().unwrap().unwrap().get(1), "2, 3");
        assert!(file.next_row().unwrap().is_none());
    }

    #[test]
    fn every_damage_is_named_by_its_line() {
        assert!(message(b"a,c\n1,2\n").contains("expected a column \"b\", found the columns \"a,c\""));
        assert!(message(b"a,b\n1,2\n1,2,3\n").contains("t.csv line 3: expected 2 fields"));
        assert!(message(b"a,b\n1,2\n1,\xff\n").contains("t.csv line 3: expected UTF-8, found another byte in field 2"));
        assert!(message(b"a,b,a\n").contains("\"a\" twice"));
        assert!(message(b"").contains("an empty file"));
        assert!(message(b"1,1,4,11\n").contains("the names of the columns on the first line"));
        assert!(message(b"a,b\r1,2\r").contains("carriage returns alone"));
    }

    #[test]
    fn a_missing_column_is_explained_by_the_header() {
        let user = CsvColumn { flag: Some("--user-column"), ..CsvColumn::fixed("user") };
        let time = CsvColumn { name: "timestamp", flag: Some("--time-column"), holds_times: true };
        for (text, expected) in [
            ("item;rating\n", "found the columns \"item,rating\", parted by semicolons; no column of times"),
            ("item,when\n", "next: say which column it is: --user-column NAME --time-column NAME"),
            ("0001,A1,5.0,1600000004\n", "found a line of values: \"0001,A1,5.0,1600000004\""),
            ("1:\n", "next: write the names of the columns above it, or give them in their order: --header"),
            ("user::item::timestamp\n", "found \"user::item::timestamp\", parted by double colons"),
            ("user item timestamp\n", "parted by spaces\n  next: write the fields between commas"),
            ("{\"user\":1,\"item\":2}\n", "an object of JSON"),
            ("1\t2019-05-31\n", "expected the names of the columns on the first line"),
        ] {
            let (_folder, file) = open(text.as_bytes(), None);
            let message = file.unwrap().positions(&[user, time]).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn many_short_rows_never_use_up_the_budget() {
        const ROWS: usize = (16 << 20) / 3;
        let (_folder, file) = open(&[b"a,b\n".to_vec(), b"1,2\n".repeat(ROWS)].concat(), None);
        let mut file = file.unwrap();
        let mut rows = 0;
        while file.next_row().unwrap().is_some() {
            rows += 1;
        }
        assert_eq!(rows, ROWS);
    }
}
