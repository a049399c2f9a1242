//! Records of CSV files in the ways in which programs quote: doubled quotes, `\"`, and quotes that belong to the text.

use std::collections::VecDeque;
use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

use csv::StringRecord;

use super::input::{LONGEST_LINE, open, read_error};
use crate::{Error, Result};

/// A reader of records.
pub(super) struct RecordReader {
    path: PathBuf,
    input: Box<dyn BufRead>,
    line: u64,
    /// The lines of the record, without carriage returns before line ends.
    bytes: Vec<u8>,
    /// Lines that were read ahead in search of a closing quote.
    ahead: VecDeque<Vec<u8>>,
    /// True once the file has shown that it quotes by backslashes.
    backslashes: bool,
}

impl RecordReader {
    /// Opens a plain or gzip file.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let (bytes, ahead) = (Vec::new(), VecDeque::new());
        Ok(Self { path: path.to_owned(), input: open(path)?, line: 0, bytes, ahead, backslashes: false })
    }

    /// The first line that is not blank, which stays the next to be read.
    pub(super) fn peek(&mut self) -> Result<&[u8]> {
        self.bytes.clear();
        self.skip_blank_lines()?;
        Ok(&self.bytes)
    }

    /// Reads the record of the line at hand, or of the next one that is not blank, into `record`; `None` at the end of
    /// the file, else the number of the record's first line. `width` is the number of fields, where it is known.
    pub(super) fn read(
        &mut self,
        separator: u8,
        width: Option<usize>,
        record: &mut StringRecord,
    ) -> Result<Option<u64>> {
        if self.bytes.is_empty() {
            self.skip_blank_lines()?;
        }
        if self.bytes.is_empty() {
            return Ok(None);
        }
        let line = self.line;
        let filled = if self.bytes.contains(&b'"') {
            fill(record, self.quoted_fields(separator, width, line)?)
        } else {
            fill(record, self.bytes.split(|&byte| byte == separator))
        };
        self.bytes.clear();
        filled.map_err(|field| self.not_utf8(line, field))?;
        match width {
            Some(width) if width != record.len() => Err(self.uneven(line, width, record.len())),
            _ => Ok(Some(line)),
        }
    }

    /// The fields of the record that starts with the line at hand. Doubled quotes come first, as in RFC 4180, unless the
    /// file quotes by backslashes; then the other way; then, on one line, quotes that belong to the text.
    fn quoted_fields(&mut self, separator: u8, width: Option<usize>, line: u64) -> Result<Vec<Vec<u8>>> {
        let fits = |fields: usize| width.is_none_or(|width| width == fields);
        let mut usual = Reading::new(separator, self.backslashes);
        let mut other = Reading::new(separator, !self.backslashes);
        let (first, mut from, mut other_end) = (self.bytes.len(), 0, None);
        loop {
            let goes_on = |reading: &Reading| from == 0 || reading.state == State::Quoted;
            if goes_on(&usual) {
                usual.feed(&self.bytes[from..]);
            }
            if other_end.is_none() && goes_on(&other) {
                other.feed(&self.bytes[from..]);
                other_end = (other.is_whole() && fits(other.fields.len() + 1)).then_some(self.bytes.len());
            }
            if usual.is_whole() && fits(usual.fields.len() + 1) {
                return Ok(usual.finish());
            }
            let other_goes_on = other_end.is_none() && other.state == State::Quoted;
            if usual.state != State::Quoted && !other_goes_on {
                break;
            }
            from = self.bytes.len();
            self.bytes.push(b'\n');
            if !self.append_line()? {
                self.bytes.pop();
                break;
            }
        }
        if let Some(end) = other_end {
            self.backslashes = !self.backslashes;
            self.put_back(end);
            return Ok(other.finish());
        }
        let literal = literal_quotes(&self.bytes[..first], separator);
        if fits(literal.len()) {
            self.put_back(first);
            return Ok(literal);
        }
        match usual.state {
            State::Broken => Err(self.stray_quote(line)),
            State::Quoted => Err(self.open_quote(line)),
            _ => Ok(usual.finish()),
        }
    }

    /// Gives the lines behind a position back, to be read again.
    fn put_back(&mut self, end: usize) {
        let lines = self.bytes.split_off(end);
        for line in lines.split(|&byte| byte == b'\n').skip(1).collect::<Vec<_>>().into_iter().rev() {
            self.ahead.push_front(line.to_vec());
            self.line -= 1;
        }
    }

    fn skip_blank_lines(&mut self) -> Result<()> {
        while self.bytes.trim_ascii().is_empty() {
            self.bytes.clear();
            if !self.append_line()? {
                break;
            }
            if self.line == 1 && self.bytes.starts_with("\u{feff}".as_bytes()) {
                self.bytes.drain(..3);
            }
        }
        Ok(())
    }

    /// Appends the next line without its end; false at the end of the file.
    fn append_line(&mut self) -> Result<bool> {
        if let Some(line) = self.ahead.pop_front() {
            self.bytes.extend(line);
            self.line += 1;
            return Ok(true);
        }
        let left = (LONGEST_LINE + 1).saturating_sub(self.bytes.len());
        let mut bounded = self.input.by_ref().take(left as u64);
        let read = bounded.read_until(b'\n', &mut self.bytes).map_err(|error| read_error(&self.path, error))?;
        if self.bytes.len() > LONGEST_LINE {
            return Err(self.refuse(
                self.line + 1,
                format!("a record of at most {LONGEST_LINE} bytes"),
                "a longer one (is a quote left open?)".into(),
                "check that this is the right file, and double the quotes inside a field",
            ));
        }
        if read > 0 {
            self.line += 1;
            self.bytes.pop_if(|last| *last == b'\n');
            while self.bytes.pop_if(|last| *last == b'\r').is_some() {}
        }
        Ok(read > 0)
    }

    fn refuse(&self, line: u64, expected: String, found: String, next: &str) -> Error {
        let place = format!("{} line {line}", self.path.display());
        Error::bad_input(place).expected(expected).found(found).next(next).into()
    }

    fn uneven(&self, line: u64, width: usize, found: usize) -> Error {
        let expected = format!("{width} fields, as in the first line");
        self.refuse(line, expected, found.to_string(), "put quotes around fields with separators in them")
    }

    fn open_quote(&self, line: u64) -> Error {
        self.refuse(line, "a closing quote".into(), "the end of the file".into(), "double the quotes inside a field")
    }

    fn stray_quote(&self, line: u64) -> Error {
        let expected = "a separator behind a closing quote".into();
        self.refuse(line, expected, "other text".into(), "double the quotes inside a field: \"a \"\"b\"\" c\"")
    }

    fn not_utf8(&self, line: u64, field: usize) -> Error {
        self.refuse(line, "UTF-8".into(), format!("another byte in field {}", field + 1), "convert the file to UTF-8")
    }
}

