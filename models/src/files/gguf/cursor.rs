//! A walk over the bytes of a GGUF file that cannot leave them.

use std::fmt;

use crate::files::bytes::ByteFile;
use crate::{Error, Result};

/// The longest header, in bytes: several times that of the largest vocabulary with its merges.
const MOST_HEADER: usize = 64 << 20;

/// The longest run that is read from the file at once, unless an item is longer.
const AHEAD: usize = 1 << 16;

/// The bytes that are still to be read, and the words for an error at this point.
pub(super) struct Cursor<'a> {
    file: &'a ByteFile,
    at: usize,
    /// Bytes that have been read ahead, and the first one's place in the file.
    window: Vec<u8>,
    window_start: usize,
    /// The item being read, for messages: "key general.name", "tensor output.weight".
    pub(super) reading: String,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(file: &'a ByteFile) -> Self {
        Self { file, at: 0, window: Vec::new(), window_start: 0, reading: "start of the file".into() }
    }

    /// The bytes read so far.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// An error at what is being read.
    pub(super) fn error(&self, expected: impl fmt::Display, found: impl fmt::Display) -> Error {
        Error::bad_input(format!("{}: {}", self.file.path().display(), self.reading))
            .expected(expected)
            .found(found)
            .next("fetch the file again; it may be cut short or damaged")
            .into()
    }

    /// The next `n` bytes.
    fn take(&mut self, n: usize) -> Result<&[u8]> {
        let left = self.left();
        if n > left {
            let found =
                if left == 0 { "the end of the file".to_owned() } else { format!("{left} bytes before its end") };
            return Err(self.error(format!("{n} more bytes"), found));
        }
        if self.at + n > MOST_HEADER {
            return Err(self.error(format!("a header of at most {MOST_HEADER} bytes"), "a longer one"));
        }
        if self.at + n > self.window_start + self.window.len() {
            self.window = self.file.read(self.at..self.at + left.min(n.max(AHEAD)))?;
            self.window_start = self.at;
        }
        let start = self.at - self.window_start;
        self.at += n;
        Ok(&self.window[start..start + n])
    }

    /// The next `N` bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        Ok(*self.take(N)?.first_chunk().expect("as many as were asked for"))
    }

    pub(super) fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A count of things of at least `least_bytes` bytes each, which the rest of the file can hold: it is safe to allocate for.
    pub(super) fn count(&mut self, things: &str, least_bytes: usize) -> Result<usize> {
        let count = self.u64()?;
        let room = self.left().min(MOST_HEADER) / least_bytes;
        match usize::try_from(count) {
            Ok(count) if count <= room => Ok(count),
            _ => {
                Err(self
                    .error(format!("at most {room} {things} in the rest of the file"), format!("a count of {count}")))
            }
        }
    }

    /// A string: its length in bytes, then UTF-8.
    pub(super) fn string(&mut self) -> Result<String> {
        let length = self.count("bytes of a string", 1)?;
        let text = std::str::from_utf8(self.take(length)?).map(str::to_owned);
        text.map_err(|e| self.error("a string in UTF-8", e))
    }

    fn left(&self) -> usize {
        self.file.len() - self.at
    }
}
