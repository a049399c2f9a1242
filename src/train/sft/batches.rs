//! Which examples make a step, such that hardly any padding is computed.
//!
//! The places of an epoch go by in windows of [`WINDOW`] steps. The samples of a window are sorted by their lengths and cut into
//! batches of neighbours; the batches are shuffled, and each step takes some of them. All of it follows from seed, epoch and window, so
//! that a training resumes at any step.

use std::ops::Range;

use crate::data::dice::Dice;

/// Steps of a window.
pub const WINDOW: u64 = 16;

/// The cut of an epoch into steps.
#[derive(Debug, Clone, Copy)]
pub struct Cut {
    /// The places of the epoch.
    pub places: usize,
    /// Samples of a batch, at most.
    pub batch: usize,
    /// Batches of a step, at most.
    pub accumulate: usize,
}

impl Cut {
    /// The steps of the epoch.
    pub fn steps(&self) -> u64 {
        self.places.div_ceil(self.batch * self.accumulate) as u64
    }

    /// The places of a window.
    pub fn places(&self, window: u64) -> Range<usize> {
        let start = |window: u64| ((window * WINDOW) as usize * self.batch * self.accumulate).min(self.places);
        start(window)..start(window + 1)
    }

    /// The steps of a window: for each its batches, each with the positions of its samples, given all their lengths.
    pub fn batches(&self, window: u64, lengths: &[usize], seed: u64, epoch: u64) -> Vec<Vec<Vec<usize>>> {
        let steps = WINDOW.min(self.steps() - window * WINDOW) as usize;
        let mut order: Vec<usize> = (0..lengths.len()).collect();
        order.sort_by_key(|&at| lengths[at]);
        let count = steps * self.accumulate;
        let cut = |batch: usize| lengths.len() * batch / count;
        let mut batches: Vec<Vec<usize>> = (0..count).map(|batch| order[cut(batch)..cut(batch + 1)].to_vec()).collect();
        Dice::of_key([seed, epoch, window, 0], BATCHES).shuffle(&mut batches);
        batches
            .chunks(self.accumulate)
            .map(|step| step.iter().filter(|batch| !batch.is_empty()).cloned().collect())
            .collect()
    }
}

/// The stream of chance that orders batches.
const BATCHES: u64 = 0x5f7;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lengths(count: usize, seed: u64) -> Vec<usize> {
        let mut dice = Dice::new(seed, 0);
        (0..count).map(|_| 60 + dice.below(300) as usize).collect()
    }

    proptest! {
        #[test]
        fn every_place_is_in_one_window_and_every_sample_in_one_batch(
            places in 1usize..3000, batch in 1usize..12, accumulate in 1usize..5, missing in 0usize..40, seed: u64,
        ) {
            let cut = Cut { places, batch, accumulate };
            let windows = cut.steps().div_ceil(WINDOW);
            let (mut next, mut steps) = (0, 0);
            for window in 0..windows {
                let places = cut.places(window);
                prop_assert_eq!(places.start, next);
                next = places.end;
                // Some places have no example.
                let found = places.len().saturating_sub(missing);
                let batches = cut.batches(window, &lengths(found, seed), seed, 3);
                steps += batches.len() as u64;
                prop_assert!(batches.iter().all(|step| step.len() <= accumulate));
                prop_assert!(batches.iter().flatten().all(|samples| samples.len() <= batch));
                let mut all: Vec<usize> = batches.concat().concat();
                all.sort_unstable();
                prop_assert_eq!(all, (0..found).collect::<Vec<_>>());
            }
            prop_assert_eq!((next, steps), (places, cut.steps()));
        }
    }

    #[test]
    fn neighbours_in_length_share_a_batch_and_epochs_differ() {
        let cut = Cut { places: 1024, batch: 8, accumulate: 8 };
        let lengths = lengths(1024, 1);
        let steps = cut.batches(0, &lengths, 7, 0);
        let computed: usize =
            steps.iter().flatten().map(|batch| batch.len() * batch.iter().map(|&at| lengths[at]).max().unwrap()).sum();
        let needed: usize = lengths.iter().sum();
        assert!((computed as f64) < 1.02 * needed as f64, "{computed} tokens computed, {needed} needed");
        assert_eq!(steps, cut.batches(0, &lengths, 7, 0));
        assert_ne!(steps, cut.batches(0, &lengths, 7, 1));
        // No step is all short or all long.
        let mean = |step: &Vec<Vec<usize>>| step.concat().iter().map(|&at| lengths[at]).sum::<usize>() / 64;
        assert!(steps.iter().all(|step| (140..280).contains(&mean(step))));
    }
}
