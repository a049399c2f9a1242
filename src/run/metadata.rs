//! What a checkpoint says beside its tensors: configurations and positions, as words of an archive.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tiller_models::archive::Archive;

use crate::{Error, Result};

/// A value in words; [`from_metadata`] gives it back to the last bit.
///
/// # Errors
/// A value that TOML cannot express.
pub fn to_metadata(value: &impl Serialize) -> Result<String> {
    // TOML, because it reads every f64 back exactly as it was.
    toml::to_string(value).map_err(|e| Error::Failed(format!("checkpoint: {e}")))
}

/// The value that stands in `archive` under `key`; `path` is the archive's file.
///
/// # Errors
/// No such key, or other words than this version writes.
pub fn from_metadata<T: DeserializeOwned>(archive: &Archive, key: &str, path: &Path) -> Result<T> {
    toml::from_str(archive.word(key, path)?).map_err(|e| {
        Error::bad_input(format!("{} metadata {key}", path.display()))
            .expected("what this version of tiller writes")
            .found(e.message())
            .next("train again with this version")
            .into()
    })
}
