//! Atomic installation of downloaded files.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use super::entry::{Bundle, PullEntry, RemoteFile};
use super::fetch::SourceFailure;
use super::{fetch, hash, http, receipt, unpack};
use crate::{Error, Result};

/// The result of a pull.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pulled {
    /// The folder is new.
    Fresh(PathBuf),
    /// The folder was complete already.
    AlreadyThere(PathBuf),
}

impl Pulled {
    /// The entry's folder.
    pub fn folder(&self) -> &Path {
        match self {
            Pulled::Fresh(folder) | Pulled::AlreadyThere(folder) => folder,
        }
    }
}

/// Downloads an entry into the folder `parent/NAME`.
///
/// Partial downloads are kept in `NAME.part` beside it and resumed by a later call.
///
/// # Errors
/// Every source failed (the error lists each with its reason); a folder of that name that tiller did not make; another
/// process at the same work; a full disk.
pub fn pull(entry: &PullEntry, parent: &Path) -> Result<Pulled> {
    install(entry, parent, |staging| {
        let agent = http::agent();
        let mut failures = Vec::new();
        for bundle in &entry.bundles {
            match fetch_bundle(&agent, bundle, staging)? {
                Ok(files) => return Ok((bundle, files)),
                Err(more) => failures.extend(more),
            }
        }
        Err(no_source(entry, &failures))
    })
}

/// Installs an entry from manually downloaded files, identified by their hashes.
///
/// # Errors
/// Files that are not all those of one bundle, and what [`pull`] can meet on this machine.
pub fn install_from(entry: &PullEntry, parent: &Path, files: &[PathBuf]) -> Result<Pulled> {
    let gathered = recognise(entry, files)?;
    install(entry, parent, |_| Ok(gathered))
}

/// Finds the bundle of `files` by their hashes.
fn recognise<'a>(entry: &'a PullEntry, files: &[PathBuf]) -> Result<Gathered<'a>> {
    let hashes = files.iter().map(|file| hash::sha256(file)).collect::<Result<Vec<_>>>()?;
    let find = |sha256: &str| hashes.iter().position(|hash| hash == sha256).map(|index| files[index].clone());
    for bundle in &entry.bundles {
        if let Some(files) = bundle.files.iter().map(|file| find(&file.sha256)).collect() {
            return Ok((bundle, files));
        }
    }
    let found: Vec<_> = files.iter().zip(&hashes).map(|(f, hash)| format!("{} (sha256 {hash})", f.display())).collect();
    Err(Error::bad_input("--from")
        .expected(format!("the files of {}, whatever their names", entry.name))
        .found(found.join(", "))
        .next(format!("give every file of one of these:{}", manual_downloads(entry)))
        .into())
}

/// Files of a bundle in the bundle's order.
type Gathered<'a> = (&'a Bundle, Vec<PathBuf>);

/// Installs an entry unless it is complete: gathers files in the staging folder, assembles, and renames.
fn install<'a>(
    entry: &'a PullEntry,
    parent: &Path,
    gather: impl FnOnce(&Path) -> Result<Gathered<'a>>,
) -> Result<Pulled> {
    let folder = parent.join(&entry.name);
    if receipt::is_whole(&folder) {
        return Ok(Pulled::AlreadyThere(folder));
    }
    refuse_foreign(&folder)?;
    let staging = parent.join(format!("{}.part", entry.name));
    std::fs::create_dir_all(&staging).map_err(Error::io(&staging, "create"))?;
    let lock = lock(&staging)?;
    let made = gather(&staging).and_then(|(bundle, files)| {
        let whole = assemble(entry, bundle, &files, &staging)?;
        remove(&folder)?;
        std::fs::rename(&whole, &folder).map_err(Error::io(&folder, "create"))
    });
    drop(lock);
    match made {
        Ok(()) => remove(&staging).map(|()| Pulled::Fresh(folder)),
        Err(error) => {
            leave_downloads(&staging);
            Err(error)
        }
    }
}

