//! Untrusted CSV files: columns by name, errors with file and line, records of bounded length.

use std::cell::Cell;
use std::collections::HashSet;
use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use csv::{ErrorKind, StringRecord};

use super::input::{self, LONGEST_LINE, quote};
use super::time::parse_timestamp;
use crate::{Error, Result};

/// An open CSV file with a header line. A byte order mark, CRLF and gzip are all fine.
pub struct CsvFile {
    path: PathBuf,
    columns: Vec<String>,
    reader: csv::Reader<Bounded>,
    budget: Rc<Cell<usize>>,
    record: StringRecord,
}

impl CsvFile {
    /// Opens the file and reads the names of its columns.
    ///
    /// # Errors
    /// A file that is not there, is empty, is not UTF-8, or names one column twice.
    pub fn open(path: &Path) -> Result<Self> {
        let budget = Rc::new(Cell::new(LONGEST_LINE));
        let inner = Bounded { inner: input::open(path)?, left: Rc::clone(&budget) };
        let mut reader = csv::Reader::from_reader(inner);
        let header = reader.headers().map_err(|e| refuse(path, e))?;
        let columns: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
        if columns.is_empty() {
            return Err(Error::bad_input(path.display())
                .expected("a CSV file that starts with the names of its columns")
                .found("an empty file")
                .into());
        }
        let mut seen = HashSet::new();
        if let Some(twice) = columns.iter().find(|name| !name.is_empty() && !seen.insert(name.as_str())) {
            return Err(Error::bad_input(format!("{} line 1", path.display()))
                .expected("every column named once")
                .found(format!("{} twice", quote(twice)))
                .into());
        }
        Ok(Self { path: path.to_owned(), columns, reader, budget, record: StringRecord::new() })
    }

    /// The names of the columns, in the order of the file; unnamed ones are empty.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The position of a column, if the file has it.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    /// The position of a column that has to be there.
    ///
    /// # Errors
    /// No such column; the message lists those that are there.
    pub fn column(&self, name: &str) -> Result<usize> {
        self.find(name).ok_or_else(|| {
            Error::bad_input(format!("{} line 1", self.path.display()))
                .expected(format!("a column {}", quote(name)))
                .found(format!("the columns {}", quote(&self.columns.join(","))))
                .next("rename the column, or name yours by its flag: `tiller data import --help` lists them")
                .into()
        })
    }

    /// The named columns that are not among `known` positions, in the order of the file.
    pub fn further_columns(&self, known: &[usize]) -> Vec<usize> {
        (0..self.columns.len()).filter(|at| !known.contains(at) && !self.columns[*at].is_empty()).collect()
    }

    /// The next row; `None` at the end of the file.
    ///
    /// # Errors
    /// A row with more or fewer fields than columns, bytes that are not UTF-8, a record longer than [`LONGEST_LINE`].
    pub fn next_row(&mut self) -> Result<Option<CsvRow<'_>>> {
        self.budget.set(LONGEST_LINE);
        match self.reader.read_record(&mut self.record) {
            Ok(true) => Ok(Some(CsvRow { path: &self.path, record: &self.record })),
            Ok(false) => Ok(None),
            Err(error) => Err(refuse(&self.path, error)),
        }
    }
}

/// One row and where it stands.
pub struct CsvRow<'a> {
    path: &'a Path,
    record: &'a StringRecord,
}

impl<'a> CsvRow<'a> {
    /// The field at a position that [`CsvFile`] gave, without surrounding whitespace.
    pub fn get(&self, column: usize) -> &'a str {
        self.record.get(column).unwrap_or_default().trim()
    }

    /// The number of the line on which the row, or the first of the blank lines before it, starts.
    pub fn line(&self) -> u64 {
        self.record.position().map_or(0, csv::Position::line)
    }

    /// "items.csv line 3", for error messages.
    pub fn place(&self) -> String {
        format!("{} line {}", self.path.display(), self.line())
    }

    /// The time at a position, in unix seconds.
    ///
    /// # Errors
    /// A field that is neither a number of seconds nor a date.
    pub fn timestamp(&self, column: usize) -> Result<i64> {
        parse_timestamp(self.get(column)).ok_or_else(|| bad_timestamp(self.place(), self.get(column)))
    }
}

