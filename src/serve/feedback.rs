//! The file of the users' feedback: one JSON line for each like, dislike and undo.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::run::json_lines::JsonLines;

/// A user's word about an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FeedbackKind {
    /// More like it.
    Like,
    /// Not this one.
    Not,
    /// Takes the last word about the item back.
    Undo,
}

/// A line of the file.
#[derive(Debug, Serialize)]
pub struct FeedbackLine<'a> {
    /// The time in unix seconds.
    pub timestamp: i64,
    /// The user's key; null for somebody new.
    pub user: Option<&'a str>,
    /// The item's key.
    pub item: &'a str,
    /// The item's title.
    pub title: &'a str,
    /// The word about it.
    pub feedback: FeedbackKind,
}

/// A feedback file, open for appending. Each line is one write: a killed process loses none that it answered for.
#[derive(Debug)]
pub struct FeedbackLog(Mutex<JsonLines>);

impl FeedbackLog {
    /// Opens the file at `path`, without the truncated line that a full disk may have left at its end.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn open(path: &Path) -> Result<Self> {
        let mut lines = JsonLines::append(path)?;
        lines.retain(|_| true)?;
        Ok(Self(Mutex::new(lines)))
    }

    /// Appends a line.
    ///
    /// # Errors
    /// The disk is full or the folder has gone.
    pub fn write(&self, line: &FeedbackLine) -> Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(line)
    }
}
