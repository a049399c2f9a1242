//! JSON that strangers wrote: read whole, and with every key at most once.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::path::Path;

use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::bytes::read_whole;
use crate::{Error, Result};

/// The longest JSON file that belongs to a model, in bytes: several times the largest tokenizer.
const MOST_BYTES: usize = 64 << 20;

/// Reads the JSON file at `path`; `expected` says what it has to hold.
///
/// # Errors
/// I/O errors, a file that is far too long, and a bad input with the line and column at which the file stops being what was expected.
pub(crate) fn read<T: DeserializeOwned>(path: &Path, expected: &str) -> Result<T> {
    serde_json::from_slice(&read_whole(path, MOST_BYTES)?)
        .map_err(|e| Error::bad_input(path.display()).expected(expected).found(e).next("fetch the file again").into())
}

/// A JSON object in which a repeated key is an error; serde's own maps silently keep the last value.
pub(crate) struct UniqueMap<V>(pub(crate) BTreeMap<String, V>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for UniqueMap<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Unique<V>(PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for Unique<V> {
            type Value = BTreeMap<String, V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> std::result::Result<Self::Value, A::Error> {
                let mut map = BTreeMap::new();
                while let Some((key, value)) = entries.next_entry::<String, V>()? {
                    if map.contains_key(&key) {
                        return Err(A::Error::custom(format_args!("the key {key:?} twice")));
                    }
                    map.insert(key, value);
                }
                Ok(map)
            }
        }

        deserializer.deserialize_map(Unique(PhantomData)).map(UniqueMap)
    }
}
