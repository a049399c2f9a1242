//! A seeded random number generator with named streams. All draws are integers, so a seed gives the same values on
//! every platform; the algorithms are fixed here because those of `rand` may change between versions.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A stream of random draws (ChaCha8).
pub(crate) struct SeededRng(ChaCha8Rng);

impl SeededRng {
    /// Creates stream `stream` of a seed. Streams are independent: draws from one do not shift another.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self(rng)
    }

    /// Creates stream `stream` of a 256-bit key, such as seed, epoch, task and example number.
    pub(crate) fn from_key(key: [u64; 4], stream: u64) -> Self {
        let mut bytes = [0; 32];
        for (place, number) in bytes.chunks_exact_mut(8).zip(key) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        let mut rng = ChaCha8Rng::from_seed(bytes);
        rng.set_stream(stream);
        Self(rng)
    }

    /// Draws an integer in `0..bound`. The bias is below `bound` / 2⁶⁴.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let product = u128::from(self.0.next_u64()) * u128::from(bound);
        (product >> 64) as u64
    }

    /// Returns true with a probability of `percent` in 100.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// Draws an element uniformly.
    pub(crate) fn pick<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        &things[self.below(things.len() as u64) as usize]
    }

    /// Draws a position in proportion to its weight; `None` if all weights are 0.
    pub(crate) fn weighted(&mut self, weights: &[u64]) -> Option<usize> {
        let total: u64 = weights.iter().sum();
        let mut left = (total > 0).then(|| self.below(total))?;
        weights.iter().position(|&weight| {
            let here = left < weight;
            left = left.saturating_sub(weight);
            here
        })
    }

    /// Shuffles a slice (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            things.swap(last, self.below(last as u64 + 1) as usize);
        }
    }

    /// Draws `count` elements without replacement, in random order; all elements if there are fewer.
    pub(crate) fn sample<T>(&mut self, mut things: Vec<T>, count: usize) -> Vec<T> {
        let count = count.min(things.len());
        for place in 0..count {
            let rest = (things.len() - place) as u64;
            things.swap(place, place + self.below(rest) as usize);
        }
        things.truncate(count);
        things
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_fair_and_repeat_with_the_seed() {
        let mut rng = SeededRng::new(7, 0);
        let mut counts = [0; 3];
        for _ in 0..6000 {
            counts[rng.weighted(&[1, 0, 2]).unwrap()] += 1;
        }
        assert_eq!(counts[1], 0);
        assert!((1800..2200).contains(&counts[0]), "{counts:?}");
        let draw = |seed, stream| SeededRng::new(seed, stream).below(1 << 60);
        assert_eq!(draw(7, 1), draw(7, 1));
        assert!(draw(7, 1) != draw(7, 2) && draw(7, 1) != draw(8, 1));
        let from_key = |key| SeededRng::from_key(key, 1).below(1 << 60);
        assert!((0..4).all(|place| from_key([0; 4]) != from_key(std::array::from_fn(|i| u64::from(i == place)))));
        assert_eq!(rng.weighted(&[0, 0]), None);
    }

    #[test]
    fn shuffling_loses_nothing() {
        let mut things: Vec<u32> = (0..50).collect();
        SeededRng::new(1, 1).shuffle(&mut things);
        assert!(!things.is_sorted());
        things.sort_unstable();
        assert_eq!(things, (0..50).collect::<Vec<_>>());
    }

    #[test]
    fn samples_hold_each_thing_once_and_equally_often() {
        let mut counts = [0; 5];
        for seed in 0..5000 {
            let mut sample = SeededRng::from_key([seed, 1, 2, 3], 4).sample((0..5).collect(), 2);
            sample.iter().for_each(|&thing: &usize| counts[thing] += 1);
            sample.dedup();
            assert_eq!(sample.len(), 2);
        }
        assert!(counts.iter().all(|count| (1850..2150).contains(count)), "{counts:?}");
        assert_eq!(SeededRng::new(1, 1).sample(vec![7], 9), [7]);
    }
}
