//! Errors of a download.

use crate::Error;

/// The reason of a failed download.
#[derive(Debug)]
pub enum DownloadError {
    /// A failure of the source; another source may work.
    Source(String),
    /// The connection ended early; the partial file is kept, and a retry resumes it.
    Interrupted(String),
    /// A failure on this machine, which affects every source.
    Local(Error),
}

impl From<Error> for DownloadError {
    fn from(error: Error) -> Self {
        DownloadError::Local(error)
    }
}
