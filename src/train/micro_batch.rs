//! Micro-batches: the samples that are computed at once. A step adds up their gradients (gradient accumulation), so that its result is
//! the same for every size of micro-batch, up to rounding.
//!
//! Where no size is given, it follows from the free memory and the real lengths of the samples. A device that runs out of memory all the
//! same gets smaller micro-batches.

use std::fmt::Display;

use burn::tensor::Device;
use tiller_kernels::device::{DeviceError, drain, guard};
use tiller_models::memory::{StepSize, TrainingMemory};

use super::memory::does_not_fit;
use crate::run::progress;
use crate::{Error, Result};

/// Splits the batches of a step into micro-batches that fit into memory.
#[derive(Debug, Clone)]
pub struct MicroBatcher {
    memory: TrainingMemory,
    /// Samples of a micro-batch, at most.
    limit: usize,
    /// Bytes that the training may take beside the model's weights; `None` where no system tells.
    budget: Option<u64>,
}

/// The micro-batches of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MicroBatches<S> {
    /// The samples of each.
    pub parts: Vec<Vec<S>>,
    /// Micro-batches that are computed side by side.
    pub parallel: usize,
}

impl MicroBatcher {
    /// Micro-batches of `samples` samples, whatever the memory.
    pub fn fixed(memory: TrainingMemory, samples: usize) -> Self {
        Self { memory, limit: samples, budget: None }
    }

    /// The largest micro-batches that fit into `budget` bytes beside the model's weights.
    pub fn fitting(memory: TrainingMemory, budget: Option<u64>) -> Self {
        Self { memory, limit: usize::MAX, budget }
    }

    /// The largest micro-batch for at most `samples` samples, the longest of `seq` tokens: side by side on all threads of a CPU if that
    /// is possible.
    ///
    /// # Errors
    /// [`Error::DoesNotFit`] where a single sample does not.
    pub fn fit(&self, samples: usize, seq: usize) -> Result<StepSize> {
        let fitting =
            halves(self.memory.device.parallel()).find_map(|parallel| self.fit_beside(parallel, samples, seq));
        fitting.ok_or_else(|| self.refusal(seq))
    }

    /// The split of batches whose samples have so many tokens.
    ///
    /// # Errors
    /// As [`MicroBatcher::fit`].
    pub fn split<S: Clone>(&self, batches: &[Vec<S>], tokens: impl Fn(&S) -> usize) -> Result<MicroBatches<S>> {
        let longest = |batch: &Vec<S>| batch.iter().map(&tokens).max().unwrap_or(1);
        let parallel = self.fit(1, batches.iter().map(longest).max().unwrap_or(1))?.parallel;
        let split = |batch: &Vec<S>| {
            let step = self.fit_beside(parallel, batch.len(), longest(batch));
            batch.chunks(step.map_or(1, |step| step.micro_batch)).map(<[S]>::to_vec).collect::<Vec<_>>()
        };
        Ok(MicroBatches { parts: batches.iter().flat_map(split).collect(), parallel })
    }

    /// Computes something of the micro-batches of a `stage`. Where `device` runs out of memory, it is computed once more with smaller
    /// ones, and so on down to single samples.
    ///
    /// # Errors
    /// A device that is lost, or whose memory is too small for a single sample.
    pub fn compute<S: Clone, T>(
        &mut self,
        stage: &dyn Display,
        batches: &[Vec<S>],
        tokens: impl Fn(&S) -> usize,
        device: &Device,
        compute: impl Fn(&MicroBatches<S>) -> T,
    ) -> Result<T> {
        loop {
            let split = self.split(batches, &tokens)?;
            let largest = split.parts.iter().map(Vec::len).max().unwrap_or(0);
            match guard(stage, || Ok(compute(&split))) {
                Err(DeviceError::OutOfMemory { .. }) if largest > 1 => {
                    drain(device);
                    self.limit = largest.div_ceil(2);
                    progress::notice(&format!(
                        "{stage}: out of memory with {largest} samples; retrying with {}",
                        self.limit
                    ));
                }
                outcome => return Ok(outcome?),
            }
        }
    }

    fn fit_beside(&self, parallel: usize, samples: usize, seq: usize) -> Option<StepSize> {
        let step = |micro_batch| StepSize { micro_batch, parallel, micro_batches: usize::MAX, seq };
        let fits =
            |step: &StepSize| self.budget.is_none_or(|budget| self.memory.estimate(step).beyond_weights() <= budget);
        halves(samples.min(self.limit).max(1)).map(step).find(fits)
    }

