//! Safe extraction of members of a zip archive into one folder.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Seek};
use std::path::Path;

use zip::ZipArchive;

use super::entry::Unpack;
use crate::{Error, Result};

/// Extracts the members of `plan` from `archive`, each under its file name in `folder`.
///
/// # Errors
/// An archive with a path that leads outside or with a symbolic link anywhere in it, a member that is missing or damaged,
/// more bytes than `plan` allows.
pub fn unpack(archive: &Path, plan: &Unpack, folder: &Path) -> Result<()> {
    let file = File::open(archive).map_err(Error::io(archive, "read"))?;
    let mut zip = ZipArchive::new(BufReader::new(file)).map_err(|e| damaged(archive, &e))?;
    refuse_escapes(&mut zip, archive)?;
    let mut allowance = plan.at_most;
    for member in &plan.members {
        allowance -= write_member(&mut zip, archive, member, allowance, folder)?;
    }
    Ok(())
}

fn refuse_escapes<R: Read + Seek>(zip: &mut ZipArchive<R>, archive: &Path) -> Result<()> {
    for index in 0..zip.len() {
        let entry = zip.by_index_data(index).map_err(|e| damaged(archive, &e))?;
        let name = entry.name().map_err(|e| damaged(archive, &e))?;
        let found = if entry.is_symlink() {
            "a symbolic link"
        } else if !stays_inside(&name) {
            "a path that leads out of it"
        } else {
            continue;
        };
        return Err(Error::bad_input(archive.display())
            .expected("an archive whose members stay in their folder")
            .found(format!("{found}: {name:?}"))
            .next("nothing was unpacked; do not trust this file")
            .into());
    }
    Ok(())
}

/// Returns true for a path that is relative on every system: no root, no drive, no `..`.
fn stays_inside(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('/')
        && !name.contains(['\\', ':', '\0'])
        && name.split('/').all(|part| part != "..")
}

/// Writes one member and returns its size. The size in the archive's header is not trusted: the bytes are counted.
fn write_member<R: Read + Seek>(
    zip: &mut ZipArchive<R>,
    archive: &Path,
    member: &str,
    allowance: u64,
    folder: &Path,
) -> Result<u64> {
    let source = zip.by_name(member).map_err(|e| damaged(archive, &format!("{member}: {e}")))?;
    let name = member.rsplit('/').next().unwrap_or(member);
    let path = folder.join(name);
    let mut target = File::create_new(&path).map_err(Error::io(&path, "create"))?;
    let bytes = std::io::copy(&mut source.take(allowance + 1), &mut target).map_err(|e| match e.kind() {
        // What a damaged archive reads as; anything else is the disk.
        ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof => {
            damaged(archive, &format!("{member}: {e}"))
        }
        _ => Error::io(&path, "write")(e),
    })?;
    if bytes > allowance {
        return Err(Error::bad_input(archive.display())
            .expected(format!("{member} in at most {allowance} bytes"))
            .found("more")
            .next("do not trust this file")
            .into());
    }
    target.sync_all().map_err(Error::io(&path, "write"))?;
    Ok(bytes)
}

fn damaged(archive: &Path, reason: &dyn std::fmt::Display) -> Error {
    Error::bad_input(archive.display())
        .expected("a readable zip archive")
        .found(reason)
        .next("download it again")
        .into()
}
