//! The films of a synthetic data set.

use super::titles::{LONGEST_SERIES, Titles, part};
use super::words::{COUNTRIES, GENRES};
use crate::Result;
use crate::data::raw::{RawData, RawItem};
use crate::data::rng::SeededRng;

/// The first and the last year of a film.
pub(super) const YEARS: std::ops::RangeInclusive<u64> = 1960..=2024;

/// The scale of popularity: the work of rank r has this / (r + 20).
const TOP_APPEAL: u64 = 1_000_000;

/// Numbers of works with one part, two parts, and so on, among 100 works.
const PARTS: [u64; LONGEST_SERIES] = [80, 10, 6, 3, 1];

/// One film.
pub(super) struct Film {
    pub(super) title: String,
    /// Positions in [`GENRES`]; the main genre is last, as the deepest category (method §1.2).
    pub(super) genres: Vec<usize>,
    pub(super) year: u64,
    pub(super) cents: u64,
    pub(super) country: &'static str,
    /// Its popularity weight.
    pub(super) appeal: u64,
    /// The previous part, which every user watches first.
    pub(super) predecessor: Option<usize>,
    /// The part after this one.
    pub(super) sequel: Option<usize>,
}

/// All films, with an index by genre.
pub(super) struct SynthWorld {
    pub(super) films: Vec<Film>,
    /// The films of each genre with their weights: 3 for the main genre, 1 otherwise.
    pub(super) by_genre: Vec<Vec<(usize, u64)>>,
}

impl SynthWorld {
    /// Generates `count` films, or as many as there are titles.
    pub(super) fn generate(count: usize, rng: &mut SeededRng) -> Self {
        let mut titles = Titles::new(rng);
        let weights = GENRES.map(|genre| genre.weight);
        let mut films: Vec<Film> = Vec::with_capacity(count);
        let mut works = Vec::new();
        while films.len() < count {
            let Some((genre, title)) = next_title(&mut titles, &weights, rng) else { break };
            let parts = 1 + rng.weighted(&PARTS).unwrap_or(0);
            let parts = parts.min(count - films.len()) as u64;
            works.push((films.len(), parts));
            push_work(&mut films, &title, genre, parts, rng);
        }
        rank(&mut films, works, rng);
        let by_genre = (0..GENRES.len()).map(|genre| members(&films, genre)).collect();
        Self { films, by_genre }
    }

    /// Adds the films to a raw source, with the attributes year, price and country.
    pub(super) fn write_items(&self, raw: &mut RawData) -> Result<()> {
        for (index, film) in self.films.iter().enumerate() {
            raw.push_item(RawItem {
                key: film_key(index),
                title: film.title.clone(),
                categories: film.genres.iter().map(|&genre| GENRES[genre].name.to_owned()).collect(),
                attributes: vec![
                    film.year.to_string(),
                    format!("{}.{:02}", film.cents / 100, film.cents % 100),
                    film.country.to_owned(),
                ],
            })?;
        }
        Ok(())
    }
}

/// The key of a film in the data set.
pub(super) fn film_key(index: usize) -> String {
    format!("f{}", index + 1)
}

/// Draws a genre and an unused title of it; a genre without titles is replaced by the next in the ring.
fn next_title(titles: &mut Titles, weights: &[u64], rng: &mut SeededRng) -> Option<(usize, String)> {
    let first = rng.weighted(weights)?;
    (0..GENRES.len()).map(|step| (first + step) % GENRES.len()).find_map(|genre| Some((genre, titles.take(genre)?)))
}

/// Adds a film, or the parts of a series that share genres and country and follow each other in time.
fn push_work(films: &mut Vec<Film>, title: &str, genre: usize, parts: u64, rng: &mut SeededRng) {
    let genres = mixed_with_neighbours(genre, rng);
    let country = COUNTRIES[rng.weighted(&COUNTRIES.map(|(_, weight)| weight)).unwrap_or(0)].0;
    let span = YEARS.end() - YEARS.start() + 1;
    // The later of two draws: recent years have more films.
    let drawn = YEARS.start() + rng.below(span).max(rng.below(span));
    let mut year = drawn.min(YEARS.end() - 3 * (parts - 1));
    for number in 0..parts {
        let predecessor = (number > 0).then(|| films.len() - 1);
        let sequel = (number + 1 < parts).then_some(films.len() + 1);
        let cents = 199 + 100 * (rng.below(6) + year.saturating_sub(1980) / 10);
        films.push(Film {
            title: part(title, number),
            genres: genres.clone(),
            year,
            cents,
            country,
            appeal: 0,
            predecessor,
            sequel,
        });
        year += 1 + rng.below(3);
    }
}

/// Up to two neighbours of the genre in the ring, then the genre itself.
fn mixed_with_neighbours(genre: usize, rng: &mut SeededRng) -> Vec<usize> {
    let ring = GENRES.len();
    let mut neighbours = [(genre + 1) % ring, (genre + ring - 1) % ring];
    rng.shuffle(&mut neighbours);
    let count = rng.weighted(&[35, 45, 20]).unwrap_or(0);
    neighbours.into_iter().take(count).chain([genre]).collect()
}

/// Assigns each work a popularity by random rank (Zipf's law, flattened at the top); a sequel has 4/5 of its
/// predecessor's.
fn rank(films: &mut [Film], mut works: Vec<(usize, u64)>, rng: &mut SeededRng) {
    rng.shuffle(&mut works);
    for (rank, (first, parts)) in works.into_iter().enumerate() {
        let mut appeal = TOP_APPEAL / (rank as u64 + 20);
        for film in &mut films[first..first + parts as usize] {
            film.appeal = appeal;
            appeal = appeal * 4 / 5;
        }
    }
}

fn members(films: &[Film], genre: usize) -> Vec<(usize, u64)> {
    let with_index = films.iter().enumerate().filter(|(_, film)| film.genres.contains(&genre));
    with_index.map(|(index, film)| (index, if film.genres.last() == Some(&genre) { 3 } else { 1 })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_follow_each_other_in_time_and_share_what_they_are() {
        let world = SynthWorld::generate(600, &mut SeededRng::new(7, 0));
        assert_eq!(world.films.len(), 600);
        let sequels: Vec<_> = world.films.iter().filter(|film| film.predecessor.is_some()).collect();
        assert!(sequels.len() > 100, "{}", sequels.len());
        for film in sequels {
            let before = &world.films[film.predecessor.unwrap()];
            assert!(film.year > before.year && film.genres == before.genres && film.country == before.country);
            assert!(film.title.starts_with(&before.title[..8]) && film.title.ends_with(['I', 'V']));
        }
        assert!(world.films.iter().all(|film| YEARS.contains(&film.year) && film.appeal > 0));
        assert!(world.films.iter().all(|film| (1..=3).contains(&film.genres.len())));
    }

    #[test]
    fn words_run_out_without_harm() {
        let world = SynthWorld::generate(100_000, &mut SeededRng::new(1, 0));
        assert!((12_000..100_000).contains(&world.films.len()));
    }
}
