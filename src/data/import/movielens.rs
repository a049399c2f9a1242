//! MovieLens (Harper and Konstan, TiiS 2015) in the three layouts of its releases.

use std::path::Path;

use super::dat::{Encoding, film, malformed, read_fields, read_movies, read_ratings};
use super::log::LogColumns;
use super::{files_in, named_file, not_the_files};
use crate::Result;
use crate::data::csv_file::{CsvColumn, CsvFile};
use crate::data::input::LineReader;
use crate::data::raw::{InteractionRules, RawData};

/// A release's ratings file, its films file, and how both are read.
type Layout = (&'static str, &'static str, fn(&Path, &Path, &mut RawData) -> Result<()>);

const LAYOUTS: [Layout; 3] = [
    ("ratings.csv", "movies.csv", read_csv),
    ("u.data", "u.item", read_100k),
    ("ratings.dat", "movies.dat", |ratings, movies, raw| {
        read_movies(movies, Encoding::Utf8OrLatin1, raw)?;
        read_ratings(ratings, raw)
    }),
];

/// The genres whose flags end a line of u.item, in its order; the first means that no genre is known.
const GENRES: [&str; 19] = [
    "",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
];

/// Reads a MovieLens folder; the files in it tell which layout it has.
pub(super) fn read(folder: &Path, rules: InteractionRules) -> Result<RawData> {
    let files = files_in(folder)?;
    let found =
        |(ratings, movies, read): &Layout| Some((named_file(&files, ratings)?, named_file(&files, movies)?, *read));
    let Some((ratings, movies, read)) = LAYOUTS.iter().find_map(found) else {
        return Err(not_the_files(
            folder,
            "ratings.csv and movies.csv, u.data and u.item, or ratings.dat and movies.dat",
            &files,
        ));
    };
    let licence = "MovieLens terms of use (GroupLens): no commercial use without permission, no redistribution";
    let mut raw = RawData::new(format!("MovieLens: {movies}, {ratings}"), licence, &["year"]);
    raw.rules = rules;
    read(&folder.join(ratings), &folder.join(movies), &mut raw)?;
    Ok(raw)
}

/// Reads `movieId,title,genres` and `userId,movieId,rating,timestamp`.
fn read_csv(ratings: &Path, movies: &Path, raw: &mut RawData) -> Result<()> {
    let mut file = CsvFile::open(movies)?;
    let [key, title, genres] = [file.column("movieId")?, file.column("title")?, file.column("genres")?];
    while let Some(row) = file.next_row()? {
        raw.push_item(film(row.get(key), row.get(title), row.get(genres).split('|')))?;
    }
    let mut file = CsvFile::open(ratings)?;
    let [user, item, rating] = ["userId", "movieId", "rating"].map(CsvColumn::fixed);
    let time = CsvColumn { holds_times: true, ..CsvColumn::fixed("timestamp") };
    let columns = LogColumns { user, item, rating, time }.find(&file, raw.rules)?;
    while let Some(row) = file.next_row()? {
        raw.push_interaction(columns.interaction(&row), || row.place())?;
    }
    Ok(())
}

/// Reads `id|title|release|video release|address|19 genre flags` and tab-separated ratings.
fn read_100k(ratings: &Path, movies: &Path, raw: &mut RawData) -> Result<()> {
    let mut lines = LineReader::open(movies)?;
    while let Some(line) = lines.next_line()? {
        let text = line.utf8_or_latin1();
        let fields: Vec<&str> = text.split('|').collect();
        let [key, title, _release, _video, _address, flags @ ..] = fields.as_slice() else {
            return Err(malformed(&line, "24 fields between `|`", &text));
        };
        if flags.len() != GENRES.len() || flags.iter().any(|flag| !["0", "1"].contains(&flag.trim())) {
            return Err(malformed(&line, "five fields and 19 flags (0 or 1) between `|`", &text));
        }
        let genres = flags.iter().zip(GENRES).filter(|(flag, _)| flag.trim() == "1").map(|(_, genre)| genre);
        raw.push_item(film(key, title, genres))?;
    }
    read_fields(ratings, "\t", "user, item, rating and timestamp between tabs", raw)
}

