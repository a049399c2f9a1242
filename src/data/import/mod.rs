//! Importers, one file per source format. Each reads its files into a [`RawData`]; filters are applied later.

use std::path::Path;

use super::raw::{InteractionRules, RawData};
use crate::{Error, Result};

mod amazon;
mod dat;
mod literal;
mod log;
mod movielens;
mod movietweetings;
mod object;
mod recbole;
mod steam;
mod table;

pub use table::TableColumns;

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
    /// RecBole's atomic files.
    RecBole,
    /// Generic CSV.
    Csv,
}

impl SourceFormat {
    /// All formats.
    pub const ALL: [SourceFormat; 6] =
        [Self::MovieLens, Self::MovieTweetings, Self::Amazon, Self::Steam, Self::RecBole, Self::Csv];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::MovieLens => "movielens",
            Self::MovieTweetings => "movietweetings",
            Self::Amazon => "amazon",
            Self::Steam => "steam",
            Self::RecBole => "recbole",
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
                "A folder with Amazon reviews of one department, release 2014, 2018 or 2023: reviews and meta_*, .json, .jsonl or .gz of these"
            }
            Self::Steam => "A folder with the UCSD Steam files: steam_games and steam_reviews, .json or .json.gz",
            Self::RecBole => "A folder with RecBole's atomic files: NAME.inter and NAME.item",
            Self::Csv => {
                "A CSV file of interactions, with --items for a file of items; or a folder with items.csv and interactions.csv"
            }
        }
    }
}

/// The settings of reading a source.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ImportOptions {
    /// The columns of [`SourceFormat::Csv`].
    pub columns: TableColumns,
    /// The choice of interactions.
    pub rules: InteractionRules,
}

/// Reads a source. `options.columns` apply to [`SourceFormat::Csv`] only.
///
/// # Errors
/// A missing file, or a malformed line, with file and line.
pub fn read(format: SourceFormat, path: &Path, options: &ImportOptions) -> Result<RawData> {
    let ImportOptions { columns, rules } = options;
    if format != SourceFormat::Csv && *columns != TableColumns::default() {
        return Err(Error::bad_input("column flags")
            .expected("--format csv beside them")
            .found(format!("--format {}", format.name()))
            .next("leave them out: this format fixes its columns")
            .into());
    }
    if format == SourceFormat::Steam && rules.min_rating.is_some() {
        return Err(Error::bad_input("--min-rating")
            .expected("a format with ratings")
            .found("--format steam, which has none")
            .next("leave it out")
            .into());
    }
    if rules.min_rating.is_some_and(|least| !least.is_finite()) {
        return Err(Error::bad_input("--min-rating").expected("a number").found("none").next("--min-rating 4").into());
    }
    if format != SourceFormat::Csv && path.exists() && !path.is_dir() {
        return Err(Error::bad_input(path.display())
            .expected(format!("a folder with the files of --format {}", format.name()))
            .found("a file")
            .next("give the folder that holds it, or import a single file with --format csv")
            .into());
    }
    match format {
        SourceFormat::MovieLens => movielens::read(path, *rules),
        SourceFormat::MovieTweetings => movietweetings::read(path, *rules),
        SourceFormat::Amazon => amazon::read(path, *rules),
        SourceFormat::Steam => steam::read(path, *rules),
        SourceFormat::RecBole => recbole::read(path, *rules),
        SourceFormat::Csv => table::read(path, columns, *rules),
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

/// The file of the name `name`, or that name with ".gz" behind it, if it is among `files`.
fn named_file(files: &[String], name: &str) -> Option<String> {
    let packed = format!("{name}.gz");
    files.iter().find(|file| *file == name).or_else(|| files.iter().find(|file| **file == packed)).cloned()
}

/// The error of a folder that lacks the files of its format.
fn not_the_files(folder: &Path, expected: &str, found: &[String]) -> Error {
    let archive =
        found.iter().find(|name| [".zip", ".tar", ".tar.gz", ".tgz", ".7z"].iter().any(|end| name.ends_with(end)));
    let found = if found.is_empty() { "an empty folder".to_owned() } else { super::input::quote(&found.join(", ")) };
    Error::bad_input(folder.display())
        .expected(expected)
        .found(found)
        .next(match archive {
            Some(archive) => {
                format!("unpack {}, and give the folder that holds these files", super::input::quote(archive))
            }
            None => "give the folder that holds these files".to_owned(),
        })
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::time::MICROS;

    /// Writes the files of a fixture into a fresh folder and reads it.
    pub(super) fn read_files(format: SourceFormat, files: &[(&str, &[u8])]) -> Result<RawData> {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        read(format, folder.path(), &ImportOptions::default())
    }

    /// The items and histories of a source, as text that is easy to compare: "key: title [categories] {attributes}" and
    /// "user: item@time …".
    pub(super) fn tell(raw: RawData) -> (Vec<String>, Vec<String>) {
        let (items, users, histories) = raw.into_parts();
        let told_histories = users.iter().zip(&histories).map(|(user, history)| {
            let events = history.iter().map(|e| format!(" {}@{}", items[e.item as usize].key, e.time / MICROS));
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
        let columns = TableColumns { user: Some("who".into()), ..TableColumns::default() };
        let options = ImportOptions { columns, ..ImportOptions::default() };
        let error = read(SourceFormat::MovieLens, Path::new("."), &options).unwrap_err();
        assert!(error.to_string().contains("--format csv"));
        let rules = InteractionRules { min_rating: Some(4.0), ..InteractionRules::default() };
        let options = ImportOptions { rules, ..ImportOptions::default() };
        let error = read(SourceFormat::Steam, Path::new("."), &options).unwrap_err();
        assert!(error.to_string().contains("--format steam, which has none"));
    }

    #[test]
    fn a_file_is_no_folder_and_an_archive_is_to_be_unpacked() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for format in SourceFormat::ALL.into_iter().filter(|format| *format != SourceFormat::Csv) {
            let error = read(format, file.path(), &ImportOptions::default()).unwrap_err();
            assert!(error.to_string().contains("expected a folder with the files of"), "{error}");
            assert_eq!(error.exit_code(), 2);
        }
        let packed = read_files(SourceFormat::MovieLens, &[("ml-1m.zip", b"PK")]).unwrap_err().to_string();
        assert!(packed.contains("next: unpack \"ml-1m.zip\""), "{packed}");
    }

    #[test]
    fn a_folder_without_the_files_of_its_format_is_refused_with_what_is_there() {
        for format in [
            SourceFormat::MovieLens,
            SourceFormat::MovieTweetings,
            SourceFormat::Amazon,
            SourceFormat::Steam,
            SourceFormat::RecBole,
            SourceFormat::Csv,
        ] {
            let error = read_files(format, &[("readme.txt", b"hello")]).unwrap_err();
            assert!(error.to_string().contains("readme.txt"), "{format:?}: {error}");
            assert_eq!(error.exit_code(), 2);
            let missing = read(format, Path::new("no/such/folder"), &ImportOptions::default()).unwrap_err();
            assert_eq!(missing.exit_code(), 2, "{format:?}: {missing}");
        }
    }
}
