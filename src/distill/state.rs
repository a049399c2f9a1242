//! The position of a distillation in its prompts, and how it resumes.

use serde::{Deserialize, Serialize};
use tiller_models::optim::AdamWConfig;

use super::config::DistillConfig;
use crate::ppo::prompts::EpisodeCursor;
use crate::run::checkpoint::Resumable;
use crate::train::state::TrainState;

/// The state of a distillation after some iterations. All draws of an iteration follow from its number.
pub type DistillState = TrainState<DistillPosition>;

/// The prompts so far.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DistillPosition {
    /// Passes over the prompts, with the part of the current one.
    pub epoch: f64,
    /// The next prompt.
    pub place: EpisodeCursor,
}

impl Resumable for DistillConfig {
    const WEIGHTS: &'static str = "trained";
    const UNIT: &'static str = "iteration";
    const LENGTH: &'static str = "iterations";
    const LENGTH_FLAGS: &'static str = "--iterations";

    fn with_length_of(&self, other: &Self) -> Self {
        Self { iterations: other.iterations, ..self.with_batches_of(other) }
    }

    fn optimiser(&self) -> AdamWConfig {
        self.optimiser
    }
}