/// After a failure the staging keeps what was downloaded; where that is nothing, it goes.
fn leave_downloads(staging: &Path) {
    // Whatever cannot be removed here does no harm, and the error that led here is the one to report.
    let _ = std::fs::remove_dir_all(staging.join("whole"));
    let _ = std::fs::remove_file(staging.join(".lock"));
    let _ = std::fs::remove_dir(staging);
}

/// A folder that does not come from here may be precious.
fn refuse_foreign(folder: &Path) -> Result<()> {
    if !folder.exists() || receipt::exists(folder) {
        return Ok(());
    }
    Err(Error::bad_input(folder.display())
        .expected("no such folder, or one that `tiller pull` made")
        .found("something else")
        .next("move it away, or choose another place with --to")
        .into())
}

fn lock(staging: &Path) -> Result<File> {
    let path = staging.join(".lock");
    let file = File::create(&path).map_err(Error::io(&path, "create"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Failed(format!(
            "{}: another process is pulling this\n  next: wait for it to end",
            staging.display()
        ))),
        Err(TryLockError::Error(e)) => Err(Error::io(&path, "lock")(e)),
    }
}

fn fetch_bundle(
    agent: &ureq::Agent,
    bundle: &Bundle,
    staging: &Path,
) -> Result<std::result::Result<Vec<PathBuf>, Vec<SourceFailure>>> {
    let mut paths = Vec::new();
    for file in &bundle.files {
        match fetch::fetch(agent, file, staging)? {
            Ok(path) => paths.push(path),
            Err(failures) => return Ok(Err(failures)),
        }
    }
    Ok(Ok(paths))
}

/// Assembles the final folder inside the staging folder, so that one rename moves it.
fn assemble(entry: &PullEntry, bundle: &Bundle, files: &[PathBuf], staging: &Path) -> Result<PathBuf> {
    let whole = staging.join("whole");
    remove(&whole)?;
    std::fs::create_dir(&whole).map_err(Error::io(&whole, "create"))?;
    for (known, file) in bundle.files.iter().zip(files) {
        match &known.unpack {
            Some(plan) => unpack::unpack(file, plan, &whole)?,
            None => place(file, &whole.join(&known.name), staging)?,
        }
    }
    receipt::write(entry, bundle, &whole)?;
    Ok(whole)
}

/// Moves our own download; copies a user's file.
fn place(file: &Path, target: &Path, staging: &Path) -> Result<()> {
    if file.starts_with(staging) {
        std::fs::rename(file, target).map_err(Error::io(target, "create"))
    } else {
        let mut source = File::open(file).map_err(Error::io(file, "read"))?;
        let mut copy = File::create_new(target).map_err(Error::io(target, "create"))?;
        std::io::copy(&mut source, &mut copy).map_err(Error::io(target, "write"))?;
        copy.sync_all().map_err(Error::io(target, "write"))
    }
}

fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io(folder, "remove")(e)),
        _ => Ok(()),
    }
}

fn no_source(entry: &PullEntry, failures: &[SourceFailure]) -> Error {
    let reasons: String = failures.iter().map(|failure| format!("\n  {}: {}", failure.place, failure.reason)).collect();
    Error::Failed(format!(
        "{name}: no source delivered it{reasons}\n  next: try again (what came is kept), or download it by hand and give it \
         to `tiller pull {name} --from FILE…`:{}",
        manual_downloads(entry),
        name = entry.name
    ))
}

/// The files of each bundle with sizes and hashes, for a manual download.
fn manual_downloads(entry: &PullEntry) -> String {
    let file = |file: &RemoteFile| format!("{} ({} bytes, sha256 {})", file.name, file.bytes, file.sha256);
    let ways = entry.bundles.iter().map(|bundle| bundle.files.iter().map(file).collect::<Vec<_>>().join("\n    "));
    ways.map(|way| format!("\n  - {way}")).collect()
}
