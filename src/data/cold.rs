//! Cold items (`tiller data split --cold`): items that no training interaction has, so that a recommender knows them by
//! title and categories alone.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::dataset::{Dataset, ItemId, User};
use super::rng::SeededRng;
use super::split::training_items;
use crate::{Error, Result};

/// The shortest history with a training, a validation and a test item.
const SHORTEST: usize = 3;

/// A choice of cold items and what it removed.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ColdSplit {
    /// The share of the items with interactions that are cold.
    pub share: f64,
    /// The seed of the choice.
    pub seed: u64,
    /// The number of cold items.
    pub items: usize,
    /// Training interactions removed.
    pub interactions: usize,
    /// Users removed because too little of their history was left.
    pub users: usize,
    /// Validation and test targets that are cold.
    pub targets: usize,
}

/// Makes a share of the items cold: their training interactions are removed, and they remain as validation and test
/// targets. The catalogue keeps every item. Users with fewer than three items left are removed.
///
/// # Errors
/// A share outside 0 to 1, both excluded, or one that leaves no item cold or no user.
pub fn cold_split(dataset: &Dataset, share: f64, seed: u64) -> Result<(Dataset, ColdSplit)> {
    if !(share > 0.0 && share < 1.0) {
        return Err(refused(share, "a share between 0 and 1"));
    }
    let cold = choose(dataset, share, seed);
    if cold.is_empty() {
        return Err(refused(share, "a share that makes at least one item cold"));
    }
    let warmed: Vec<User> = dataset.users.iter().map(|user| without(user, &cold)).collect();
    let (kept, short): (Vec<User>, Vec<User>) = warmed.into_iter().partition(|user| user.items.len() >= SHORTEST);
    if kept.is_empty() {
        return Err(refused(share, "a share that leaves users with three items or more"));
    }
    let training = |users: &[User]| users.iter().map(|user| training_items(user).len()).sum::<usize>();
    let targets = kept.iter().flat_map(|user| &user.items[training_items(user).len()..]);
    let split = ColdSplit {
        share,
        seed,
        items: cold.len(),
        interactions: training(&dataset.users) - training(&kept),
        users: short.len(),
        targets: targets.filter(|item| cold.contains(item)).count(),
    };
    let dataset = Dataset { name: dataset.name.clone(), catalogue: dataset.catalogue.clone(), users: kept };
    Ok((dataset, split))
}

/// Draws the cold items among those that anybody took, in the order of ids.
fn choose(dataset: &Dataset, share: f64, seed: u64) -> HashSet<ItemId> {
    let taken: HashSet<ItemId> = dataset.users.iter().flat_map(|user| &user.items).copied().collect();
    let taken: Vec<ItemId> = dataset.catalogue.ids().filter(|id| taken.contains(id)).collect();
    let count = (share * taken.len() as f64).round() as usize;
    SeededRng::new(seed, 0).sample(taken, count).into_iter().collect()
}

/// The user without cold items in the training part.
fn without(user: &User, cold: &HashSet<ItemId>) -> User {
    let training = training_items(user).len();
    let stays = |(at, item): (usize, &ItemId)| at >= training || !cold.contains(item);
    let kept: Vec<usize> = user.items.iter().enumerate().filter(|&pair| stays(pair)).map(|(at, _)| at).collect();
    User {
        key: user.key.clone(),
        items: kept.iter().map(|&at| user.items[at]).collect(),
        timestamps: kept.iter().map(|&at| user.timestamps[at]).collect(),
    }
}

fn refused(share: f64, expected: &str) -> Error {
    Error::bad_input("--cold").expected(expected).found(share).next("--cold 0.1 makes a tenth of the items cold").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::synth::{SynthConfig, generate};

    fn world() -> Dataset {
        generate(&SynthConfig { users: 200, items: 80, ..SynthConfig::default() }, "world").unwrap().0
    }

    #[test]
    fn cold_items_are_in_no_training_part_and_remain_as_targets() {
        let world = world();
        let (split, counts) = cold_split(&world, 0.25, 7).unwrap();
        let trained: HashSet<ItemId> = split.users.iter().flat_map(training_items).copied().collect();
        let cold: HashSet<ItemId> = choose(&world, 0.25, 7);
        assert_eq!((counts.items, cold.len()), (20, 20));
        assert!(trained.is_disjoint(&cold));
        assert_eq!(split.catalogue.fingerprint(), world.catalogue.fingerprint());
        assert!(counts.targets > 0 && counts.interactions > 0);
        for user in &split.users {
            let before = world.user(&user.key).unwrap();
            assert_eq!(user.items[user.items.len() - 2..], before.items[before.items.len() - 2..]);
            assert_eq!(user.timestamps.len(), user.items.len());
        }
        assert_eq!(split.users.len() + counts.users, world.users.len());
    }

    #[test]
    fn a_seed_decides_the_choice() {
        let world = world();
        assert_eq!(choose(&world, 0.1, 1), choose(&world, 0.1, 1));
        assert_ne!(choose(&world, 0.1, 1), choose(&world, 0.1, 2));
    }

    #[test]
    fn shares_that_leave_nothing_are_refused() {
        for share in [0.0, 1.0, -0.1, f64::NAN, 0.001] {
            assert_eq!(cold_split(&world(), share, 1).unwrap_err().exit_code(), 2, "{share}");
        }
    }
}
