//! The `::` files that MovieLens 1M and 10M and MovieTweetings share.

use std::path::Path;

use crate::data::input::{InputLine, LineReader, quote};
use crate::data::raw::{RawData, RawInteraction, RawItem};
use crate::data::titles::year_of;
use crate::{Error, Result};

/// The character encoding of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// UTF-8; anything else is an error.
    Utf8,
    /// UTF-8 if a line is valid UTF-8, otherwise Latin-1: MovieLens changed its encoding between releases.
    Utf8OrLatin1,
}

/// Reads `id::title (year)::genre|genre`.
pub(super) fn read_movies(path: &Path, encoding: Encoding, raw: &mut RawData) -> Result<()> {
    let mut lines = LineReader::open(path)?;
    while let Some(line) = lines.next_line()? {
        let text = match encoding {
            Encoding::Utf8 => line.utf8()?.into(),
            Encoding::Utf8OrLatin1 => line.utf8_or_latin1(),
        };
        // The title itself may hold `::`, so it is what lies between the first and the last.
        let parts = text.split_once("::").and_then(|(key, rest)| Some((key, rest.rsplit_once("::")?)));
        let (key, (title, genres)) = parts.ok_or_else(|| malformed(&line, "id::title::genres", &text))?;
        raw.push_item(film(key, title, genres.split('|')))?;
    }
    Ok(())
}

/// Reads `user::item::rating::time`.
pub(super) fn read_ratings(path: &Path, raw: &mut RawData) -> Result<()> {
    read_fields(path, "::", "user::item::rating::timestamp", raw)
}

/// Reads ratings of four fields between separators.
pub(super) fn read_fields(path: &Path, separator: &str, form: &str, raw: &mut RawData) -> Result<()> {
    let mut lines = LineReader::open(path)?;
    while let Some(line) = lines.next_line()? {
        let text = line.utf8()?;
        let mut fields = text.split(separator);
        let (Some(user), Some(item), Some(rating), Some(time), None) =
            (fields.next(), fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(malformed(&line, form, text));
        };
        raw.push_interaction(RawInteraction { user, item, rating, time }, || line.place())?;
    }
    Ok(())
}

/// A film whose only attribute is the year of its title.
pub(super) fn film<'a>(key: &str, title: &str, genres: impl Iterator<Item = &'a str>) -> RawItem {
    let genres = genres.map(str::trim).filter(|genre| !genre.is_empty() && *genre != "(no genres listed)");
    RawItem {
        key: key.to_owned(),
        title: title.to_owned(),
        categories: genres.map(str::to_owned).collect(),
        attributes: vec![year_of(title).map_or_else(String::new, |year| year.to_string())],
    }
}

/// The error of a line that does not have the form of its file.
pub(super) fn malformed(line: &InputLine, form: &str, found: &str) -> Error {
    Error::bad_input(line.place()).expected(form).found(quote(found)).into()
}
