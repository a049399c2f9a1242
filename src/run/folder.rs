//! A run's folder: config.toml (resolved), metrics.jsonl, checkpoints/; one process at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tiller_models::atomic::write_atomically;

use crate::{Error, Result};

/// An open run folder, locked against a second writer until it is dropped.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    metrics: File,
    _lock: File,
}

impl RunFolder {
    /// Opens `path` for a fresh run: stores the resolved configuration and starts a new metrics.jsonl.
    ///
    /// # Errors
    /// A folder that cannot be written, or one that another process is writing to.
    pub fn create(path: &Path, config: &impl Serialize) -> Result<Self> {
        std::fs::create_dir_all(path.join("checkpoints")).map_err(Error::io(path, "create"))?;
        let lock = lock(path)?;
        let text = toml::to_string_pretty(config).map_err(|e| Error::Failed(format!("config.toml: {e}")))?;
        write_atomically(&path.join("config.toml"), |w| w.write_all(text.as_bytes()))?;
        let metrics_path = path.join("metrics.jsonl");
        let metrics = File::create(&metrics_path).map_err(Error::io(&metrics_path, "create"))?;
        Ok(Self { path: path.to_owned(), metrics, _lock: lock })
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a checkpoint file.
    pub fn checkpoint(&self, file: &str) -> PathBuf {
        self.path.join("checkpoints").join(file)
    }

    /// Appends one line to metrics.jsonl.
    ///
    /// # Errors
    /// The disk is full or the folder has gone.
    pub fn log(&mut self, record: &impl Serialize) -> Result<()> {
        let mut line = serde_json::to_vec(record).map_err(|e| Error::Failed(format!("metrics.jsonl: {e}")))?;
        line.push(b'\n');
        self.metrics.write_all(&line).map_err(Error::io(self.path.join("metrics.jsonl"), "write"))
    }
}

fn lock(path: &Path) -> Result<File> {
    let lock_path = path.join(".lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock_path)
        .map_err(Error::io(&lock_path, "create"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Failed(format!(
            "{}: another process is writing to this run\n  next: wait for it, or choose another --out",
            path.display()
        ))),
        Err(TryLockError::Error(e)) => Err(Error::io(&lock_path, "lock")(e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_writer_is_refused_while_the_first_is_open() {
        let folder = tempfile::tempdir().unwrap();
        let config = toml::Table::new();
        let first = RunFolder::create(folder.path(), &config).unwrap();
        assert!(RunFolder::create(folder.path(), &config).is_err());
        drop(first);
        assert!(RunFolder::create(folder.path(), &config).is_ok());
    }
}
