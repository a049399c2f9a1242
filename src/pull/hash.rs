//! Verification of a file by size and SHA-256.

use std::fmt::Write;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::entry::RemoteFile;
use crate::{Error, Result};

/// The SHA-256 of a file's bytes, in lower-case hexadecimal.
///
/// # Errors
/// A file that cannot be read.
pub fn sha256(path: &Path) -> Result<String> {
    digest(path).map_err(Error::io(path, "read"))
}

fn digest(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        hash.update(&chunk[..read]);
    }
    let mut text = String::with_capacity(64);
    for byte in hash.finalize() {
        write!(text, "{byte:02x}").expect("writing to a string does not fail");
    }
    Ok(text)
}

/// Describes the mismatch of the file at `path`; `None` if it is the known file.
///
/// # Errors
/// A file that cannot be read.
pub fn mismatch(path: &Path, known: &RemoteFile) -> Result<Option<String>> {
    let bytes = path.metadata().map_err(Error::io(path, "read"))?.len();
    if bytes != known.bytes {
        return Ok(Some(format!("{bytes} bytes instead of {}", known.bytes)));
    }
    let found = sha256(path)?;
    Ok((found != known.sha256).then(|| format!("sha256 {found} instead of {}", known.sha256)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_abc_is_the_published_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        let published = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; // FIPS 180-2, appendix B.1
        assert_eq!(sha256(&path).unwrap(), published);
    }
}