/// Copies fields into a record; the error is the position of one that is not UTF-8.
fn fill(record: &mut StringRecord, fields: impl IntoIterator<Item: AsRef<[u8]>>) -> Result<(), usize> {
    record.clear();
    for (at, field) in fields.into_iter().enumerate() {
        record.push_field(std::str::from_utf8(field.as_ref()).map_err(|_| at)?);
    }
    Ok(())
}

/// A reading of a record under one way of quoting, fed line by line.
struct Reading {
    separator: u8,
    backslashes: bool,
    fields: Vec<Vec<u8>>,
    field: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first byte of a field.
    Start,
    /// In a field without quotes.
    Plain,
    /// Behind an opening quote.
    Quoted,
    /// Behind a closing quote.
    Closed,
    /// Text behind a closing quote: this is not how the file quotes.
    Broken,
}

impl Reading {
    fn new(separator: u8, backslashes: bool) -> Self {
        Self { separator, backslashes, fields: Vec::new(), field: Vec::new(), state: State::Start }
    }

    fn is_whole(&self) -> bool {
        !matches!(self.state, State::Quoted | State::Broken)
    }

    fn finish(&mut self) -> Vec<Vec<u8>> {
        self.fields.push(std::mem::take(&mut self.field));
        std::mem::take(&mut self.fields)
    }

