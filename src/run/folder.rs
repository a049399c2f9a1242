//! Run folders: config.toml (resolved), machine.json, metrics.jsonl and checkpoints/, with a lock for one writer.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tiller_models::atomic::write_atomically;

use super::json_lines::JsonLines;
use super::machine::{self, Machine};
use crate::{Error, Result};

/// The file of training metrics.
const METRICS: &str = "metrics.jsonl";

/// An open run folder, locked against a second writer until it is dropped.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    metrics: JsonLines,
    _lock: File,
}

impl RunFolder {
    /// Creates `path` for a new run: stores the resolved configuration and starts a new metrics.jsonl.
    ///
    /// # Errors
    /// A folder that cannot be written, or one that another process is writing to.
    pub fn create(path: &Path, config: &impl Serialize) -> Result<Self> {
        std::fs::create_dir_all(path.join("checkpoints")).map_err(Error::io(path, "create"))?;
        let lock = lock(path)?;
        write_config(path, config)?;
        write_machine(path)?;
        let metrics = JsonLines::create(&path.join(METRICS))?;
        Ok(Self { path: path.to_owned(), metrics, _lock: lock })
    }

    /// Opens the run in `path` to resume it: metrics.jsonl is appended to.
    ///
    /// # Errors
    /// No run there, a folder that cannot be written, or one that another process is writing to.
    pub fn reopen(path: &Path) -> Result<Self> {
        Self::stored_config(path)?;
        let lock = lock(path)?;
        let metrics = JsonLines::append(&path.join(METRICS))?;
        Ok(Self { path: path.to_owned(), metrics, _lock: lock })
    }

    /// The path of the stored configuration of the run in `path`.
    ///
    /// # Errors
    /// No run there.
    pub fn stored_config(path: &Path) -> Result<PathBuf> {
        let config = path.join("config.toml");
        if config.exists() {
            return Ok(config);
        }
        Err(Error::bad_input(path.display())
            .expected("a run to go on with")
            .found("no config.toml")
            .next("start it without --resume")
            .into())
    }

    /// Replaces the stored configuration of a resumed run.
    ///
    /// # Errors
    /// The disk is full or the folder has gone.
    pub fn store_config(&self, config: &impl Serialize) -> Result<()> {
        write_config(&self.path, config)
    }

    /// Removes the lines of metrics.jsonl that `keep` rejects, and a truncated last line.
    ///
    /// # Errors
    /// metrics.jsonl cannot be read or written.
    pub fn retain_metrics(&mut self, keep: impl Fn(&serde_json::Value) -> bool) -> Result<()> {
        self.metrics.retain(keep)
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
        self.metrics.write(record)
    }
}

fn write_config(path: &Path, config: &impl Serialize) -> Result<()> {
    let text = toml::to_string_pretty(config).map_err(|e| Error::Failed(format!("config.toml: {e}")))?;
    write_atomically(&path.join("config.toml"), |w| w.write_all(text.as_bytes()))
}

/// Writes machine.json.
fn write_machine(path: &Path) -> Result<()> {
    let text =
        serde_json::to_vec_pretty(&Machine::current()).map_err(|e| Error::Failed(format!("{}: {e}", machine::FILE)))?;
    write_atomically(&path.join(machine::FILE), |w| w.write_all(&text))
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

    #[test]
    fn a_reopened_run_goes_on_after_the_lines_that_were_kept() {
        let folder = tempfile::tempdir().unwrap();
        let config = toml::Table::new();
        assert_eq!(RunFolder::reopen(&folder.path().join("none")).unwrap_err().exit_code(), 2);
        let mut first = RunFolder::create(folder.path(), &config).unwrap();
        for epoch in 0..4 {
            first.log(&serde_json::json!({ "epoch": epoch })).unwrap();
        }
        drop(first);
        let mut file = OpenOptions::new().append(true).open(folder.path().join(METRICS)).unwrap();
        file.write_all(b"{\"epoch\": 4, \"lo").unwrap();
        let mut second = RunFolder::reopen(folder.path()).unwrap();
        second.retain_metrics(|line| line["epoch"].as_u64().is_some_and(|epoch| epoch < 2)).unwrap();
        second.log(&serde_json::json!({ "epoch": 2 })).unwrap();
        let text = std::fs::read_to_string(folder.path().join("metrics.jsonl")).unwrap();
        assert_eq!(text, "{\"epoch\":0}\n{\"epoch\":1}\n{\"epoch\":2}\n");
    }
}
