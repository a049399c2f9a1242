//! A teacher that is wrong now and then, to see how much of its truth tuning needs.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::Result;
use crate::data::ItemId;
use crate::data::rng::SeededRng;
use crate::teacher::Scorer;

/// A scorer of whose items some are scored by chance.
///
/// Such an item gets the score of a random one, and so a random rank: among the best of all items, and of every kind of them, about as
/// many in a hundred are there by chance. Which ones depends on the history and the seed alone.
#[derive(Debug, Clone, Copy)]
pub struct NoisyScorer<'a, S> {
    /// The scorer itself.
    pub scorer: &'a S,
    /// In how many of a hundred items chance decides.
    pub percent: u64,
    /// Decides which, and how.
    pub seed: u64,
}

impl<S: Scorer> Scorer for NoisyScorer<'_, S> {
    fn n_items(&self) -> usize {
        self.scorer.n_items()
    }

    fn answer<T: Send>(&self, histories: &[&[ItemId]], answer: impl Fn(usize, &[f32]) -> T + Sync) -> Result<Vec<T>> {
        self.scorer.answer(histories, |at, scores| {
            if self.percent == 0 {
                return answer(at, scores);
            }
            let mut hasher = DefaultHasher::new();
            histories[at].hash(&mut hasher);
            let mut rng = SeededRng::from_key([self.seed, hasher.finish(), 0, 0], 0);
            let noisy: Vec<f32> =
                scores.iter().map(|&score| if rng.chance(self.percent) { *rng.pick(scores) } else { score }).collect();
            answer(at, &noisy)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::order::top_k;

    /// Item n has score −n, whatever the history.
    struct Descending;

    impl Scorer for Descending {
        fn n_items(&self) -> usize {
            500
        }

        fn answer<T: Send>(
            &self,
            histories: &[&[ItemId]],
            answer: impl Fn(usize, &[f32]) -> T + Sync,
        ) -> Result<Vec<T>> {
            let scores: Vec<f32> = (1..=500).map(|n| -(n as f32)).collect();
            Ok((0..histories.len()).map(|at| answer(at, &scores)).collect())
        }
    }

    /// Wrong items among the first 50, taken from every third item: a mean over histories.
    fn wrong(percent: u64) -> f64 {
        let items: Vec<ItemId> = (1..=200).map(ItemId).collect();
        let histories: Vec<&[ItemId]> = items.chunks(1).collect();
        let noisy = NoisyScorer { scorer: &Descending, percent, seed: 7 };
        let lists = noisy
            .answer(&histories, |_, scores| {
                let list = top_k(scores, 50, |item| item.0 % 3 == 0);
                list.into_iter().filter(|item| item.0 > 150).count()
            })
            .unwrap();
        lists.iter().sum::<usize>() as f64 / lists.len() as f64
    }

    #[test]
    fn so_many_items_of_a_list_are_there_by_chance() {
        assert_eq!(wrong(0), 0.0);
        // A few of those that chance has put on the list belong there.
        assert!((5.0..=10.0).contains(&wrong(20)), "{}", wrong(20));
        assert!((18.0..=25.0).contains(&wrong(50)), "{}", wrong(50));
        assert!((30.0..=40.0).contains(&wrong(100)), "{}", wrong(100));
    }

    #[test]
    fn the_same_history_is_answered_alike_in_any_company() {
        let histories: [&[ItemId]; 3] = [&[ItemId(1)], &[ItemId(2), ItemId(3)], &[]];
        let noisy = |seed| NoisyScorer { scorer: &Descending, percent: 30, seed };
        let together = noisy(1).answer(&histories, |_, scores| scores.to_vec()).unwrap();
        for (history, expected) in histories.iter().zip(&together) {
            assert_eq!(&noisy(1).answer(&[history], |_, scores| scores.to_vec()).unwrap()[0], expected);
        }
        assert_ne!(together[0], together[1]);
        assert_ne!(noisy(2).answer(&histories, |_, scores| scores.to_vec()).unwrap(), together);
    }
}
