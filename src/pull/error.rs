//! What may go wrong at a place.

use crate::Error;

/// Why a place did not deliver.
#[derive(Debug)]
pub enum DownloadError {
    /// The place's own trouble; another place may do better.
    Source(String),
    /// The connection ended early; what came is kept, and asking again goes on from there.
    Interrupted(String),
    /// Trouble on this machine, which every place would meet.
    Local(Error),
}

impl From<Error> for DownloadError {
    fn from(error: Error) -> Self {
        DownloadError::Local(error)
    }
}
