//! Importers, one file per source format. Each reads its files into a [`RawData`]; filters are applied later.

use std::path::Path;

use super::raw::RawData;
use crate::{Error, Result};

mod amazon;
mod dat;
mod literal;
mod movielens;
mod movietweetings;
mod steam;
mod table;

pub use table::Columns;

/// The source formats that can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceFormat {
    /// MovieLens.
    MovieLens,
    /// MovieTweetings.
    MovieTweetings,
    /// Amazon Review v2.
    Amazon,
    /// The UCSD Steam files.
    Steam,
    /// Generic CSV.
    Csv,
}

impl SourceFormat {
    /// All formats.
    pub const ALL: [SourceFormat; 5] = [Self::MovieLens, Self::MovieTweetings, Self::Amazon, Self::Steam, Self::Csv];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::MovieLens => "movielens",
            Self::MovieTweetings => "movietweetings",
            Self::Amazon => "amazon",
            Self::Steam => "steam",
            Self::Csv => "csv",
        }
    }

    /// The files it consists of.
    pub fn files(self) -> &'static str {
        match self {
            Self::MovieLens => {
                "A MovieLens folder: ratings.csv + movies.csv, u.data + u.item, or ratings.dat + movies.dat"
            }
            Self::MovieTweetings => "A MovieTweetings folder: ratings.dat + movies.dat",
            Self::Amazon => {
                "A folder with Amazon Review v2 files of one department: reviews and meta_*, .json or .json.gz"
            }
            Self::Steam => "A folder with the UCSD Steam files: steam_games and steam_reviews, .json or .json.gz",
            Self::Csv => {
                "A CSV file of interactions, with --items for a file of items; or a folder with items.csv and interactions.csv"
            }
        }
    }
}

/// Reads a source. `columns` apply to [`SourceFormat::Csv`] only.
///
/// # Errors
/// A missing file, or a malformed line, with file and line.
pub fn read(format: SourceFormat, path: &Path, columns: &Columns) -> Result<RawData> {
    if format != SourceFormat::Csv && *columns != Columns::default() {
        return Err(Error::bad_input("column flags")
            .expected("--format csv beside them")
            .found(format!("--format {}", format.name()))
            .next("leave them out: this format fixes its columns")
            .into());
    }
    match format {
        SourceFormat::MovieLens => movielens::read(path),
        SourceFormat::MovieTweetings => movietweetings::read(path),
        SourceFormat::Amazon => amazon::read(path),
        SourceFormat::Steam => steam::read(path),
        SourceFormat::Csv => table::read(path, columns),
    }
}

/// The names of the files in a folder, sorted.
fn files_in(folder: &Path) -> Result<Vec<String>> {
    let entries = std::fs::read_dir(folder).map_err(Error::io(folder, "read"))?;
    let names: std::io::Result<Vec<String>> =
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect();
    let mut names = names.map_err(Error::io(folder, "read"))?;
    names.sort_unstable();
    Ok(names)
}

/// The error of a folder that lacks the files of its format.
fn not_the_files(folder: &Path, expected: &str, found: &[String]) -> Error {
    let found = if found.is_empty() { "an empty folder".to_owned() } else { super::input::quote(&found.join(", ")) };
    Error::bad_input(folder.display())
        .expected(expected)
        .found(found)
        .next("unpack the archive, and give the folder that holds these files")
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes the files of a fixture into a fresh folder and reads it.
    pub(super) fn read_files(format: SourceFormat, files: &[(&str, &[u8])]) -> Result<RawData> {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        read(format, folder.path(), &Columns::default())
    }

    /// The items and histories of a source, as text that is easy to compare: "key: title [categories] {attributes}" and
    /// "user: item@time …".
    pub(super) fn tell(raw: RawData) -> (Vec<String>, Vec<String>) {
        let (items, users, histories) = raw.into_parts();
        let told_histories = users.iter().zip(&histories).map(|(user, history)| {
            let events = history.iter().map(|e| format!(" {}@{}", items[e.item as usize].key, e.timestamp));
            format!("{user}:{}", events.collect::<String>())
        });
        let told_histories = told_histories.collect();
        let told_items = items.iter().map(|item| {
            format!("{}: {} [{}] {{{}}}", item.key, item.title, item.categories.join("|"), item.attributes.join("|"))
        });
        (told_items.collect(), told_histories)
    }

    #[test]
    fn column_flags_belong_to_csv() {
        let columns = Columns { user: Some("who".into()), ..Columns::default() };
        let error = read(SourceFormat::MovieLens, Path::new("."), &columns).unwrap_err();
        assert!(error.to_string().contains("--format csv"));
    }

    #[test]
    fn a_folder_without_the_files_of_its_format_is_refused_with_what_is_there() {
        for format in [
            SourceFormat::MovieLens,
            SourceFormat::MovieTweetings,
            SourceFormat::Amazon,
            SourceFormat::Steam,
            SourceFormat::Csv,
        ] {
            let error = read_files(format, &[("readme.txt", b"hello")]).unwrap_err();
            assert!(error.to_string().contains("readme.txt"), "{format:?}: {error}");
            assert_eq!(error.exit_code(), 2);
            let missing = read(format, Path::new("no/such/folder"), &Columns::default()).unwrap_err();
            assert_eq!(missing.exit_code(), 2, "{format:?}: {missing}");
        }
    }
}
