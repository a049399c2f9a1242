//! Download of one file from the first source that delivers the expected bytes.

use std::path::{Path, PathBuf};

use ureq::Agent;

use super::entry::{FileSource, RemoteFile};
use super::error::DownloadError;
use super::{hash, http, pip};
use crate::run::progress;
use crate::{Error, Result};

/// A failed source with its reason.
#[derive(Debug)]
pub struct SourceFailure {
    /// The source as shown to users.
    pub place: String,
    /// The reason of the failure.
    pub reason: String,
}

/// Downloads `file` into `folder` and verifies it. A partial file of an earlier attempt is resumed.
///
/// The inner error lists the failure of each source.
///
/// # Errors
/// A failure on this machine.
pub fn fetch(
    agent: &Agent,
    file: &RemoteFile,
    folder: &Path,
) -> Result<std::result::Result<PathBuf, Vec<SourceFailure>>> {
    let path = folder.join(&file.name);
    if path.exists() && hash::mismatch(&path, file)?.is_none() {
        return Ok(Ok(path));
    }
    let mut failures = Vec::new();
    for place in &file.from {
        match from_source(agent, place, file, &path) {
            Ok(()) => return Ok(Ok(path)),
            Err(DownloadError::Local(error)) => return Err(error),
            Err(DownloadError::Source(reason) | DownloadError::Interrupted(reason)) => {
                let place = file.describe(place);
                progress::notice(&format!("{place}: {reason}"));
                failures.push(SourceFailure { place, reason });
            }
        }
    }
    Ok(Err(failures))
}

/// Downloads and verifies the file. A resumed file with a wrong hash is downloaded once more from the start.
fn from_source(agent: &Agent, place: &FileSource, file: &RemoteFile, path: &Path) -> Result<(), DownloadError> {
    let resumed = path.exists();
    bring(agent, place, file, path)?;
    let Some(wrong) = hash::mismatch(path, file)? else { return Ok(()) };
    std::fs::remove_file(path).map_err(Error::io(path, "remove"))?;
    if resumed {
        from_source(agent, place, file, path)
    } else {
        Err(DownloadError::Source(format!("another file: {wrong}")))
    }
}

fn bring(agent: &Agent, place: &FileSource, file: &RemoteFile, path: &Path) -> Result<(), DownloadError> {
    match place {
        FileSource::Url(url) => http::download(agent, &file.address(url), file, path),
        FileSource::Pip(requirement) => pip::download(&pip::PYTHONS, requirement, file, path),
    }
}
