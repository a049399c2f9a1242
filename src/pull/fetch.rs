//! One file from the first place that delivers exactly the known bytes.

use std::path::{Path, PathBuf};

use ureq::Agent;

use super::entry::{FileSource, RemoteFile};
use super::error::DownloadError;
use super::{hash, http, pip};
use crate::{Error, Result};

/// A place that did not deliver, with its reason.
#[derive(Debug)]
pub struct SourceFailure {
    /// The place, as users know it.
    pub place: String,
    /// What was wrong with it.
    pub reason: String,
}

/// Fetches `file` into `folder`, where an earlier attempt may have left its beginning, and checks it.
///
/// The inner error lists what each place answered.
///
/// # Errors
/// Trouble on this machine.
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
                eprintln!("{place}: {reason}");
                failures.push(SourceFailure { place, reason });
            }
        }
    }
    Ok(Err(failures))
}

/// Brings the file and checks it. Bytes that were put together from two attempts and are wrong get one chance as a whole.
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
