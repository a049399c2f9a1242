//! GGUF: metadata and tensors of a llama.cpp model in one file.

use std::path::Path;

use super::TensorSource;
use crate::Result;

/// An opened GGUF file.
#[derive(Debug)]
pub struct Gguf {}

/// A metadata value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {}

/// How a tensor's values are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {}

impl Gguf {
    /// Opens and checks a .gguf file.
    pub fn open(_path: &Path) -> Result<Self> {
        todo!()
    }

    /// The metadata value at `key`.
    pub fn metadata(&self, _key: &str) -> Option<&Value> {
        todo!()
    }

    /// An unsigned integer of at most 32 bits; the error names the key and the file.
    pub fn u32(&self, _key: &str) -> Result<u32> {
        todo!()
    }

    /// A floating-point number.
    pub fn f32(&self, _key: &str) -> Result<f32> {
        todo!()
    }

    /// A flag.
    pub fn bool(&self, _key: &str) -> Result<bool> {
        todo!()
    }

    /// A string.
    pub fn str(&self, _key: &str) -> Result<&str> {
        todo!()
    }

    /// A tensor's format and its bytes as they lie in the file.
    pub fn raw(&self, _name: &str) -> Result<(Format, &[u8])> {
        todo!()
    }
}

impl TensorSource for Gguf {
    fn names(&self) -> Vec<String> {
        todo!()
    }

    fn shape(&self, _name: &str) -> Option<Vec<usize>> {
        todo!()
    }

    fn read_f32(&self, _name: &str) -> Result<Vec<f32>> {
        todo!()
    }

    fn place(&self) -> &Path {
        todo!()
    }
}
