//! One file from the first place that delivers exactly the known bytes.

use std::path::{Path, PathBuf};

use ureq::Agent;

use super::entry::{Place, RemoteFile};
use super::fault::Fault;
use super::{hash, http, pip};
use crate::{Error, Result};

/// A place that did not deliver, with its reason.
#[derive(Debug)]
pub struct Refusal {
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
pub fn fetch(agent: &Agent, file: &RemoteFile, folder: &Path) -> Result<std::result::Result<PathBuf, Vec<Refusal>>> {
    let path = folder.join(&file.name);
    if path.exists() && hash::mismatch(&path, file)?.is_none() {
        return Ok(Ok(path));
    }
    let mut refusals = Vec::new();
    for place in &file.from {
        match from_place(agent, place, file, &path) {
            Ok(()) => return Ok(Ok(path)),
            Err(Fault::Here(error)) => return Err(error),
            Err(Fault::Source(reason) | Fault::BrokeOff(reason)) => {
                let place = file.describe(place);
                eprintln!("{place}: {reason}");
                refusals.push(Refusal { place, reason });
            }
        }
    }
    Ok(Err(refusals))
}

/// Brings the file and checks it. Bytes that were put together from two attempts and are wrong get one chance as a whole.
fn from_place(agent: &Agent, place: &Place, file: &RemoteFile, path: &Path) -> Result<(), Fault> {
    let resumed = path.exists();
    bring(agent, place, file, path)?;
    let Some(wrong) = hash::mismatch(path, file)? else { return Ok(()) };
    std::fs::remove_file(path).map_err(Error::io(path, "remove"))?;
    if resumed { from_place(agent, place, file, path) } else { Err(Fault::Source(format!("another file: {wrong}"))) }
}

fn bring(agent: &Agent, place: &Place, file: &RemoteFile, path: &Path) -> Result<(), Fault> {
    match place {
        Place::Url(url) => http::download(agent, &file.address(url), file, path),
        Place::Pip(requirement) => pip::download(&pip::PYTHONS, requirement, file, path),
    }
}
