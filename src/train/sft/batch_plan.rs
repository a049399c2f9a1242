//! Which examples make a step, such that hardly any padding is computed.
//!
//! The places of an epoch go by in windows of [`WINDOW`] steps. The samples of a window are sorted by their lengths and cut into
//! batches of neighbours; the batches are shuffled, and each step takes some of them. All of it follows from seed, epoch and window, so
//! that a training resumes at any step.

use std::ops::Range;

use crate::data::rng::SeededRng;

/// Steps of a window.
pub const WINDOW: u64 = 16;

/// The cut of an epoch into steps.
#[derive(Debug, Clone, Copy)]
pub struct BatchPlan {
    /// The places of the epoch.
    pub places: usize,
    /// Samples of a batch, at most.
    pub batch: usize,
    /// Batches of a step, at most.
    pub gradient_accumulation_steps: usize,
}

impl BatchPlan {
    /// The steps of the epoch.
    pub fn steps(&self) -> u64 {
        self.places.div_ceil(self.batch * self.gradient_accumulation_steps) as u64
    }

    /// The places of a window.
    pub fn places(&self, window: u64) -> Range<usize> {
        let start =
            |window: u64| ((window * WINDOW) as usize * self.batch * self.gradient_accumulation_steps).min(self.places);
        start(window)..start(window + 1)
    }

    /// The steps of a window: for each its batches, each with the positions of its samples, given all their lengths.
    pub fn batches(&self, window: u64, lengths: &[usize], seed: u64, epoch: u64) -> Vec<Vec<Vec<usize>>> {
        let steps = WINDOW.min(self.steps() - window * WINDOW) as usize;
        let mut order: Vec<usize> = (0..lengths.len()).collect();
        order.sort_by_key(|&at| lengths[at]);
        let count = steps * self.gradient_accumulation_steps;
        let bound = |batch: usize| lengths.len() * batch / count;
        let mut batches: Vec<Vec<usize>> =
            (0..count).map(|batch| order[bound(batch)..bound(batch + 1)].to_vec()).collect();
        SeededRng::from_key([seed, epoch, window, 0], BATCHES).shuffle(&mut batches);
        batches
            .chunks(self.gradient_accumulation_steps)
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
        let mut rng = SeededRng::new(seed, 0);
        (0..count).map(|_| 60 + rng.below(300) as usize).collect()
    }

    proptest! {
        #[test]
        fn every_place_is_in_one_window_and_every_sample_in_one_batch(
            places in 1usize..3000, batch in 1usize..12, gradient_accumulation_steps in 1usize..5, missing in 0usize..40, seed: u64,
        ) {
            let plan = BatchPlan { places, batch, gradient_accumulation_steps };
            let windows = plan.steps().div_ceil(WINDOW);
            let (mut next, mut steps) = (0, 0);
            for window in 0..windows {
                let places = plan.places(window);
                prop_assert_eq!(places.start, next);
                next = places.end;
                // Some places have no example.
                let found = places.len().saturating_sub(missing);
                let batches = plan.batches(window, &lengths(found, seed), seed, 3);
                steps += batches.len() as u64;
                prop_assert!(batches.iter().all(|step| step.len() <= gradient_accumulation_steps));
                prop_assert!(batches.iter().flatten().all(|samples| samples.len() <= batch));
                let mut all: Vec<usize> = batches.concat().concat();
                all.sort_unstable();
                prop_assert_eq!(all, (0..found).collect::<Vec<_>>());
            }
            prop_assert_eq!((next, steps), (places, plan.steps()));
        }
    }

    #[test]
    fn neighbours_in_length_share_a_batch_and_epochs_differ() {
        let plan = BatchPlan { places: 1024, batch: 8, gradient_accumulation_steps: 8 };
        let lengths = lengths(1024, 1);
        let steps = plan.batches(0, &lengths, 7, 0);
        let computed: usize =
            steps.iter().flatten().map(|batch| batch.len() * batch.iter().map(|&at| lengths[at]).max().unwrap()).sum();
        let needed: usize = lengths.iter().sum();
        assert!((computed as f64) < 1.02 * needed as f64, "{computed} tokens computed, {needed} needed");
        assert_eq!(steps, plan.batches(0, &lengths, 7, 0));
        assert_ne!(steps, plan.batches(0, &lengths, 7, 1));
        // No step is all short or all long.
        let mean = |step: &Vec<Vec<usize>>| step.concat().iter().map(|&at| lengths[at]).sum::<usize>() / 64;
        assert!(steps.iter().all(|step| (140..280).contains(&mean(step))));
    }
}
