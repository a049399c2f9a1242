//! Helpers for the tests of the file readers: small GGUF files made by hand, and damage to them.

use std::path::PathBuf;

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

/// A folder of its own with one file in it.
pub(crate) fn file_with(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.bin");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// Calls `read` with `whole` after one to eight random changes of its bytes, `times` times over.
///
/// `read` may succeed or fail, but not panic, and not allocate what a damaged count asks for, which would abort the test.
/// The changes are the same in every run.
pub(crate) fn with_mutations(whole: &[u8], times: usize, mut read: impl FnMut(&[u8])) {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    for _ in 0..times {
        let mut damaged = whole.to_vec();
        for _ in 0..rng.random_range(1..=8) {
            let at = rng.random_range(0..damaged.len());
            damaged[at] = match rng.random_range(0..3) {
                0 => damaged[at] ^ (1 << rng.random_range(0..8)),
                1 => [0x00, 0xff, 0x7f, 0x80][rng.random_range(0..4)],
                _ => rng.next_u32() as u8,
            };
        }
        read(&damaged);
    }
}

/// A GGUF file under construction; the counts in its header can be overruled to make wrong ones.
#[derive(Clone, Default)]
pub(crate) struct GgufBytes {
    pub(crate) version: Option<u32>,
    pub(crate) n_tensors: Option<u64>,
    pub(crate) n_entries: Option<u64>,
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) tensors: Vec<Vec<u8>>,
    pub(crate) data: Vec<u8>,
}

impl GgufBytes {
    /// Adds a metadata entry: a key, a type number and the value's bytes.
    pub(crate) fn entry(mut self, key: &str, kind: u32, value: &[u8]) -> Self {
        self.entries.push([&string(key)[..], &kind.to_le_bytes(), value].concat());
        self
    }

    pub(crate) fn text(self, key: &str, value: &str) -> Self {
        self.entry(key, 8, &string(value))
    }

    pub(crate) fn number(self, key: &str, value: u32) -> Self {
        self.entry(key, 4, &value.to_le_bytes())
    }

    pub(crate) fn flag(self, key: &str, value: bool) -> Self {
        self.entry(key, 7, &[value.into()])
    }

    pub(crate) fn texts(self, key: &str, values: &[impl AsRef<str>]) -> Self {
        let elements: Vec<_> = values.iter().flat_map(|text| string(text.as_ref())).collect();
        self.entry(key, 9, &array(8, values.len() as u64, &elements))
    }

    pub(crate) fn integers(self, key: &str, values: &[i32]) -> Self {
        let elements: Vec<_> = values.iter().flat_map(|n| n.to_le_bytes()).collect();
        self.entry(key, 9, &array(5, values.len() as u64, &elements))
    }

    pub(crate) fn floats(self, key: &str, values: &[f32]) -> Self {
        let elements: Vec<_> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.entry(key, 9, &array(6, values.len() as u64, &elements))
    }

    /// Adds a tensor description.
    pub(crate) fn tensor(mut self, name: &str, dimensions: &[u64], kind: u32, offset: u64) -> Self {
        let mut bytes = string(name);
        bytes.extend((dimensions.len() as u32).to_le_bytes());
        bytes.extend(dimensions.iter().flat_map(|n| n.to_le_bytes()));
        bytes.extend(kind.to_le_bytes());
        bytes.extend(offset.to_le_bytes());
        self.tensors.push(bytes);
        self
    }

    /// The file: header, entries, descriptions, padding to 32 bytes, data.
    pub(crate) fn build(&self) -> Vec<u8> {
        let mut bytes = b"GGUF".to_vec();
        bytes.extend(self.version.unwrap_or(3).to_le_bytes());
        bytes.extend(self.n_tensors.unwrap_or(self.tensors.len() as u64).to_le_bytes());
        bytes.extend(self.n_entries.unwrap_or(self.entries.len() as u64).to_le_bytes());
        bytes.extend(self.entries.concat());
        bytes.extend(self.tensors.concat());
        bytes.resize(bytes.len().next_multiple_of(32), 0);
        bytes.extend(&self.data);
        bytes
    }
}

/// The bytes of an array value: element type, length, elements.
pub(crate) fn array(kind: u32, length: u64, elements: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes()[..], &length.to_le_bytes(), elements].concat()
}

/// The bytes of a string: length, text.
pub(crate) fn string(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
}
