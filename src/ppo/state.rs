//! The position of PPO in its prompts, and how it resumes.

use serde::{Deserialize, Serialize};
use tiller_models::optim::AdamWConfig;

use super::config::PpoConfig;
use super::experience::RewardScales;
use super::prompts::EpisodeCursor;
use crate::run::checkpoint::Resumable;
use crate::train::state::TrainState;

/// The state of PPO after some iterations. All draws of an iteration follow from its number.
pub type PpoState = TrainState<PpoPosition>;

/// The prompts and rewards so far.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PpoPosition {
    /// Passes over the prompts, with the part of the current one.
    pub epoch: f64,
    /// The next prompt.
    pub place: EpisodeCursor,
    /// The sizes of the rewards so far.
    pub scales: RewardScales,
}

impl Resumable for PpoConfig {
    const WEIGHTS: &'static str = "policy";
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
