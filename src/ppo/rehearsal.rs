//! What a policy was tuned on, learnt again beside its own answers.
//!
//! Rewards say what is better among the answers that a policy gives, not what else it could say: where it stops repeating a title, the next
//! likeliest takes its place, whatever was asked for. Labelled examples in every step keep the wishes in its mind (PPO-ptx, L. Ouyang et
//! al. 2022, arXiv 2203.02155, equation 2).

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tiller_models::train::Lesson;

use super::prompts::Scribe;
use crate::Result;
use crate::instruct::{Example, Instructor, Part};
use crate::run::config::out_of_range;
use crate::teacher::Scorer;
use crate::train::sample::sample;

/// How much is rehearsed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rehearsal {
    /// Labelled examples of a step; 0 for none.
    pub examples: usize,
    /// What their loss, in nats per token, weighs beside that of the policy.
    pub weight: f64,
}

impl Default for Rehearsal {
    fn default() -> Self {
        Self { examples: 16, weight: 0.5 }
    }
}

impl Rehearsal {
    /// No rehearsal, as the authors have it.
    pub fn none() -> Self {
        Self { examples: 0, ..Self::default() }
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// The key that is out of its range.
    pub fn validate(&self) -> Result<()> {
        if !(self.weight > 0.0 && self.weight.is_finite()) {
            return Err(out_of_range("rehearsal.weight", "a number above 0", self.weight));
        }
        Ok(())
    }

    /// The lessons of each step of an iteration of so many steps; they depend on the instructor's seed and the iteration alone. Each of the
    /// policy's loss and theirs is a mean, so the weight is already in the lessons.
    ///
    /// # Errors
    /// The teacher's device fails, or a data set that has nothing to learn from.
    pub fn lessons(
        &self,
        instructor: &Instructor<impl Scorer>,
        scribe: &Scribe,
        iteration: u64,
        steps: usize,
    ) -> Result<Vec<Vec<Lesson>>> {
        if self.examples == 0 {
            return Ok(Vec::new());
        }
        let count = steps * self.examples;
        let examples = examples(instructor, iteration * count as u64, count)?;
        let most = scribe.max_tokens.min(scribe.model.llama.config().max_positions);
        let lesson = |example: &Example| {
            let mut lesson = Lesson::of(sample(&scribe.model.words, scribe.grammar, example, most)?);
            lesson.weights.iter_mut().for_each(|(_, weight)| *weight *= self.weight as f32);
            Ok(lesson)
        };
        let lessons: Vec<Lesson> = examples.par_iter().map(lesson).collect::<Result<_>>()?;
        Ok(lessons.chunks(self.examples).map(<[Lesson]>::to_vec).collect())
    }
}

/// The examples of `count` places of the training, epoch behind epoch, from a place on; fewer where the catalogue has nothing to ask for.
fn examples(instructor: &Instructor<impl Scorer>, from: u64, count: usize) -> Result<Vec<Example>> {
    let of_epoch = instructor.epoch(Part::Training, 0)?.len();
    let mut found = Vec::with_capacity(count);
    let (mut epoch, mut start) = (from / of_epoch as u64, (from % of_epoch as u64) as usize);
    let mut left = count;
    while left > 0 {
        let end = of_epoch.min(start + left);
        let examples = instructor.epoch(Part::Training, epoch)?.examples(start..end)?;
        found.extend(examples.into_iter().map(|(_, example)| example));
        left -= end - start;
        (epoch, start) = (epoch + 1, 0);
    }
    Ok(found)
}
