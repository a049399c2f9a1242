//! The weights of a tensor, as bytes and as numbers, checked to be finite.

use std::ops::Range;

use super::blocks::{Format, dequantize, is_finite};
use super::bytes::ByteFile;
use crate::{Error, Result};

/// A tensor's place in its file.
pub(super) struct Stored<'a> {
    pub(super) file: &'a ByteFile,
    /// Whole blocks of `format`, within the file.
    pub(super) bytes: Range<usize>,
    pub(super) format: Format,
    /// For messages.
    pub(super) name: &'a str,
}

impl Stored<'_> {
    /// The bytes as they are in the file.
    ///
    /// # Errors
    /// A file that cannot be read any more; weights that are no finite numbers.
    pub(super) fn raw(&self) -> Result<Vec<u8>> {
        self.read(self.bytes.clone())
    }

    /// The values in float32, row after row. The file is read in pieces, so that its bytes and their values are never in memory together.
    ///
    /// # Errors
    /// As [`Stored::raw`].
    pub(super) fn values(&self) -> Result<Vec<f32>> {
        let blocks = self.bytes.len() / self.format.block_bytes();
        let mut values = Vec::with_capacity(blocks * self.format.block_values());
        for piece in self.pieces() {
            values.extend(dequantize(self.format, &self.read(piece)?));
        }
        Ok(values)
    }

    /// Returns true if `other`, of the same format and length, has the same bytes.
    ///
    /// # Errors
    /// As [`Stored::raw`].
    pub(super) fn is_same(&self, other: &Self) -> Result<bool> {
        for (own, others) in self.pieces().zip(other.pieces()) {
            if self.read(own)? != other.read(others)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Parts of a few megabytes, each of whole blocks.
    fn pieces(&self) -> impl Iterator<Item = Range<usize>> {
        const PIECE: usize = 1 << 22;
        let (end, block) = (self.bytes.end, self.format.block_bytes());
        let piece = PIECE / block * block;
        self.bytes.clone().step_by(piece).map(move |start| start..end.min(start + piece))
    }

    fn read(&self, bytes: Range<usize>) -> Result<Vec<u8>> {
        let piece = self.file.read(bytes)?;
        if is_finite(self.format, &piece) {
            return Ok(piece);
        }
        Err(Error::bad_input(format!("{}: tensor {}", self.file.path().display(), self.name))
            .expected("finite numbers")
            .found("NaN or infinite ones")
            .next("fetch the file again, or get the model elsewhere: its training or its conversion has failed")
            .into())
    }
}
