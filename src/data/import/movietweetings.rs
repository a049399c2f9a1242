//! MovieTweetings (Dooms, De Pessemier and Martens, CrowdRec at RecSys 2013): ratings that people tweeted.

use std::path::Path;

use super::dat::{Encoding, read_movies, read_ratings};
use super::{files_in, not_the_files};
use crate::Result;
use crate::data::raw::{InteractionRules, RawData};

/// Reads `movies.dat` and `ratings.dat` of a MovieTweetings folder.
pub(super) fn read(folder: &Path, rules: InteractionRules) -> Result<RawData> {
    let files = files_in(folder)?;
    if !["movies.dat", "ratings.dat"].iter().all(|needed| files.iter().any(|file| file == needed)) {
        return Err(not_the_files(folder, "movies.dat and ratings.dat", &files));
    }
    let mut raw = RawData::new("MovieTweetings: movies.dat, ratings.dat", "MIT", &["year"]);
    raw.rules = rules;
    read_movies(&folder.join("movies.dat"), Encoding::Utf8, &mut raw)?;
    read_ratings(&folder.join("ratings.dat"), &mut raw)?;
    Ok(raw)
}

#[cfg(test)]
mod tests {
    use crate::data::import::SourceFormat;
    use crate::data::import::tests::{read_files, tell};

    const RATINGS: &[u8] = b"1::0000002::8::20\n2::0000001::0::10\n1::0000001::9::5\n";

    #[test]
    fn films_and_ratings_are_read() {
        let movies = "0000001::L'été :: suite (1913)::Crime|Drama\r\n0000002::Untold::\r\n".as_bytes();
        let raw =
            read_files(SourceFormat::MovieTweetings, &[("movies.dat", movies), ("ratings.dat", RATINGS)]).unwrap();
        assert_eq!(raw.licence, "MIT");
        let (items, histories) = tell(raw);
        assert_eq!(items, ["0000001: L'été :: suite (1913) [Crime|Drama] {1913}", "0000002: Untold [] {}"]);
        assert_eq!(histories, ["1: 0000002@20 0000001@5", "2: 0000001@10"]);
    }

    #[test]
    fn damaged_lines_are_named() {
        for (movies, ratings, expected) in [
            (&b"1::A::B\n\xff::C::D"[..], RATINGS, "movies.dat line 2: expected UTF-8"),
            (b"1::A", RATINGS, "movies.dat line 1: expected id::title::genres"),
            (b"1::A::B", b"1::1::5::1\n1::1::5", "ratings.dat line 2: expected user::item::rating::timestamp"),
            (b"1::A::B", b"1::1::5::1::9", "ratings.dat line 1: expected user::item::rating::timestamp"),
            (b"1::A::B", b"1::1::5::soon", "ratings.dat line 1: expected a timestamp"),
        ] {
            let error = read_files(SourceFormat::MovieTweetings, &[("movies.dat", movies), ("ratings.dat", ratings)]);
            let message = error.unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
