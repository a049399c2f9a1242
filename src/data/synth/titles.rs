//! Titles of synthetic films: every genre has a shuffled stock of all titles its words can form.

use super::words::{GENRES, Genre, places};
use crate::data::rng::SeededRng;

/// The numbers of the parts of a series behind its title; the first part has none.
const PARTS: [&str; 5] = ["", " II", " III", " IV", " V"];

/// The longest series, in parts.
pub(super) const LONGEST_SERIES: usize = PARTS.len();

/// The unused titles by genre.
pub(super) struct Titles(Vec<Vec<String>>);

impl Titles {
    /// Creates all titles of all genres in random order.
    pub(super) fn new(rng: &mut SeededRng) -> Self {
        let stocks = GENRES.iter().map(|genre| {
            let mut stock = all(genre);
            rng.shuffle(&mut stock);
            stock
        });
        Self(stocks.collect())
    }

    /// Takes the next title of a genre; `None` if none are left.
    pub(super) fn take(&mut self, genre: usize) -> Option<String> {
        self.0[genre].pop()
    }
}

/// The title of a part of a series; parts count from 0.
pub(super) fn part(title: &str, part: u64) -> String {
    format!("{title}{}", PARTS[part as usize])
}

/// Every title that a genre's words can make.
fn all(genre: &Genre) -> Vec<String> {
    let mut titles = Vec::new();
    for noun in genre.nouns() {
        for adjective in genre.adjectives() {
            titles.push(format!("The {adjective} {noun}"));
            titles.push(format!("{adjective} {noun}"));
        }
        titles.extend(places().map(|place| format!("The {noun} of {place}")));
        titles.extend(genre.nouns().filter(|&other| other != noun).map(|other| format!("The {noun} and the {other}")));
    }
    titles
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn all_titles_of_all_genres_differ() {
        let titles: Vec<String> = GENRES.iter().flat_map(all).collect();
        assert_eq!(titles.len(), 12 * 16 * (2 * 12 + 32 + 15));
        assert_eq!(titles.iter().collect::<HashSet<_>>().len(), titles.len());
        assert!(titles.iter().all(|title| title.is_ascii() && title.len() < 60));
    }
}
