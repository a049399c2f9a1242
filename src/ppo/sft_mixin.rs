//! Supervised examples in every PPO step: the PTX loss, which keeps the policy near to its tuning.
//!
//! Rewards say what is better among the answers that a policy gives, not what else it could say: where it stops repeating a title, the next
//! likeliest takes its place, whatever was asked for. Labelled examples in every step keep the wishes in its mind (PPO-ptx, L. Ouyang et
//! al. 2022, arXiv 2203.02155, equation 2).

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tiller_models::train::WeightedExample;

use super::prompts::PromptEncoder;
use crate::Result;
use crate::instruct::{Example, ExampleBuilder, ExampleSplit, sample};
use crate::run::config::out_of_range;
use crate::teacher::Scorer;

/// The supervised examples of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SftMixin {
    /// Labelled examples of a step; 0 for none.
    pub examples: usize,
    /// The weight of their loss (PTX loss), in nats per token, beside that of the policy.
    pub weight: f64,
}

impl Default for SftMixin {
    fn default() -> Self {
        Self { examples: 16, weight: 0.5 }
    }
}

impl SftMixin {
    /// No supervised examples, as the authors have it.
    pub fn none() -> Self {
        Self { examples: 0, ..Self::default() }
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// The key that is out of its range.
    pub fn validate(&self) -> Result<()> {
        if !(self.weight > 0.0 && self.weight.is_finite()) {
            return Err(out_of_range("sft_mixin.weight", "a number above 0", self.weight));
        }
        Ok(())
    }

    /// The examples of each step of an iteration of so many steps; they depend on the example builder's seed and the iteration alone. Each of the
    /// policy's loss and theirs is a mean, so the weight is already in the examples.
    ///
    /// # Errors
    /// The teacher's device fails, or a data set that has nothing to learn from.
    pub fn weighted_examples(
        &self,
        builder: &ExampleBuilder<impl Scorer>,
        encoder: &PromptEncoder,
        iteration: u64,
        steps: usize,
    ) -> Result<Vec<Vec<WeightedExample>>> {
        if self.examples == 0 {
            return Ok(Vec::new());
        }
        let count = steps * self.examples;
        let examples = examples(builder, iteration * count as u64, count)?;
        let most = encoder.max_tokens.min(encoder.model.llama.config().max_positions);
        let weigh = |example: &Example| {
            let mut example = WeightedExample::of(sample(&encoder.model.codec, encoder.grammar, example, most)?);
            example.weights.iter_mut().for_each(|(_, weight)| *weight *= self.weight as f32);
            Ok(example)
        };
        let weighted: Vec<WeightedExample> = examples.par_iter().map(weigh).collect::<Result<_>>()?;
        Ok(weighted.chunks(self.examples).map(<[WeightedExample]>::to_vec).collect())
    }
}

/// The examples of `count` places of the training, epoch behind epoch, from a place on; fewer where the catalogue has nothing to ask for.
fn examples(builder: &ExampleBuilder<impl Scorer>, from: u64, count: usize) -> Result<Vec<Example>> {
    let of_epoch = builder.epoch(ExampleSplit::Training, 0)?.len();
    let mut found = Vec::with_capacity(count);
    let (mut epoch, mut start) = (from / of_epoch as u64, (from % of_epoch as u64) as usize);
    let mut left = count;
    while left > 0 {
        let end = of_epoch.min(start + left);
        let examples = builder.examples(&builder.epoch(ExampleSplit::Training, epoch)?, start..end)?;
        found.extend(examples.into_iter().map(|(_, example)| example));
        left -= end - start;
        (epoch, start) = (epoch + 1, 0);
    }
    Ok(found)
}
