//! Where a training stands, and what of it a checkpoint has to know.

use serde::{Deserialize, Serialize};
use tiller_models::optim::AdamWConfig;

use super::config::PpoConfig;
use super::experience::RewardScales;
use super::prompts::EpisodeCursor;
use crate::run::checkpoint::Resumable;

/// Where a training stands. All draws of an iteration follow from its number.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PpoTrainState {
    /// Iterations completed.
    pub iteration: u64,
    /// Passes over the questions, with the part of the one at hand.
    pub epoch: f64,
    /// The next question.
    pub place: EpisodeCursor,
    /// The sizes of the rewards so far.
    pub scales: RewardScales,
    /// Seconds that the training has taken, evaluations included.
    pub seconds: f64,
    /// The best evaluation so far.
    pub best: Option<BestPolicy>,
}

/// An evaluation that none has surpassed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BestPolicy {
    /// The mean list reward.
    pub reward: f64,
    /// The iterations before it.
    pub iteration: u64,
}

impl Resumable for PpoConfig {
    const WEIGHTS: &'static str = "policy";
    const UNIT: &'static str = "iteration";
    const LENGTH: &'static str = "iterations";
    const LENGTH_FLAGS: &'static str = "--iterations";

    fn with_length_of(&self, other: &Self) -> Self {
        Self { iterations: other.iterations, ..self.clone() }
    }

    fn optimiser(&self) -> AdamWConfig {
        self.optimiser
    }
}
