//! JSON Lines files that a resumed run continues.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tiller_models::atomic::write_atomically;

use super::figures;
use crate::{Error, Result};

/// A file of JSON lines, open for appending.
#[derive(Debug)]
pub struct JsonLines {
    path: PathBuf,
    file: File,
}

impl JsonLines {
    /// Creates a file at `path` and replaces an existing one.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).map_err(Error::io(path, "create"))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Opens the file at `path` for appending.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn append(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path).map_err(Error::io(path, "open"))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Removes the lines that `keep` rejects, and a truncated last line.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn retain(&mut self, keep: impl Fn(&serde_json::Value) -> bool) -> Result<()> {
        let text = std::fs::read_to_string(&self.path).map_err(Error::io(&self.path, "read"))?;
        let kept = text.lines().filter(|line| serde_json::from_str(line).is_ok_and(|value| keep(&value)));
        let kept: String = kept.flat_map(|line| [line, "\n"]).collect();
        write_atomically(&self.path, |w| w.write_all(kept.as_bytes()))?;
        *self = Self::append(&self.path)?;
        Ok(())
    }

    /// Appends a line.
    ///
    /// # Errors
    /// The disk is full or the folder has gone.
    pub fn write(&mut self, record: &impl Serialize) -> Result<()> {
        let failed = |e: serde_json::Error| Error::Failed(format!("{}: {e}", self.path.display()));
        let mut line = figures::json(record).map_err(failed)?;
        line.push(b'\n');
        self.file.write_all(&line).map_err(Error::io(&self.path, "write"))
    }
}