/// The error about a time at `place` that cannot be read.
pub fn bad_timestamp(place: String, found: &str) -> Error {
    Error::bad_input(place)
        .expected("a timestamp (unix seconds, or a date such as 2013-05-31T20:15:00Z)")
        .found(quote(found))
        .into()
}

fn refuse(path: &Path, error: csv::Error) -> Error {
    let line = error.position().map_or_else(String::new, |position| format!(" line {}", position.line()));
    let place = format!("{}{line}", path.display());
    match error.into_kind() {
        ErrorKind::Io(error) => input::read_error(path, error),
        ErrorKind::UnequalLengths { expected_len, len, .. } => Error::bad_input(place)
            .expected(format!("{expected_len} fields, as in the first line"))
            .found(format!("{len}"))
            .next("put quotes around fields with commas")
            .into(),
        ErrorKind::Utf8 { err, .. } => Error::bad_input(place)
            .expected("UTF-8")
            .found(format!("another byte in field {}", err.field() + 1))
            .next("convert the file to UTF-8")
            .into(),
        other => Error::bad_input(place).expected("a CSV file").found(format!("{other:?}")).into(),
    }
}

/// A reader that bounds the bytes of one record.
///
/// It gives up when one record has used up its budget: a forgotten quote would swallow the rest of the file. And it
/// drops carriage returns, so that lines are counted right: the parser counts a CRLF only with the next record.
struct Bounded {
    inner: Box<dyn BufRead>,
    left: Rc<Cell<usize>>,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let read = self.inner.read(buffer)?;
            let left = self.left.get().checked_sub(read).ok_or_else(|| {
                let message = format!("a record of more than {LONGEST_LINE} bytes (is a quote left open?)");
                std::io::Error::new(std::io::ErrorKind::InvalidData, message)
            })?;
            self.left.set(left);
            let kept = drop_carriage_returns(&mut buffer[..read]);
            if kept > 0 || read == 0 {
                return Ok(kept);
            }
        }
    }
}

/// Moves the other bytes to the front and returns how many there are.
fn drop_carriage_returns(bytes: &mut [u8]) -> usize {
    let mut kept = 0;
    for at in 0..bytes.len() {
        if bytes[at] != b'\r' {
            bytes[kept] = bytes[at];
            kept += 1;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<(u64, Vec<String>)>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        std::fs::write(&path, bytes).unwrap();
        let mut file = CsvFile::open(&path)?;
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
    fn every_damage_is_named_by_its_line() {
        assert!(message(b"a,c\n1,2\n").contains("expected a column \"b\", found the columns \"a,c\""));
        assert!(message(b"a,b\n1,2\n1,2,3\n").contains("t.csv line 3: expected 2 fields"));
        assert!(message(b"a,b\n1,2\n1,\xff\n").contains("t.csv line 3: expected UTF-8, found another byte in field 2"));
        assert!(message(b"a,b,a\n").contains("\"a\" twice"));
        assert!(message(b"").contains("an empty file"));
    }

    #[test]
    fn an_open_quote_does_not_swallow_memory() {
        let mut bytes = b"a,b\n1,\"".to_vec();
        bytes.resize(LONGEST_LINE + (1 << 20), b'x');
        assert!(message(&bytes).contains("is a quote left open?"));
    }

    #[test]
    fn many_short_rows_never_use_up_the_budget() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        std::fs::write(&path, [b"a,b\n".to_vec(), b"1,2\n".repeat(LONGEST_LINE / 3)].concat()).unwrap();
        let mut file = CsvFile::open(&path).unwrap();
        let mut rows = 0;
        while file.next_row().unwrap().is_some() {
            rows += 1;
        }
        assert_eq!(rows, LONGEST_LINE / 3);
    }
}