    fn refusal(&self, seq: usize) -> Error {
        let single = StepSize { micro_batch: 1, parallel: 1, micro_batches: usize::MAX, seq };
        let estimate = self.memory.estimate(&single);
        let work = format!("a single sample of {seq} tokens");
        let free = self.budget.map(|budget| budget + estimate.weights);
        let next = "try --activation-checkpointing, a smaller --max-tokens, --quant q4, or a smaller --rank";
        does_not_fit(&work, &estimate, free, next)
    }
}

/// `n`, half of it, and so on down to 1.
fn halves(n: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(n), |&n| (n > 1).then_some(n / 2))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tiller_models::lora::LoraConfig;
    use tiller_models::memory::ComputeDevice;
    use tiller_models::presets::ModelPreset;

    use super::*;

    fn training(preset: ModelPreset, rank: Option<usize>, threads: usize) -> TrainingMemory {
        let targets = vec!["all-linear".into(), "lm_head".into()];
        TrainingMemory {
            llama: preset.llama(),
            quant: None,
            adapter: rank.map(|rank| LoraConfig { rank, alpha: 8.0, dropout: 0.1, targets }),
            gradient_checkpointing: false,
            device: if threads > 0 { ComputeDevice::Cpu { threads } } else { ComputeDevice::Gpu },
        }
    }

    /// A device whose memory is enough for so many samples at once.
    fn small(most: usize) -> impl Fn(&MicroBatches<u32>) -> (u32, usize) {
        move |split| {
            let longest = split.parts.iter().map(Vec::len).max().unwrap_or(0);
            assert!(longest <= most, "wgpu error: Out of Memory");
            (split.parts.iter().flatten().sum(), longest)
        }
    }

    #[test]
    fn batches_shrink_until_they_fit_and_nothing_is_left_out() {
        let cpu = Device::flex();
        let mut micro_batcher = MicroBatcher::fitting(training(ModelPreset::Tiny, None, 1), None);
        let batches = [(0..8).collect(), (8..13).collect::<Vec<u32>>()];
        let mut sum_by = |most| micro_batcher.compute(&"step 1", &batches, |_| 32, &cpu, small(most)).unwrap();
        assert_eq!(sum_by(8), (78, 8));
        assert_eq!(sum_by(3), (78, 2), "8 samples did not fit, 4 neither");
        assert_eq!(sum_by(8), (78, 2), "what did not fit once is not tried again");
        let error = micro_batcher.compute(&"step 2", &batches, |_| 32, &cpu, small(0)).unwrap_err();
        assert!(matches!(error, Error::Device(DeviceError::OutOfMemory { .. })), "{error}");
    }

    #[test]
    fn smollm2_is_tuned_within_8_gib_by_its_real_lengths() {
        const FREE: u64 = 8 << 30;
        let memory = training(ModelPreset::Smol, Some(16), 2);
        let weights = memory.estimate(&StepSize { micro_batch: 1, parallel: 1, micro_batches: 1, seq: 32 }).weights;
        let batcher = MicroBatcher::fitting(memory.clone(), Some(FREE - weights));
        let step = batcher.fit(8, 300).unwrap();
        assert!(step.micro_batch >= 2 && step.parallel == 2, "{step:?}");
        assert!(memory.estimate(&step).total <= FREE);
        // Short samples are computed more at a time than long ones, in one and the same step.
        let split = batcher.split(&[vec![100; 8], vec![300; 8]], |&tokens| tokens).unwrap();
        assert!(split.parts[0].len() > split.parts.last().unwrap().len(), "{split:?}");
        assert_eq!(split.parts.concat().len(), 16);
        // Longest samples of the cap are computed one at a time.
        assert_eq!(batcher.fit(8, 1024).unwrap().micro_batch, 1);
        let error = batcher.fit(8, 8192).unwrap_err();
        assert!(error.exit_code() == 3 && error.to_string().contains("--activation-checkpointing"), "{error}");
    }

    proptest! {
        #[test]
        fn a_training_is_refused_only_where_a_single_sample_does_not_fit(
            preset in prop::sample::select(ModelPreset::ALL.to_vec()),
            rank in prop::option::of(1usize..64),
            (threads, samples, seq, mib) in (0usize..9, 1usize..33, 32usize..2048, 1u64..16_384),
        ) {
            let memory = training(preset, rank, threads);
            let budget = mib << 20;
            let beyond = |step: &StepSize| memory.estimate(step).beyond_weights();
            let single = StepSize { micro_batch: 1, parallel: 1, micro_batches: usize::MAX, seq };
            match MicroBatcher::fitting(memory.clone(), Some(budget)).fit(samples, seq) {
                Ok(step) => prop_assert!(beyond(&step) <= budget && (1..=samples).contains(&step.micro_batch)),
                Err(_) => prop_assert!(beyond(&single) > budget),
            }
        }
    }
}
