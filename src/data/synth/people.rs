//! The users of a synthetic data set and their histories.

use super::words::GENRES;
use super::world::{SynthWorld, YEARS, film_key};
use crate::Result;
use crate::data::raw::RawData;
use crate::data::rng::SeededRng;
use crate::data::time::MICROS;
use crate::run::progress::Progress;

/// The shortest and the longest history.
const LENGTHS: (usize, usize) = (5, 200);
/// 2015-01-01, when the first may start; the last starts five years later.
const OPENING: i64 = 1_420_070_400;
const DAY: u64 = 86_400;

/// The probability in percent that a recently started series is continued.
const GOES_ON: u64 = 65;
/// The number of recent films whose sequels are candidates.
const MEMORY: usize = 3;
/// Weights of the next genre: the same again, the next in the ring, one of the two favourites.
const MOVES: [u64; 3] = [60, 25, 15];

/// A user's taste at one moment.
struct Taste {
    favourites: [usize; 2],
    genre: usize,
    /// The centre of the preferred years.
    era: i64,
    /// The drift of the era after each film: one year forward or back.
    drift: i64,
}

impl Taste {
    fn new(rng: &mut SeededRng) -> Self {
        let weights = GENRES.map(|genre| genre.weight);
        let mut genre = || rng.weighted(&weights).unwrap_or(0);
        let favourites = [genre(), genre()];
        let era = (YEARS.start() + rng.below(YEARS.end() - YEARS.start())) as i64;
        Self { favourites, genre: favourites[0], era, drift: if rng.chance(50) { 1 } else { -1 } }
    }

    /// Advances the taste by one film: along the ring of genres, and along the years, reversing at their ends.
    fn drift(&mut self, rng: &mut SeededRng) {
        self.genre = match rng.weighted(&MOVES) {
            Some(1) => (self.genre + 1) % GENRES.len(),
            Some(2) => *rng.pick(&self.favourites),
            _ => self.genre,
        };
        self.era += self.drift;
        if !YEARS.contains(&(self.era as u64)) {
            self.drift = -self.drift;
        }
    }

    /// The weight of a year: 17 at the centre of the era, half of that five years away, 1 far away.
    fn closeness(&self, year: u64) -> u64 {
        let distance = self.era.abs_diff(year as i64);
        1 + 400 / (25 + distance * distance)
    }
}

/// Adds the histories of `count` users to a raw source; `mean` is their mean length.
pub(super) fn write_histories(
    world: &SynthWorld,
    count: usize,
    mean: usize,
    rng: &mut SeededRng,
    raw: &mut RawData,
) -> Result<()> {
    let bar = Progress::start("generating", count as u64, "users");
    for person in (1..=count).inspect(|_| bar.advance(1)) {
        let mut time = OPENING + rng.below(5 * 365 * DAY) as i64;
        for film in history(world, length(mean, rng), rng) {
            raw.push_event(&format!("u{person}"), &film_key(film), Some(time * MICROS))?;
            time += (3600 + rng.below(10 * DAY)) as i64;
        }
    }
    Ok(())
}

/// Draws a length: geometric above the minimum.
fn length(mean: usize, rng: &mut SeededRng) -> usize {
    let (shortest, longest) = LENGTHS;
    let beyond = mean.saturating_sub(shortest) as u64;
    let mut length = shortest;
    while length < longest && rng.below(beyond + 1) > 0 {
        length += 1;
    }
    length
}

/// The films of one user in order; fewer than `length` if none are left.
fn history(world: &SynthWorld, length: usize, rng: &mut SeededRng) -> Vec<usize> {
    let mut taste = Taste::new(rng);
    let (mut watched, mut history) = (vec![false; world.films.len()], Vec::with_capacity(length));
    while history.len() < length {
        let Some(film) = next_film(world, &taste, &watched, &history, rng) else { break };
        watched[film] = true;
        history.push(film);
        taste.drift(rng);
    }
    history
}

fn next_film(
    world: &SynthWorld,
    taste: &Taste,
    watched: &[bool],
    history: &[usize],
    rng: &mut SeededRng,
) -> Option<usize> {
    let sequels = history.iter().rev().take(MEMORY).filter_map(|&film| world.films[film].sequel);
    let begun = sequels.into_iter().find(|&sequel| !watched[sequel]);
    if let Some(sequel) = begun.filter(|_| rng.chance(GOES_ON)) {
        return Some(sequel);
    }
    let genres = (0..GENRES.len()).map(|step| (taste.genre + step) % GENRES.len());
    genres.into_iter().find_map(|genre| {
        let members = &world.by_genre[genre];
        let weights: Vec<u64> = members
            .iter()
            .map(|&(index, belonging)| {
                let film = &world.films[index];
                let in_order = film.predecessor.is_none_or(|before| watched[before]);
                let open = in_order && !watched[index];
                if open { film.appeal * belonging * taste.closeness(film.year) } else { 0 }
            })
            .collect();
        Some(members[rng.weighted(&weights)?].0)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn nobody_watches_a_film_twice_or_a_sequel_too_early() {
        let world = SynthWorld::generate(200, &mut SeededRng::new(3, 0));
        let mut rng = SeededRng::new(3, 1);
        for _ in 0..100 {
            let history = history(&world, 40, &mut rng);
            assert_eq!(history.iter().collect::<HashSet<_>>().len(), history.len());
            for (at, &film) in history.iter().enumerate() {
                let before = world.films[film].predecessor;
                assert!(before.is_none_or(|before| history[..at].contains(&before)));
            }
        }
    }

    #[test]
    fn a_small_world_is_watched_to_its_end() {
        let world = SynthWorld::generate(12, &mut SeededRng::new(3, 0));
        assert_eq!(history(&world, 50, &mut SeededRng::new(1, 1)).len(), 12);
    }

    #[test]
    fn lengths_have_their_mean() {
        let mut rng = SeededRng::new(5, 0);
        let total: usize = (0..4000).map(|_| length(20, &mut rng)).sum();
        assert!((19..=21).contains(&(total / 4000)), "{total}");
        assert_eq!(length(1, &mut rng), 5);
    }

    #[test]
    fn eras_turn_round_at_the_ends_of_the_years() {
        let mut rng = SeededRng::new(9, 0);
        let mut taste = Taste { favourites: [0, 1], genre: 0, era: 2023, drift: 1 };
        for _ in 0..500 {
            taste.drift(&mut rng);
            assert!((1959..=2025).contains(&taste.era));
        }
        assert_eq!(Taste { era: 1990, ..taste }.closeness(1990), 17);
    }
}
