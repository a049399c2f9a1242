//! The manifest of a pulled folder, pulled.json. It is written last, so its presence means a complete installation.

use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tiller_models::atomic::write_atomically;

use super::entry::{Bundle, PullEntry};
use crate::{Error, Result};

const NAME: &str = "pulled.json";

#[derive(Serialize, Deserialize)]
struct Receipt {
    name: String,
    about: String,
    licence: String,
    home: String,
    /// The hashes of the downloaded files.
    sha256: Vec<String>,
    /// The installed files.
    files: Vec<Kept>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    name: String,
    bytes: u64,
}

/// Writes the manifest of a complete `folder`.
///
/// # Errors
/// A folder that cannot be read or written.
pub fn write(entry: &PullEntry, bundle: &Bundle, folder: &Path) -> Result<()> {
    let receipt = Receipt {
        name: entry.name.clone(),
        about: entry.about.clone(),
        licence: entry.licence.clone(),
        home: entry.home.clone(),
        sha256: bundle.files.iter().map(|file| file.sha256.clone()).collect(),
        files: list(folder).map_err(Error::io(folder, "read"))?,
    };
    write_atomically(&folder.join(NAME), |w| {
        serde_json::to_writer_pretty(&mut *w, &receipt)?;
        w.write_all(b"\n")
    })
}

fn list(folder: &Path) -> std::io::Result<Vec<Kept>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        files.push(Kept { name: entry.file_name().to_string_lossy().into_owned(), bytes: entry.metadata()?.len() });
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

/// Returns true if `tiller pull` created this folder.
pub fn exists(folder: &Path) -> bool {
    folder.join(NAME).is_file()
}

/// Returns true if the folder still has all installed files with their sizes.
pub fn is_whole(folder: &Path) -> bool {
    let size = |name: &str| folder.join(name).metadata().map(|metadata| metadata.len()).ok();
    std::fs::read(folder.join(NAME))
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Receipt>(&bytes).ok())
        .is_some_and(|receipt| receipt.files.iter().all(|file| size(&file.name) == Some(file.bytes)))
}
