//! A walk over the bytes of a GGUF file that cannot leave them.

use std::fmt;
use std::path::Path;

use crate::{Error, Result};

/// The bytes that are still to be read, and the words for an error at this point.
pub(super) struct Cursor<'a> {
    file: &'a Path,
    bytes: &'a [u8],
    at: usize,
    /// The item being read, for messages: "key general.name", "tensor output.weight".
    pub(super) reading: String,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(file: &'a Path, bytes: &'a [u8]) -> Self {
        Self { file, bytes, at: 0, reading: "start of the file".into() }
    }

    /// The bytes read so far.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// An error at what is being read.
    pub(super) fn error(&self, expected: impl fmt::Display, found: impl fmt::Display) -> Error {
        Error::bad_input(format!("{}: {}", self.file.display(), self.reading))
            .expected(expected)
            .found(found)
            .next("fetch the file again; it may be cut short or damaged")
            .into()
    }

    /// The next `N` bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        match self.bytes[self.at..].first_chunk::<N>() {
            Some(chunk) => {
                self.at += N;
                Ok(*chunk)
            }
            None => Err(self.error(format!("{N} more bytes"), self.rest())),
        }
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
        let room = (self.bytes.len() - self.at) / least_bytes;
        match usize::try_from(count) {
            Ok(count) if count <= room => Ok(count),
            _ => {
                Err(self
                    .error(format!("at most {room} {things} in the rest of the file"), format!("a count of {count}")))
            }
        }
    }

    /// A string: its length in bytes, then UTF-8.
    pub(super) fn string(&mut self) -> Result<&'a str> {
        let length = self.count("bytes of a string", 1)?;
        let bytes = &self.bytes[self.at..self.at + length];
        let text = std::str::from_utf8(bytes).map_err(|e| self.error("a string in UTF-8", e))?;
        self.at += length;
        Ok(text)
    }

    fn rest(&self) -> String {
        match self.bytes.len() - self.at {
            0 => "the end of the file".into(),
            rest => format!("{rest} bytes before the end of the file"),
        }
    }
}
