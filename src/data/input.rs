//! Reading of untrusted text files, plain or gzip, with bounds on line length and expansion.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use crate::run::progress::Progress;
use crate::{Error, Result};

/// The longest accepted line or CSV record, in bytes. A few kilobytes of gzip can expand to a line of any length.
pub const LONGEST_LINE: usize = 16 << 20;

/// The largest allowed gzip expansion. Text expands about tenfold, a decompression bomb a thousandfold.
const LARGEST_EXPANSION: u64 = 100;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The first bytes of files that are no text in UTF-8, what they are, and what to do.
const OTHER_FILES: [(&[u8], &str, &str); 8] = [
    (b"\xff\xfe", "UTF-16", "convert it: iconv -f UTF-16 -t UTF-8"),
    (b"\xfe\xff", "UTF-16", "convert it: iconv -f UTF-16 -t UTF-8"),
    (b"PK\x03\x04", "a zip archive or a spreadsheet", "unpack it, or save it as CSV"),
    (b"BZh", "a bzip2 archive", "unpack it: bunzip2"),
    (b"\xfd7zXZ", "an xz archive", "unpack it: unxz"),
    (b"(\xb5/\xfd", "a zstd archive", "unpack it: unzstd"),
    (b"PAR1", "a Parquet file", "convert it to CSV"),
    (b"SQLite format", "a SQLite database", "export its tables as CSV"),
];

/// Opens a file for reading. Gzip is detected by its magic bytes, not by the file name.
///
/// # Errors
/// A file that does not exist or cannot be read, or a path that is not a regular file.
pub fn open(path: &Path) -> Result<Box<dyn BufRead>> {
    let metadata = std::fs::metadata(path).map_err(Error::io(path, "read"))?;
    if !metadata.is_file() {
        return Err(Error::bad_input(path.display()).expected("a file").found("a folder, a pipe or a device").into());
    }
    let size = metadata.len();
    let file = File::open(path).map_err(Error::io(path, "read"))?;
    let progress = Progress::start("reading", size, "bytes");
    progress.set_message(file_name(path));
    let mut reader = BufReader::with_capacity(1 << 16, Observed { file, progress });
    let start = reader.fill_buf().map_err(Error::io(path, "read"))?;
    if let Some((_, kind, next)) = OTHER_FILES.iter().find(|(magic, ..)| start.starts_with(magic)) {
        return Err(Error::bad_input(path.display()).expected("text in UTF-8").found(*kind).next(*next).into());
    }
    if start.starts_with(&GZIP_MAGIC) {
        let left = size.saturating_mul(LARGEST_EXPANSION).max(LONGEST_LINE as u64);
        let unpacked = Unpacked { inner: MultiGzDecoder::new(reader), left };
        return Ok(Box::new(BufReader::with_capacity(1 << 16, unpacked)));
    }
    Ok(Box::new(reader))
}

/// A file that reports how much of it has been read.
struct Observed {
    file: File,
    progress: Progress,
}

impl Read for Observed {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.progress.advance(read as u64);
        Ok(read)
    }
}

/// A decompressor that fails beyond an expansion limit.
struct Unpacked<R> {
    inner: MultiGzDecoder<R>,
    left: u64,
}

impl<R: BufRead> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            let message = format!("one that unpacks to more than {LARGEST_EXPANSION} times its size");
            std::io::Error::new(ErrorKind::InvalidData, message)
        })?;
        Ok(read)
    }
}

/// Converts an error of reading `path`: damaged gzip is bad input, a failing disk is an I/O error.
pub fn read_error(path: &Path, error: std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::UnexpectedEof => Error::bad_input(path.display())
            .expected("a whole text or gzip file")
            .found(error)
            .next("fetch the file again")
            .into(),
        _ => Error::io(path, "read")(error),
    }
}

/// The last part of a path, for messages.
pub fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// Quotes untrusted text for an error message: control characters escaped, at most 80 characters.
pub fn quote(text: &str) -> String {
    let start: String = text.chars().take(80).collect();
    let dots = if start.len() < text.len() { "…" } else { "" };
    format!("{start:?}{dots}")
}

/// A reader of the non-blank lines of a file, numbered from 1.
pub struct LineReader {
    path: PathBuf,
    reader: Box<dyn BufRead>,
    number: u64,
    buffer: Vec<u8>,
}

impl LineReader {
    /// Opens a plain or gzip file.
    ///
    /// # Errors
    /// As [`open`].
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self { path: path.to_owned(), reader: open(path)?, number: 0, buffer: Vec::new() })
    }

    /// Reads the next non-blank line without its line end; `None` at the end of the file.
    ///
    /// # Errors
    /// A line longer than [`LONGEST_LINE`], damaged gzip, a failing disk.
    pub fn next_line(&mut self) -> Result<Option<InputLine<'_>>> {
        loop {
            self.buffer.clear();
            let mut bounded = self.reader.by_ref().take(LONGEST_LINE as u64 + 1);
            let read = bounded.read_until(b'\n', &mut self.buffer).map_err(|e| read_error(&self.path, e))?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            if read > LONGEST_LINE {
                return Err(Error::bad_input(format!("{} line {}", self.path.display(), self.number))
                    .expected(format!("at most {LONGEST_LINE} bytes in a line"))
                    .found("a longer one")
                    .next("check that this is the right file")
                    .into());
            }
            if !self.buffer.trim_ascii().is_empty() {
                break;
            }
        }
        let start = if self.number == 1 && self.buffer.starts_with("\u{feff}".as_bytes()) { 3 } else { 0 };
        let end = self.buffer.iter().rposition(|byte| !b"\r\n".contains(byte)).map_or(0, |last| last + 1);
        Ok(Some(InputLine { path: &self.path, number: self.number, bytes: self.buffer.get(start..end).unwrap_or(&[]) }))
    }
}