#[cfg(test)]
mod tests {
    use crate::data::import::SourceFormat::MovieLens;
    use crate::data::import::tests::{read_files, tell};

    #[test]
    fn the_csv_layout() {
        let movies = "movieId,title,genres\n1,\"Été, L' (1999)\",Comedy|Drama\n2,Bare,(no genres listed)\n".as_bytes();
        let ratings = b"userId,movieId,rating,timestamp\n7,2,4.0,964982703\n7,1,0.5,964982224\n";
        let (items, histories) =
            tell(read_files(MovieLens, &[("movies.csv", movies), ("ratings.csv", ratings)]).unwrap());
        assert_eq!(items, ["1: Été, L' (1999) [Comedy|Drama] {1999}", "2: Bare [] {}"]);
        assert_eq!(histories, ["7: 2@964982703 1@964982224"]);
    }

    #[test]
    fn ids_that_went_through_a_table_of_numbers_are_joined() {
        let movies = b"movieId,title,genres\n1,One (1990) (TV),Drama\n";
        let ratings = b"userId,movieId,rating,timestamp\n7.0,1.0,4.0,11\n";
        let (items, histories) =
            tell(read_files(MovieLens, &[("movies.csv", movies), ("ratings.csv", ratings)]).unwrap());
        assert_eq!((items[0].as_str(), histories), ("1: One (1990) (TV) [Drama] {1990}", vec!["7: 1@11".to_owned()]));
    }

    #[test]
    fn ratings_without_times_are_refused_with_a_way_on() {
        let files = [
            ("movies.csv", &b"movieId,title,genres\n1,One,Drama\n"[..]),
            ("ratings.csv", b"userId,movieId,rating\n1,1,4\n"),
        ];
        let message = read_files(MovieLens, &files).unwrap_err().to_string();
        assert!(message.contains("no column of times\n  next: `--missing-time file-order`"), "{message}");
    }

    #[test]
    fn the_100k_layout_is_latin1_with_flags() {
        let item = |id: &str, title: &[u8], flags: &str| {
            [id.as_bytes(), b"|", title, b"|01-Jan-1995||http://x/|", flags.as_bytes(), b"\n"].concat()
        };
        let movies = [
            item("1", b"Caf\xe9 (1995)", "0|1|0|0|0|1|0|0|0|0|0|0|0|0|0|0|0|0|1"),
            item("2", b"unknown", "1|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0"),
        ]
        .concat();
        let ratings = b"196\t2\t3\t881250949\n196\t1\t3\t881250950\n";
        let (items, histories) = tell(read_files(MovieLens, &[("u.item", &movies), ("u.data", ratings)]).unwrap());
        assert_eq!(items, ["1: Café (1995) [Action|Comedy|Western] {1995}", "2: unknown [] {}"]);
        assert_eq!(histories, ["196: 2@881250949 1@881250950"]);
    }

    #[test]
    fn the_dat_layout_is_latin1_or_utf8() {
        let movies = ["1::Café (1998)::Drama\n".as_bytes(), b"2::Caf\xe9 (1999)::Drama\n"].concat();
        let ratings = b"1::2::5::978300760\n";
        let (items, _) = tell(read_files(MovieLens, &[("movies.dat", &movies), ("ratings.dat", ratings)]).unwrap());
        assert_eq!(items, ["1: Café (1998) [Drama] {1998}", "2: Café (1999) [Drama] {1999}"]);
    }

    #[test]
    fn damaged_lines_are_named() {
        let ratings = &b"1\t1\t3\t881250949\n"[..];
        for (item, data, expected) in [
            (&b"1|A|||\n"[..], ratings, "u.item line 1: expected five fields and 19 flags"),
            (b"1|A\n", ratings, "u.item line 1: expected 24 fields"),
            (b"1|A||||0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|2\n", ratings, "u.item line 1: expected five fields"),
            (b"\n", b"1 1 3 881250949\n", "u.data line 1: expected user, item, rating"),
        ] {
            let message = read_files(MovieLens, &[("u.item", item), ("u.data", data)]).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
