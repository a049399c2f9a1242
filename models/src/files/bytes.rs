//! The bytes of a file, read a range at a time.
//!
//! Nothing is mapped into memory: a file that another program cuts short while it is open here ends in an error. A mapping would end
//! this process at the first byte past the new end.

use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// A file whose ranges are read as they are asked for.
pub(crate) struct ByteFile {
    path: PathBuf,
    length: usize,
    source: Source,
}

enum Source {
    File(File),
    /// The bytes that a file would hold.
    Memory(Vec<u8>),
}

impl ByteFile {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// A path that is missing, unreadable, or no regular file (a folder, a pipe that would block).
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let metadata = std::fs::metadata(path).map_err(Error::io(path, "read"))?;
        if !metadata.is_file() {
            let found = if metadata.is_dir() { "a folder" } else { "a device or a pipe" };
            return Err(Error::bad_input(path.display()).expected("a regular file").found(found).into());
        }
        let file = File::open(path).map_err(Error::io(path, "read"))?;
        let length = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
        Ok(Self { path: path.to_path_buf(), length, source: Source::File(file) })
    }

    /// A file with these bytes, as if it lay at `path`.
    pub(crate) fn in_memory(path: &Path, bytes: Vec<u8>) -> Self {
        Self { path: path.to_path_buf(), length: bytes.len(), source: Source::Memory(bytes) }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The length that the file had when it was opened.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// The bytes of `range`, which lies within [`ByteFile::len`].
    ///
    /// # Errors
    /// A file that is shorter by now, a disk that fails.
    pub(crate) fn read(&self, range: Range<usize>) -> Result<Vec<u8>> {
        let mut bytes = vec![0; range.len()];
        let read = match &self.source {
            Source::Memory(all) => {
                bytes.copy_from_slice(&all[range.clone()]);
                Ok(())
            }
            Source::File(file) => read_exact_at(file, &mut bytes, range.start as u64),
        };
        match read {
            Ok(()) => Ok(bytes),
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => Err(Error::bad_input(self.path.display())
                .expected(format!("{} bytes, as when it was opened", self.length))
                .found("a file that has been cut short meanwhile")
                .next("fetch the file again, and let no other program write to it while it is read")
                .into()),
            Err(e) => Err(Error::io(&self.path, "read")(e)),
        }
    }
}

impl fmt::Debug for ByteFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes", self.path.display(), self.length)
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], at: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, at)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut at: u64) -> std::io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, at)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            n => {
                bytes = &mut bytes[n..];
                at += n as u64;
            }
        }
    }
    Ok(())
}

/// All bytes of the file at `path`, which may have at most `most`.
///
/// # Errors
/// As [`ByteFile::open`] and [`ByteFile::read`]; a longer file.
pub(crate) fn read_whole(path: &Path, most: usize) -> Result<Vec<u8>> {
    let file = ByteFile::open(path)?;
    if file.len() > most {
        return Err(Error::bad_input(path.display())
            .expected(format!("at most {most} bytes"))
            .found(file.len())
            .next("fetch the file again; none of its kind is that long")
            .into());
    }
    file.read(0..file.len())
}

/// Returns true if the regular file at `path` begins with `magic`.
pub(crate) fn begins_with(path: &Path, magic: &[u8]) -> bool {
    // Opening a pipe would block.
    ByteFile::open(path)
        .is_ok_and(|file| magic.len() <= file.len() && file.read(0..magic.len()).is_ok_and(|start| start == magic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_cut_short_while_it_is_open_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        std::fs::write(&path, [7; 100]).unwrap();
        let file = ByteFile::open(&path).unwrap();
        assert_eq!(file.read(90..100).unwrap(), [7; 10]);
        File::options().write(true).open(&path).unwrap().set_len(95).unwrap();
        let error = file.read(90..100).unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().contains("cut short"), "{error}");
    }

    #[test]
    fn a_file_beyond_the_limit_and_what_is_no_file_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        std::fs::write(&path, "GGUF").unwrap();
        assert_eq!(read_whole(&path, 4).unwrap(), b"GGUF");
        assert!(read_whole(&path, 3).unwrap_err().to_string().contains("at most 3 bytes, found 4"));
        assert!(read_whole(folder.path(), 3).unwrap_err().to_string().contains("found a folder"));
        assert!(begins_with(&path, b"GGUF") && !begins_with(&path, b"GGUFx") && !begins_with(folder.path(), b""));
    }
}