    fn feed(&mut self, bytes: &[u8]) {
        let mut at = 0;
        while at < bytes.len() && self.state != State::Broken {
            at += self.step(bytes[at], bytes.get(at + 1).copied());
        }
    }

    /// Takes a byte, and the next one where they belong together; returns how many.
    fn step(&mut self, byte: u8, next: Option<u8>) -> usize {
        match (self.state, byte) {
            (State::Quoted, b'\\') if self.backslashes && matches!(next, Some(b'"' | b'\\')) => {
                self.field.extend(next);
                return 2;
            }
            (State::Quoted, b'"') if next == Some(b'"') => {
                self.field.push(b'"');
                return 2;
            }
            (State::Quoted, b'"') => self.state = State::Closed,
            (State::Quoted, _) => self.field.push(byte),
            (_, _) if byte == self.separator => {
                self.fields.push(std::mem::take(&mut self.field));
                self.state = State::Start;
            }
            (State::Start, b'"') => {
                self.field.clear();
                self.state = State::Quoted;
            }
            (State::Start, b' ') => self.field.push(byte),
            (State::Start | State::Plain, _) => {
                self.field.push(byte);
                self.state = State::Plain;
            }
            (State::Closed, b' ') => {}
            (State::Closed | State::Broken, _) => self.state = State::Broken,
        }
        1
    }
}

/// The fields of a line in which a quote that is not closed before a separator belongs to the text: `"old pier" trio`.
fn literal_quotes(line: &[u8], separator: u8) -> Vec<Vec<u8>> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let plain_end = rest.iter().position(|&byte| byte == separator).unwrap_or(rest.len());
        let quoted = closing_quote(rest).filter(|&end| rest.get(end + 1).is_none_or(|&byte| byte == separator));
        let end = match quoted {
            Some(end) => {
                fields.push(undouble(&rest[1..end]));
                end + 1
            }
            None => {
                fields.push(rest[..plain_end].to_vec());
                plain_end
            }
        };
        if end == rest.len() {
            return fields;
        }
        rest = &rest[end + 1..];
    }
}

/// The text of a quoted field, each doubled quote as one.
fn undouble(quoted: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(quoted.len());
    let mut at = 0;
    while let Some(&byte) = quoted.get(at) {
        text.push(byte);
        at += if byte == b'"' { 2 } else { 1 };
    }
    text
}

