//! Checkpoint metadata: configurations and training states as TOML text beside the tensors.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tiller_models::archive::Archive;

use crate::{Error, Result};

/// Serializes a value; [`from_metadata`] restores it exactly.
///
/// # Errors
/// A value that TOML cannot express.
pub fn to_metadata(value: &impl Serialize) -> Result<String> {
    // TOML, because it round-trips every f64 exactly.
    toml::to_string(value).map_err(|e| Error::Failed(format!("checkpoint: {e}")))
}

/// Reads the value of `key` in `archive`; `path` is the archive's file.
///
/// # Errors
/// No such key, or a value of another version.
pub fn from_metadata<T: DeserializeOwned>(archive: &Archive, key: &str, path: &Path) -> Result<T> {
    toml::from_str(archive.word(key, path)?).map_err(|e| {
        Error::bad_input(format!("{} metadata {key}", path.display()))
            .expected("what this version of tiller writes")
            .found(e.message())
            .next("train again with this version")
            .into()
    })
}
