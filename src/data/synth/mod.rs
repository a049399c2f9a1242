//! Synthetic data: films and users for trying everything without a download.
//!
//! The generative model, from a seed:
//!
//! - **Films.** A genre is drawn by its weight, and a title from the words of that genre. One work in five is a series
//!   of two to five parts ("… II", "… III") that share genres and country and are one to three years apart. A film has
//!   its main genre and up to two neighbours of it in a ring of twelve. Recent years have more films; newer films cost
//!   more.
//! - **Popularity.** Works get a random rank r and the appeal 1 / (r + 20); a sequel has 4/5 of its predecessor's.
//! - **People.** Everyone has two favourite genres, a current genre and an era. After each film the genre stays (60 %),
//!   moves to the next in the ring (25 %) or returns to a favourite (15 %), and the era moves by a year, always the
//!   same way for one person until the years end. Lengths are geometric above 5.
//! - **Choice.** Where one of the last three films has a sequel not seen yet, that is next in 65 of 100 cases.
//!   Otherwise a film of the current genre is drawn in proportion to appeal × belonging to the genre × closeness to the
//!   era, among those not seen whose predecessor has been seen.
//!
//! So the order of a history predicts the next item (the sequel, the drift of genre and era), while popularity alone
//! predicts little: a sequential recommender has something to learn. All draws are integers from ChaCha8 and nothing
//! depends on the order of a hash map, so a seed gives the same bytes on every platform.

use serde::{Deserialize, Serialize};

use super::assemble::{ImportRules, assemble};
use super::dataset::Dataset;
use super::filter::KCore;
use super::raw::RawData;
use super::store::DatasetInfo;
use super::titles::{LONGEST_IN_CHARACTERS, truncate_title};
use crate::{Error, Result};

use super::rng::SeededRng;
use world::SynthWorld;

mod people;
mod titles;
mod words;
mod world;

/// The settings of a synthetic data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SynthConfig {
    /// Number of users.
    pub users: usize,
    /// Number of films.
    pub items: usize,
    /// Mean history length, at least 5.
    pub length: usize,
    /// Random seed; the same seed gives the same files.
    pub seed: u64,
}

impl Default for SynthConfig {
    fn default() -> Self {
        Self { users: 2000, items: 600, length: 20, seed: 7 }
    }
}

/// Limits: beyond them the titles run out (items) or the files become unwieldy (users).
const MOST_ITEMS: usize = 10_000;
const MOST_USERS: usize = 1_000_000;
const FEWEST_ITEMS: usize = 20;

/// Generates a data set. No filter is applied, so the numbers of users and items are exact.
///
/// # Errors
/// Sizes outside 1 to 1,000,000 users, 20 to 10,000 items, or a mean length of 5 to 100.
pub fn generate(settings: &SynthConfig, name: &str) -> Result<(Dataset, DatasetInfo)> {
    check("--users", settings.users, 1, MOST_USERS)?;
    check("--items", settings.items, FEWEST_ITEMS, MOST_ITEMS)?;
    check("--length", settings.length, 5, 100)?;
    let source = format!("invented by `tiller data synth`, seed {}", settings.seed);
    let mut raw = RawData::new(source, "CC0-1.0", &["year", "price", "country"]);
    let world = SynthWorld::generate(settings.items, &mut SeededRng::new(settings.seed, 0));
    world.write_items(&mut raw)?;
    people::write_histories(&world, settings.users, settings.length, &mut SeededRng::new(settings.seed, 1), &mut raw)?;
    let titles = format!("at most {LONGEST_IN_CHARACTERS} characters");
    assemble(raw, &ImportRules { name: name.to_owned(), core: KCore::OFF, shorten: &truncate_title, titles })
}

fn check(flag: &str, value: usize, least: usize, most: usize) -> Result<()> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(Error::bad_input(flag).expected(format!("{least} to {most}")).found(value).into())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::data::ItemId;
    use crate::data::split::{Split, held_out, training_items};
    use crate::data::stats::Stats;

    fn small() -> Dataset {
        generate(&SynthConfig::default(), "small").unwrap().0
    }

    #[test]
    fn a_world_has_the_sizes_asked_for_and_a_plausible_shape() {
        let stats = Stats::of(&small());
        assert_eq!((stats.users, stats.items, stats.categories.count), (2000, 600, 12));
        assert!((18.0..22.0).contains(&stats.lengths.mean), "{:?}", stats.lengths);
        assert!((0.25..0.7).contains(&stats.popularity.gini), "{:?}", stats.popularity);
        assert!(stats.attributes.iter().all(|attribute| attribute.items == 600));
        assert_eq!((stats.lengths.min, stats.categories.items_without), (5, 0));
    }

    #[test]
    fn another_seed_is_another_world() {
        let other = generate(&SynthConfig { seed: 8, ..SynthConfig::default() }, "other").unwrap().0;
        assert_ne!(small().catalogue.items(), other.catalogue.items());
    }

    /// The share of test targets among the ten items of highest score that the user has not seen.
    fn hit_rate(dataset: &Dataset, score: impl Fn(ItemId, ItemId) -> usize) -> f64 {
        let cases: Vec<_> = dataset.users.iter().filter_map(|user| held_out(user, Split::Test)).collect();
        let hits = cases.iter().filter(|case| {
            let last = case.history[case.history.len() - 1];
            let target = score(last, case.target);
            let better = dataset.catalogue.ids().filter(|id| !case.history.contains(id) && score(last, *id) > target);
            better.count() < 10
        });
        hits.count() as f64 / cases.len() as f64
    }

    #[test]
    fn the_order_of_a_history_tells_far_more_than_popularity() {
        let dataset = small();
        let (mut popularity, mut pairs) = (HashMap::new(), HashMap::new());
        for user in &dataset.users {
            let items = training_items(user);
            items.iter().for_each(|&item| *popularity.entry(item).or_insert(0_usize) += 1);
            items.windows(2).for_each(|pair| *pairs.entry((pair[0], pair[1])).or_insert(0_usize) += 1);
        }
        let popular = |_: ItemId, item: ItemId| popularity.get(&item).copied().unwrap_or(0);
        // Seen after the last item, and popular where nothing was.
        let following = |last, item| 10_000 * pairs.get(&(last, item)).copied().unwrap_or(0) + popular(last, item);
        let (by_popularity, by_order) = (hit_rate(&dataset, popular), hit_rate(&dataset, following));
        assert!(by_popularity > 0.02, "popularity counts for something: {by_popularity}");
        assert!(by_order > 3.0 * by_popularity, "order {by_order}, popularity {by_popularity}");
    }

    #[test]
    fn impossible_sizes_are_refused() {
        for settings in [
            SynthConfig { users: 0, ..SynthConfig::default() },
            SynthConfig { items: 19, ..SynthConfig::default() },
            SynthConfig { items: 10_001, ..SynthConfig::default() },
            SynthConfig { length: 4, ..SynthConfig::default() },
        ] {
            assert_eq!(generate(&settings, "x").unwrap_err().exit_code(), 2);
        }
        assert_eq!(
            generate(&SynthConfig { users: 1, items: 10_000, ..SynthConfig::default() }, "x")
                .unwrap()
                .0
                .catalogue
                .len(),
            10_000
        );
    }
}