/// The position of the quote that closes the one at the start.
fn closing_quote(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    while text.first() == Some(&b'"') && at < text.len() {
        match (text[at], text.get(at + 1)) {
            (b'"', Some(b'"')) => at += 2,
            (b'"', _) => return Some(at),
            _ => at += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], width: usize) -> Result<Vec<(u64, Vec<String>)>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let mut reader = RecordReader::open(file.path())?;
        let (mut record, mut all) = (StringRecord::new(), Vec::new());
        while let Some(line) = reader.read(b',', Some(width), &mut record)? {
            all.push((line, record.iter().map(str::to_owned).collect()));
        }
        Ok(all)
    }

    fn fields(line: &str) -> Vec<String> {
        let width = 2;
        read(format!("{line}\n").as_bytes(), width).unwrap_or_else(|error| panic!("{line}: {error}")).remove(0).1
    }

    #[test]
    fn quotes_are_read_as_programs_write_them() {
        for (line, expected) in [
            (r#""a, b",c"#, ["a, b", "c"]),
            (r#""a ""b"" c",d"#, [r#"a "b" c"#, "d"]),
            (r#""""",x"#, [r#"""#, "x"]),
            (r#""The \"Low\" Tide",1"#, [r#"The "Low" Tide"#, "1"]),
            (r#""\"Yes\", he said",1"#, [r#""Yes", he said"#, "1"]),
            (r#""C:\",1"#, [r"C:\", "1"]),
            (r#""old pier" trio,1"#, [r#""old pier" trio"#, "1"]),
            (r#"the "b" sides,"x, y""#, [r#"the "b" sides"#, "x, y"]),
            (r#""a" b,"c, ""d""""#, [r#""a" b"#, r#"c, "d""#]),
            (r#"5" disk,12""#, [r#"5" disk"#, r#"12""#]),
            (r#"1, "a, b""#, ["1", "a, b"]),
            (r#""a" ,b"#, ["a", "b"]),
        ] {
            assert_eq!(fields(line), expected, "{line}");
        }
    }

    #[test]
    fn a_quoted_field_may_span_lines_and_each_record_knows_its_first() {
        let text = "\u{feff}\r\n1,\"two\r\n\nlines\"\r\n\n\"say \\\"a\\\"\nthen\",b\nc,d";
        let rows = read(text.as_bytes(), 2).unwrap();
        let expected = [(2, ["1", "two\n\nlines"]), (6, ["say \"a\"\nthen", "b"]), (8, ["c", "d"])];
        assert_eq!(rows, expected.map(|(line, row)| (line, row.map(str::to_owned).to_vec())));
    }

    #[test]
    fn lines_read_ahead_in_vain_are_read_again() {
        let rows = read(b"\"Low,5\n\"say \\\"\",1\n\"\",2\nc,d\n", 2).unwrap();
        let expected = [(1, ["\"Low", "5"]), (2, ["say \"", "1"]), (3, ["", "2"]), (4, ["c", "d"])];
        assert_eq!(rows, expected.map(|(line, row)| (line, row.map(str::to_owned).to_vec())));
    }

    #[test]
    fn what_fits_no_way_of_quoting_is_refused_with_its_line() {
        for (text, expected) in [
            ("a,b\n1,2,3\n", "line 2: expected 2 fields, as in the first line, found 3"),
            ("a,b\n\"x\" y, z,1\n", "line 2: expected a separator behind a closing quote"),
            ("a,b\nc,d\n\"open, 1, 2\ne,f\n", "line 3: expected a closing quote, found the end of the file"),
        ] {
            let message = read(text.as_bytes(), 2).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
        let message = read(b"a,b\n\"x\",\xff\n", 2).unwrap_err().to_string();
        assert!(message.contains("line 2: expected UTF-8, found another byte in field 2"), "{message}");
    }

    #[test]
    fn a_quote_left_open_does_not_swallow_memory() {
        let mut bytes = b"a,\"".to_vec();
        bytes.resize(LONGEST_LINE + (1 << 20), b'x');
        assert!(read(&bytes, 2).unwrap_err().to_string().contains("is a quote left open?"));
        let lines = [b"a,\"".to_vec(), b"x\n".repeat(LONGEST_LINE / 2 + 1)].concat();
        assert!(read(&lines, 2).unwrap_err().to_string().contains("is a quote left open?"));
    }

    proptest::proptest! {
        #[test]
        fn what_the_csv_crate_writes_is_read_back(
            rows in proptest::collection::vec(proptest::array::uniform3("[a,\"\n\\\\; ü]{0,6}"), 1..6),
        ) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            rows.iter().for_each(|row| writer.write_record(row).unwrap());
            let read = read(&writer.into_inner().unwrap(), 3).unwrap();
            let expected: Vec<_> = rows.iter().map(|row| row.to_vec()).collect();
            proptest::prop_assert_eq!(read.into_iter().map(|(_, row)| row).collect::<Vec<_>>(), expected);
        }
    }
}
