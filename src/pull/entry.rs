//! What can be pulled: the embedded list (`entries.toml`) and the types of its lines.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Something that `tiller pull` knows by name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PullEntry {
    /// The name that `tiller pull` and `--model` take; also the name of its folder.
    pub name: String,
    /// Model or data set.
    pub kind: PullKind,
    /// One line on what it is.
    pub about: String,
    /// Its licence, by name.
    pub licence: String,
    /// Where its authors present it.
    pub home: String,
    /// For a data set: the `--format` of `tiller data import` that reads it.
    pub format: Option<String>,
    /// The ways to get it, best first; any one of them suffices.
    #[serde(rename = "bundle")]
    pub bundles: Vec<Bundle>,
}

/// What an entry is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PullKind {
    /// A language model, for `--model`.
    Model,
    /// A raw data set, for `tiller data import`.
    Data,
}

impl PullKind {
    /// The folder that entries of this kind are kept in.
    pub fn folder(self) -> &'static str {
        match self {
            PullKind::Model => "models",
            PullKind::Data => "data",
        }
    }
}

/// Files that together make an entry.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// Every one of them is needed.
    #[serde(rename = "file")]
    pub files: Vec<RemoteFile>,
}

impl Bundle {
    /// What is to be downloaded, in bytes.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// A file known by its hash, with the places that have it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoteFile {
    /// Its name.
    pub name: String,
    /// Its exact size.
    pub bytes: u64,
    /// Its SHA-256, in lower-case hexadecimal.
    pub sha256: String,
    /// Where to get it, best first.
    pub from: Vec<FileSource>,
    /// For a zip archive: what to take out of it. Without it the file itself is what is wanted.
    pub unpack: Option<Unpack>,
}

impl RemoteFile {
    /// Its address at a URL: the URL itself, or the file in it where the URL is a folder's.
    pub fn address(&self, url: &str) -> String {
        if url.ends_with('/') { format!("{url}{}", self.name) } else { url.to_owned() }
    }

    /// A place as users can try it themselves: an address, or a command.
    pub fn describe(&self, place: &FileSource) -> String {
        match place {
            FileSource::Url(url) => self.address(url),
            FileSource::Pip(requirement) => format!("python3 -m pip download --no-deps {requirement}"),
        }
    }

    /// Every place, described.
    pub fn sources(&self) -> impl Iterator<Item = String> {
        self.from.iter().map(|place| self.describe(place))
    }
}

/// What is wanted from an archive.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unpack {
    /// Paths inside the archive; each lands in the entry's folder under its file name.
    pub members: Vec<String>,
    /// An upper bound on their unpacked sizes together, in bytes.
    pub at_most: u64,
}

/// A place that has a file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum FileSource {
    /// An http or https address.
    Url(String),
    /// A requirement such as `package==1.0` for the pip client.
    Pip(String),
}

impl FileSource {
    /// Who serves it, in a word: a host, or pip.
    pub fn host(&self) -> &str {
        match self {
            FileSource::Url(url) => url.split('/').nth(2).unwrap_or(url),
            FileSource::Pip(_) => "pip",
        }
    }
}

impl From<String> for FileSource {
    fn from(text: String) -> Self {
        match text.strip_prefix("pip:") {
            Some(requirement) => FileSource::Pip(requirement.to_owned()),
            None => FileSource::Url(text),
        }
    }
}

/// Reads a list of entries.
///
/// # Errors
/// Text that is not such a list.
pub fn parse(text: &str) -> Result<Vec<PullEntry>> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct List {
        entry: Vec<PullEntry>,
    }
    let list: List =
        toml::from_str(text).map_err(|e| Error::bad_input("entries.toml").expected("a list of entries").found(e))?;
    Ok(list.entry)
}

/// The entries that come with this program.
pub fn known() -> Vec<PullEntry> {
    parse(include_str!("entries.toml")).expect("the embedded list parses: a test reads it")
}

/// The known entry of a name.
///
/// # Errors
/// No such entry; the error names the nearest one.
pub fn find(name: &str) -> Result<PullEntry> {
    let entries = known();
    let names: Vec<_> = entries.iter().map(|entry| entry.name.clone()).collect();
    entries.into_iter().find(|entry| entry.name == name).ok_or_else(|| {
        Error::bad_input(format!("pull {name}"))
            .expected(format!("one of {}", names.join(", ")))
            .found("another name")
            .next("see `tiller pull --list`")
            .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::import::SourceFormat;
    use clap::ValueEnum;

    #[test]
    fn every_known_entry_can_be_verified_and_kept_in_a_folder() {
        let plain = |name: &str| !name.is_empty() && !name.contains(['/', '\\', ':']) && !name.starts_with('.');
        let entries = known();
        for entry in &entries {
            assert!(plain(&entry.name), "{}", entry.name);
            assert_eq!(entry.format.is_some(), entry.kind == PullKind::Data, "{}", entry.name);
            assert!(entry.format.iter().all(|format| SourceFormat::from_str(format, false).is_ok()), "{}", entry.name);
            assert!(!entry.bundles.is_empty() && !entry.licence.is_empty(), "{}", entry.name);
            for file in entry.bundles.iter().flat_map(|bundle| &bundle.files) {
                assert!(plain(&file.name), "{}", file.name);
                assert!(file.sha256.len() == 64 && file.sha256.bytes().all(|b| b"0123456789abcdef".contains(&b)));
                assert!(file.bytes > 0 && !file.from.is_empty(), "{}", file.name);
            }
        }
        let mut names: Vec<_> = entries.iter().map(|entry| &entry.name).collect();
        names.dedup();
        assert_eq!(names.len(), entries.len());
    }

    #[test]
    fn a_place_is_an_address_a_folder_or_a_pip_requirement() {
        let text = r#"
            [[entry]]
            name = "e"
            kind = "model"
            about = ""
            licence = "MIT"
            home = ""
            [[entry.bundle]]
            [[entry.bundle.file]]
            name = "w.gguf"
            bytes = 1
            sha256 = ""
            from = ["https://a.example/b?c", "https://a.example/d/", "pip:p==1"]
        "#;
        let file = &parse(text).unwrap()[0].bundles[0].files[0];
        let sources: Vec<_> = file.sources().collect();
        assert_eq!(sources[..2], ["https://a.example/b?c", "https://a.example/d/w.gguf"]);
        assert_eq!(file.from[2], FileSource::Pip("p==1".into()));
        assert_eq!((file.from[0].host(), file.from[2].host()), ("a.example", "pip"));
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = find("smollm").unwrap_err();
        assert!(error.to_string().contains("smollm2-135m"), "{error}");
        assert_eq!(error.exit_code(), 2);
    }
}
