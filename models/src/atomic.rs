//! Atomic writes: a file is either the old one or the new one, whatever happens in between.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::error::{Error, Result};

/// Writes `path` through a temporary file beside it: write, flush, fsync, rename, fsync of the folder.
///
/// # Errors
/// Any I/O error of `fill` or of the system; `path` then keeps what it held before.
pub fn write_atomically(path: &Path, fill: impl FnOnce(&mut BufWriter<&File>) -> std::io::Result<()>) -> Result<()> {
    compute_atomically(path, |file| fill(file).map_err(Error::io(path, "write")))
}

/// [`write_atomically`] of what is computed while it is written, and whose computing may fail for reasons of its own.
///
/// # Errors
/// Any error of `fill`, and I/O errors of the system; `path` then keeps what it held before.
pub fn compute_atomically(path: &Path, fill: impl FnOnce(&mut BufWriter<&File>) -> Result<()>) -> Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let temporary = beside(folder).map_err(Error::io(path, "write"))?;
    let mut writer = BufWriter::new(temporary.as_file());
    fill(&mut writer)?;
    writer.flush().map_err(Error::io(path, "write"))?;
    drop(writer);
    rename(temporary, path, folder).map_err(Error::io(path, "write"))
}

/// An empty file in `folder`, which goes away again unless it is renamed.
fn beside(folder: &Path) -> std::io::Result<NamedTempFile> {
    std::fs::create_dir_all(folder)?;
    tempfile::Builder::new().prefix(".tiller-").suffix(".tmp").tempfile_in(folder)
}

fn rename(temporary: NamedTempFile, path: &Path, folder: &Path) -> std::io::Result<()> {
    temporary.as_file().sync_all()?;
    give_usual_permissions(temporary.as_file())?;
    temporary.persist(path).map_err(|e| e.error)?;
    sync_folder(folder)
}

/// A temporary file is private to its owner (0600); the finished file is as readable as any other.
#[cfg(unix)]
fn give_usual_permissions(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn give_usual_permissions(_: &File) -> std::io::Result<()> {
    Ok(())
}

/// Makes the rename itself durable. Windows has no handle to a folder that could be synced.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_litter() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.bin");
        write_atomically(&path, |w| w.write_all(b"old")).unwrap();
        let failure = write_atomically(&path, |w| {
            w.write_all(b"half of the new")?;
            Err(std::io::ErrorKind::StorageFull.into())
        });
        assert_eq!(failure.unwrap_err().exit_code(), 1);
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