/// A line with its position.
pub struct InputLine<'a> {
    path: &'a Path,
    number: u64,
    bytes: &'a [u8],
}

impl<'a> InputLine<'a> {
    /// The position for error messages: "movies.dat line 3".
    pub fn place(&self) -> String {
        format!("{} line {}", self.path.display(), self.number)
    }

    /// The line as UTF-8.
    ///
    /// # Errors
    /// Bytes that are not UTF-8.
    pub fn utf8(&self) -> Result<&'a str> {
        std::str::from_utf8(self.bytes).map_err(|e| {
            Error::bad_input(self.place())
                .expected("UTF-8")
                .found(format!("another byte after {} good ones", e.valid_up_to()))
                .next("convert the file to UTF-8")
                .into()
        })
    }

    /// The line as UTF-8 if it is valid, otherwise as Latin-1.
    pub fn utf8_or_latin1(&self) -> Cow<'a, str> {
        match std::str::from_utf8(self.bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(self.bytes.iter().map(|&byte| char::from(byte)).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn texts(bytes: &[u8]) -> Result<Vec<(u64, String)>> {
        let file = file(bytes);
        let mut lines = LineReader::open(file.path())?;
        let mut all = Vec::new();
        while let Some(line) = lines.next_line()? {
            all.push((line.number, line.utf8_or_latin1().into_owned()));
        }
        Ok(all)
    }

    #[test]
    fn line_ends_blank_lines_and_marks_fall_away_and_gzip_reads_like_plain_text() {
        let bytes = "\u{feff}one\r\n\r\n  \nzwölf\nlast".as_bytes();
        let expected = vec![(1, "one".to_owned()), (4, "zwölf".to_owned()), (5, "last".to_owned())];
        assert_eq!(texts(bytes).unwrap(), expected);
        assert_eq!(texts(&gzip(bytes)).unwrap(), expected);
        assert_eq!(texts(&[gzip(b"one\n"), gzip(b"two")].concat()).unwrap().len(), 2);
    }

    #[test]
    fn latin1_is_understood_and_refused_where_only_utf8_will_do() {
        let file = file(b"Caf\xe9 Soci\xe9t\xe9");
        let mut lines = LineReader::open(file.path()).unwrap();
        let line = lines.next_line().unwrap().unwrap();
        assert_eq!(line.utf8_or_latin1(), "Café Société");
        assert!(line.utf8().unwrap_err().to_string().contains("line 1: expected UTF-8"));
    }

    #[test]
    fn files_that_are_no_text_are_named() {
        for (bytes, kind) in
            [(&b"\xff\xfeu\0s\0\r\0\n\0"[..], "UTF-16"), (b"\xfe\xff\0u\0\n", "UTF-16"), (b"PK\x03\x04", "zip")]
        {
            let message = texts(bytes).unwrap_err().to_string();
            assert!(message.contains("expected text in UTF-8, found ") && message.contains(kind), "{message}");
        }
    }

    #[test]
    fn gzip_bombs_of_one_line_and_of_many_are_refused() {
        for bomb in [gzip(&vec![b'a'; 2 * LONGEST_LINE]), gzip(&b"1\n".repeat(LONGEST_LINE))] {
            let file = file(&bomb);
            let mut lines = LineReader::open(file.path()).unwrap();
            let error = loop {
                if let Err(error) = lines.next_line().map(|line| assert!(line.is_some(), "read to the end")) {
                    break error;
                }
            };
            let message = error.to_string();
            assert!(message.contains("found one that unpacks to more than 100 times its size"), "{message}");
        }
    }

    #[test]
    fn a_line_without_end_and_a_torn_gzip_are_refused() {
        let long = texts(&vec![b'a'; LONGEST_LINE + 1]).unwrap_err().to_string();
        assert!(long.contains("line 1: expected at most 16777216 bytes"), "{long}");
        let whole = gzip(b"one\ntwo\nthree\n");
        assert_eq!(texts(&whole[..whole.len() - 9]).unwrap_err().exit_code(), 2);
    }

    #[test]
    fn a_folder_is_no_file() {
        let error = LineReader::open(tempfile::tempdir().unwrap().path()).err().unwrap();
        assert!(error.to_string().contains("expected a file, found a folder"));
    }

    #[test]
    fn quoting_escapes_what_could_steer_a_terminal() {
        assert_eq!(quote("a\u{1b}[2J\n"), "\"a\\u{1b}[2J\\n\"");
        assert_eq!(quote(&"x".repeat(100)).chars().count(), 83);
    }
}
