//! House rules that no compiler checks: unique names, doc summaries, layers, citations and vocabulary.
//!
//! The checks read the sources as text. Each finding names its file and line.

mod citations;
mod layers;
mod modules;
mod names;
mod source;
mod summaries;
mod vocabulary;

use std::path::{Path, PathBuf};

/// The folder of the workspace.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files below the folders `within` of the workspace whose names end with one of `extensions`, in order.
fn files(within: &[&str], extensions: &[&str]) -> Vec<PathBuf> {
    fn collect(path: PathBuf, extensions: &[&str], found: &mut Vec<PathBuf>) {
        if path.is_dir() {
            path.read_dir().unwrap().for_each(|entry| collect(entry.unwrap().path(), extensions, found));
        } else if path.extension().is_some_and(|extension| extensions.iter().any(|known| extension == *known)) {
            found.push(path);
        }
    }
    let mut found = Vec::new();
    within.iter().for_each(|folder| collect(root().join(folder), extensions, &mut found));
    found.sort();
    found
}

/// The path of a file below the workspace, with forward slashes.
fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/")
}

/// Fails with all `findings`, one a line.
#[track_caller]
fn expect_none(rule: &str, findings: &[String]) {
    assert!(findings.is_empty(), "{rule}: {} findings\n{}\n", findings.len(), findings.join("\n"));
}
