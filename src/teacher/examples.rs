//! The training examples of a teacher.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use tiller_models::sasrec::SasRecExample;

use crate::data::Dataset;
use crate::data::split::training_items;

/// Every training item of every user, each with all that the user took before it; the first has an empty history
/// (method §2.2).
pub struct TeacherExamples {
    /// Each user's training items, oldest first.
    sequences: Vec<Vec<u32>>,
    /// The position of each example's target: user, place.
    targets: Vec<(u32, u32)>,
}

impl TeacherExamples {
    /// The examples of a data set, user by user.
    pub fn of(dataset: &Dataset) -> Self {
        let items = |user| training_items(user).iter().map(|item| item.0).collect::<Vec<_>>();
        let sequences: Vec<Vec<u32>> = dataset.users.iter().map(items).collect();
        let places = |(user, items): (usize, &Vec<u32>)| (0..items.len() as u32).map(move |place| (user as u32, place));
        let targets = sequences.iter().enumerate().flat_map(places).collect();
        Self { sequences, targets }
    }

    /// Returns the number of examples.
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Returns true where no user has a training item.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// All examples in the order of an epoch, which follows from the seed and the epoch's number alone.
    pub fn shuffled(&self, seed: u64, epoch: u32) -> Vec<SasRecExample<'_>> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(epoch.into());
        let mut order = self.targets.clone();
        order.shuffle(&mut rng);
        order.into_iter().map(|(user, place)| self.example(user as usize, place as usize)).collect()
    }

    fn example(&self, user: usize, place: usize) -> SasRecExample<'_> {
        let items = &self.sequences[user];
        SasRecExample { history: &items[..place], target: items[place] }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::data::{Catalogue, ItemId, User};

    #[test]
    fn every_training_item_is_a_target_once_per_epoch_and_the_held_out_never() {
        let user = |items: &[u32]| User {
            key: String::new(),
            items: items.iter().copied().map(ItemId).collect(),
            timestamps: vec![0; items.len()],
        };
        let users = vec![user(&[1, 2, 3, 4, 5]), user(&[6, 7]), user(&[8, 9, 10, 11])];
        let examples = TeacherExamples::of(&Dataset { name: String::new(), catalogue: Catalogue::default(), users });
        let of = |seed, epoch| {
            let seen = |example: SasRecExample| (example.history.to_vec(), example.target);
            examples.shuffled(seed, epoch).into_iter().map(seen).collect::<Vec<_>>()
        };
        let expected: BTreeSet<_> =
            [(vec![], 1), (vec![1], 2), (vec![1, 2], 3), (vec![], 8), (vec![8], 9)].into_iter().collect();
        assert_eq!(examples.len(), expected.len());
        assert_eq!(of(1, 0).into_iter().collect::<BTreeSet<_>>(), expected);
        assert_eq!(of(1, 4), of(1, 4));
        assert!((0..9).any(|epoch| of(1, epoch) != of(1, epoch + 1)));
        assert!((0..9).any(|seed| of(seed, 0) != of(seed + 1, 0)));
    }
}
