//! Files as read-only memory, so that a model's weights are paged in as they are read and never copied whole.

use std::fs::File;
use std::path::Path;

use memmap2::Mmap;

use crate::{Error, Result};

/// Maps the file at `path` into memory.
///
/// # Errors
/// A path that is missing, unreadable, or no regular file (a folder, a pipe that would block).
pub fn map(path: &Path) -> Result<Mmap> {
    let metadata = std::fs::metadata(path).map_err(Error::io(path, "read"))?;
    if !metadata.is_file() {
        let found = if metadata.is_dir() { "a folder" } else { "a device or a pipe" };
        return Err(Error::bad_input(path.display()).expected("a regular file").found(found).into());
    }
    let file = File::open(path).map_err(Error::io(path, "read"))?;
    // SAFETY: the bytes are only ever read as plain `u8`, every bit pattern of which is valid, and nothing parsed from
    // them is relied upon for memory safety. Concurrent truncation is documented at `files`.
    #[allow(unsafe_code)]
    unsafe { Mmap::map(&file) }.map_err(Error::io(path, "map"))
}
