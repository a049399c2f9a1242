//! The metadata entries, and typed access to them.

use std::collections::BTreeMap;

use super::Gguf;
use super::cursor::Cursor;
use super::value::{Array, Value, read_value};
use crate::{Error, Result};

/// Reads `n_entries` keys with their values.
pub(super) fn read(cursor: &mut Cursor<'_>, n_entries: usize) -> Result<BTreeMap<String, Value>> {
    let mut entries = BTreeMap::new();
    for index in 0..n_entries {
        cursor.reading = format!("metadata entry {index}");
        let key = cursor.string()?;
        cursor.reading = format!("key {key}");
        let value = read_value(cursor)?;
        if entries.insert(key, value).is_some() {
            return Err(cursor.error("every key once", "it a second time"));
        }
    }
    Ok(entries)
}

/// Every getter fails with a bad input that names the file and the key where the key is missing or holds something else.
impl Gguf {
    /// The metadata value at `key`.
    pub fn metadata(&self, key: &str) -> Option<&Value> {
        self.metadata.get(key)
    }

    /// All metadata, by key.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.metadata.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The integer at `key`, which fits an unsigned 32-bit number.
    ///
    /// # Errors
    /// No such key, or another value.
    pub fn u32(&self, key: &str) -> Result<u32> {
        let number = match self.metadata(key) {
            Some(Value::Unsigned(n)) => u32::try_from(*n).ok(),
            Some(Value::Signed(n)) => u32::try_from(*n).ok(),
            _ => None,
        };
        number.ok_or_else(|| self.wrong(key, "an integer from 0 to 2^32 − 1"))
    }

    /// The floating-point number at `key`.
    ///
    /// # Errors
    /// No such key, or another value.
    pub fn f32(&self, key: &str) -> Result<f32> {
        match self.metadata(key) {
            Some(Value::Float(x)) => Ok(*x as f32),
            _ => Err(self.wrong(key, "a floating-point number")),
        }
    }

    /// The flag at `key`.
    ///
    /// # Errors
    /// No such key, or another value.
    pub fn bool(&self, key: &str) -> Result<bool> {
        match self.metadata(key) {
            Some(Value::Bool(flag)) => Ok(*flag),
            _ => Err(self.wrong(key, "a flag")),
        }
    }

    /// The text at `key`.
    ///
    /// # Errors
    /// No such key, or another value.
    pub fn str(&self, key: &str) -> Result<&str> {
        match self.metadata(key) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(self.wrong(key, "a string")),
        }
    }

    /// The texts at `key`.
    ///
    /// # Errors
    /// No such key, or another value.
    pub fn strings(&self, key: &str) -> Result<&[String]> {
        match self.metadata(key) {
            Some(Value::Array(Array::String(texts))) => Ok(texts),
            _ => Err(self.wrong(key, "an array of strings")),
        }
    }

    /// The signed integers at `key`.
    ///
    /// # Errors
    /// No such key, or another value.
    pub fn signed(&self, key: &str) -> Result<&[i64]> {
        match self.metadata(key) {
            Some(Value::Array(Array::Signed(numbers))) => Ok(numbers),
            _ => Err(self.wrong(key, "an array of signed integers")),
        }
    }

    /// The floating-point numbers at `key`.
    ///
    /// # Errors
    /// No such key, or another value.
    pub fn floats(&self, key: &str) -> Result<&[f64]> {
        match self.metadata(key) {
            Some(Value::Array(Array::Float(numbers))) => Ok(numbers),
            _ => Err(self.wrong(key, "an array of floating-point numbers")),
        }
    }

    fn wrong(&self, key: &str, expected: &str) -> Error {
        let found = self.metadata(key).map_or("no such key".to_owned(), Value::to_string);
        Error::bad_input(format!("{}: key {key}", self.place.display()))
            .expected(expected)
            .found(found)
            .next("convert the model to GGUF again with a current converter")
            .into()
    }
}
