//! GGUF (versions 2 and 3): metadata and tensors of a llama.cpp model in one file.
//!
//! A file is a header (magic, version, counts), the metadata entries, one description per tensor, and the tensors' bytes, each
//! beginning at a multiple of the file's alignment. Everything is little-endian.

mod cursor;
mod metadata;
mod tensors;
#[cfg(test)]
mod tests;
mod value;
mod write;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use super::blocks::Format;
pub use value::{Array, Value};
pub use write::{Description, write};

use self::cursor::Cursor;
use self::tensors::Entry;
use super::bytes::{ByteFile, begins_with};
use super::weights::Stored;
use super::{TensorSource, missing_tensor};
use crate::Result;

/// The default alignment of tensors, without `general.alignment`.
const DEFAULT_ALIGNMENT: usize = 32;

/// An entry is at least an empty key's length, a type and one byte.
const LEAST_ENTRY_BYTES: usize = 8 + 4 + 1;

/// The bytes that a GGUF file begins with.
const MAGIC: [u8; 4] = *b"GGUF";

/// An opened GGUF file: its header in memory, its weights on disk.
#[derive(Debug)]
pub struct Gguf {
    place: PathBuf,
    file: ByteFile,
    metadata: BTreeMap<String, Value>,
    tensors: BTreeMap<String, Entry>,
}

impl Gguf {
    /// Returns true if `path` is a GGUF file: one that begins as such, or that has the ending.
    pub fn is_path(path: &Path) -> bool {
        Self::is_named(path) || begins_with(path, &MAGIC)
    }

    /// Returns true if `path` ends in .gguf, in either case: the name of a file to be written.
    pub fn is_named(path: &Path) -> bool {
        path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"))
    }

    /// Opens a GGUF file and checks that every string, array and tensor that it describes lies within it.
    ///
    /// # Errors
    /// A path that is not there; a bad input that names the key or the tensor: another magic, version or byte order, counts
    /// and sizes beyond the file, text that is not UTF-8, an unknown block format, tensors that overlap, repeated names,
    /// one part of a split model.
    pub fn open(path: &Path) -> Result<Self> {
        Self::parse(ByteFile::open(path)?)
    }

    /// Reads the header of a file with these bytes, as if it lay at `place`.
    ///
    /// # Errors
    /// As [`Gguf::open`].
    pub fn from_bytes(place: &Path, bytes: Vec<u8>) -> Result<Self> {
        Self::parse(ByteFile::in_memory(place, bytes))
    }

    fn parse(file: ByteFile) -> Result<Self> {
        let mut cursor = Cursor::new(&file);
        read_version(&mut cursor)?;
        let n_tensors = cursor.count("tensors", tensors::LEAST_BYTES)?;
        let n_entries = cursor.count("metadata entries", LEAST_ENTRY_BYTES)?;
        let metadata = metadata::read(&mut cursor, n_entries)?;
        refuse_part(&mut cursor, &metadata)?;
        let alignment = alignment(&mut cursor, &metadata)?;
        let tensors = tensors::read(&mut cursor, n_tensors, alignment, file.len())?;
        Ok(Self { place: file.path().to_path_buf(), file, metadata, tensors })
    }

    /// A file that has nothing but this metadata, as if it lay at `place`.
    pub(crate) fn of_metadata(place: &Path, metadata: impl IntoIterator<Item = (String, Value)>) -> Self {
        let (place, metadata) = (place.to_path_buf(), metadata.into_iter().collect());
        Self { file: ByteFile::in_memory(&place, Vec::new()), place, metadata, tensors: BTreeMap::new() }
    }

    /// The format of the tensor `name`.
    ///
    /// # Errors
    /// No tensor of this name.
    pub fn format(&self, name: &str) -> Result<Format> {
        Ok(self.entry(name)?.format)
    }

    /// The bytes of the tensor `name` as they lie in the file: whole blocks, row after row.
    ///
    /// # Errors
    /// No tensor of this name; scales or values that are NaN or infinite; a file that cannot be read any more.
    pub fn raw(&self, name: &str) -> Result<Vec<u8>> {
        self.stored(name)?.raw()
    }

    fn entry(&self, name: &str) -> Result<&Entry> {
        self.tensors.get(name).ok_or_else(|| missing_tensor(&self.place, name))
    }

    fn stored<'a>(&'a self, name: &'a str) -> Result<Stored<'a>> {
        let entry = self.entry(name)?;
        Ok(Stored { file: &self.file, bytes: entry.bytes.clone(), format: entry.format, name })
    }
}

impl TensorSource for Gguf {
    fn names(&self) -> Vec<String> {
        self.tensors.keys().cloned().collect()
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.tensors.get(name).map(|entry| entry.shape.clone())
    }

    fn bytes(&self, name: &str) -> Result<usize> {
        Ok(self.entry(name)?.bytes.len())
    }

    fn read_f32(&self, name: &str) -> Result<Vec<f32>> {
        self.stored(name)?.values()
    }

    fn place(&self) -> &Path {
        &self.place
    }
}

fn read_version(cursor: &mut Cursor<'_>) -> Result<()> {
    let magic = cursor.array::<4>()?;
    if magic != MAGIC {
        return Err(
            cursor.error("a GGUF file, which begins with \"GGUF\"", format!("{:?}", magic.escape_ascii().to_string()))
        );
    }
    match cursor.u32()? {
        2 | 3 => Ok(()),
        swapped if (1..=3).contains(&swapped.swap_bytes()) => {
            Err(cursor.error("a little-endian file", "a big-endian one"))
        }
        other => Err(cursor.error("GGUF version 2 or 3", format!("version {other}"))),
    }
}

/// A split model has its tensors in several files, of which one alone is no model.
fn refuse_part(cursor: &mut Cursor<'_>, metadata: &BTreeMap<String, Value>) -> Result<()> {
    match metadata.get("split.count") {
        Some(Value::Unsigned(parts @ 2..)) => {
            cursor.reading = "key split.count".into();
            Err(cursor.error("a model in one file (llama-gguf-split --merge makes one)", format!("a part of {parts}")))
        }
        _ => Ok(()),
    }
}

fn alignment(cursor: &mut Cursor<'_>, metadata: &BTreeMap<String, Value>) -> Result<usize> {
    const LARGEST: u64 = 1 << 30;
    match metadata.get("general.alignment") {
        None => Ok(DEFAULT_ALIGNMENT),
        Some(Value::Unsigned(n)) if n.is_power_of_two() && *n <= LARGEST => Ok(*n as usize),
        Some(other) => {
            cursor.reading = "key general.alignment".into();
            Err(cursor.error("a power of two up to 2^30", other))
        }
    }
}
