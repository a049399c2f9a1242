//! Checkpoint metadata: configurations and training states as TOML text beside the tensors.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tiller_models::archive::Archive;
use toml::Table;

use super::config::current_names;
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
    parse(archive, key, path, |text| toml::from_str(text))
}

/// Reads the settings in `archive`, which may have former names; `path` is the archive's file.
///
/// # Errors
/// No settings, or those of another version.
pub fn config_from_metadata<T: DeserializeOwned>(archive: &Archive, path: &Path) -> Result<T> {
    parse(archive, "config", path, |text| current_names(text.parse::<Table>()?).try_into())
}

fn parse<T>(archive: &Archive, key: &str, path: &Path, read: impl Fn(&str) -> Result<T, toml::de::Error>) -> Result<T> {
    read(archive.word(key, path)?).map_err(|e| {
        Error::bad_input(format!("{} metadata {key}", path.display()))
            .expected("what this version of tiller writes")
            .found(e.message())
            .next("train again with this version")
            .into()
    })
}
