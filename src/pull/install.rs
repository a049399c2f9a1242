//! From files to a folder that is there whole or not at all.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use super::entry::{Bundle, Entry, RemoteFile};
use super::fetch::Refusal;
use super::{fetch, hash, http, receipt, unpack};
use crate::{Error, Result};

/// What `pull` found or made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pulled {
    /// The folder is new.
    Fresh(PathBuf),
    /// The folder was there, whole; nothing was done.
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

/// Downloads an entry into the folder of its name under `parent`.
///
/// What is being downloaded stands in `NAME.part` beside it, and a later call goes on with that.
///
/// # Errors
/// Every source failed (the error lists each with its reason); a folder of that name that tiller did not make; another
/// process at the same work; a full disk.
pub fn pull(entry: &Entry, parent: &Path) -> Result<Pulled> {
    install(entry, parent, |workshop| {
        let agent = http::agent();
        let mut refusals = Vec::new();
        for bundle in &entry.bundles {
            match fetch_bundle(&agent, bundle, workshop)? {
                Ok(files) => return Ok((bundle, files)),
                Err(more) => refusals.extend(more),
            }
        }
        Err(no_source(entry, &refusals))
    })
}

/// Installs an entry from files that were downloaded by other means; their hashes tell which ones they are.
///
/// # Errors
/// Files that are not all those of one bundle, and what [`pull`] can meet on this machine.
pub fn install_from(entry: &Entry, parent: &Path, files: &[PathBuf]) -> Result<Pulled> {
    let gathered = recognise(entry, files)?;
    install(entry, parent, |_| Ok(gathered))
}

/// The bundle that `files` make, by their hashes.
fn recognise<'a>(entry: &'a Entry, files: &[PathBuf]) -> Result<Gathered<'a>> {
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
        .next(format!("give every file of one of these:{}", by_hand(entry)))
        .into())
}

/// Files of a bundle in the bundle's order.
type Gathered<'a> = (&'a Bundle, Vec<PathBuf>);

/// The shared way: nothing where all is there, else gather in the workshop, assemble, and put in place by one rename.
fn install<'a>(entry: &'a Entry, parent: &Path, gather: impl FnOnce(&Path) -> Result<Gathered<'a>>) -> Result<Pulled> {
    let folder = parent.join(&entry.name);
    if receipt::is_whole(&folder) {
        return Ok(Pulled::AlreadyThere(folder));
    }
    refuse_foreign(&folder)?;
    let workshop = parent.join(format!("{}.part", entry.name));
    std::fs::create_dir_all(&workshop).map_err(Error::io(&workshop, "create"))?;
    let lock = lock(&workshop)?;
    let made = gather(&workshop).and_then(|(bundle, files)| {
        let whole = assemble(entry, bundle, &files, &workshop)?;
        remove(&folder)?;
        std::fs::rename(&whole, &folder).map_err(Error::io(&folder, "create"))
    });
    drop(lock);
    match made {
        Ok(()) => remove(&workshop).map(|()| Pulled::Fresh(folder)),
        Err(error) => {
            leave_downloads(&workshop);
            Err(error)
        }
    }
}

/// After a failure the workshop keeps what was downloaded; where that is nothing, it goes.
fn leave_downloads(workshop: &Path) {
    // Whatever cannot be removed here does no harm, and the error that led here is the one to report.
    let _ = std::fs::remove_dir_all(workshop.join("whole"));
    let _ = std::fs::remove_file(workshop.join(".lock"));
    let _ = std::fs::remove_dir(workshop);
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

fn lock(workshop: &Path) -> Result<File> {
    let path = workshop.join(".lock");
    let file = File::create(&path).map_err(Error::io(&path, "create"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Failed(format!(
            "{}: another process is pulling this\n  next: wait for it to end",
            workshop.display()
        ))),
        Err(TryLockError::Error(e)) => Err(Error::io(&path, "lock")(e)),
    }
}

fn fetch_bundle(
    agent: &ureq::Agent,
    bundle: &Bundle,
    workshop: &Path,
) -> Result<std::result::Result<Vec<PathBuf>, Vec<Refusal>>> {
    let mut paths = Vec::new();
    for file in &bundle.files {
        match fetch::fetch(agent, file, workshop)? {
            Ok(path) => paths.push(path),
            Err(refusals) => return Ok(Err(refusals)),
        }
    }
    Ok(Ok(paths))
}

/// Makes the final folder inside the workshop, so that it can be moved by one rename.
fn assemble(entry: &Entry, bundle: &Bundle, files: &[PathBuf], workshop: &Path) -> Result<PathBuf> {
    let whole = workshop.join("whole");
    remove(&whole)?;
    std::fs::create_dir(&whole).map_err(Error::io(&whole, "create"))?;
    for (known, file) in bundle.files.iter().zip(files) {
        match &known.unpack {
            Some(plan) => unpack::unpack(file, plan, &whole)?,
            None => place(file, &whole.join(&known.name), workshop)?,
        }
    }
    receipt::write(entry, bundle, &whole)?;
    Ok(whole)
}

/// Moves our own download; copies what is the user's.
fn place(file: &Path, target: &Path, workshop: &Path) -> Result<()> {
    if file.starts_with(workshop) {
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

fn no_source(entry: &Entry, refusals: &[Refusal]) -> Error {
    let reasons: String = refusals.iter().map(|refusal| format!("\n  {}: {}", refusal.place, refusal.reason)).collect();
    Error::Failed(format!(
        "{name}: no source delivered it{reasons}\n  next: try again (what came is kept), or download it by hand and give it \
         to `tiller pull {name} --from FILE…`:{}",
        by_hand(entry),
        name = entry.name
    ))
}

/// Each way to get the entry by hand: its files, with sizes and hashes.
fn by_hand(entry: &Entry) -> String {
    let file = |file: &RemoteFile| format!("{} ({} bytes, sha256 {})", file.name, file.bytes, file.sha256);
    let ways = entry.bundles.iter().map(|bundle| bundle.files.iter().map(file).collect::<Vec<_>>().join("\n    "));
    ways.map(|way| format!("\n  - {way}")).collect()
}
