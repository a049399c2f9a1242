//! Where a training stands, and what of it a checkpoint has to know.

use serde::{Deserialize, Serialize};
use tiller_models::optim::AdamWConfig;

use super::config::SftConfig;
use crate::run::checkpoint::Resumable;

/// Where a training stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainState {
    /// Steps taken. Epoch, window and place follow from it.
    pub step: u64,
    /// Tokens that these steps have read, padding left out.
    pub tokens: u64,
    /// Seconds that the training has taken, validations included.
    pub seconds: f64,
    /// The best validation so far.
    pub best: Option<BestValidation>,
}

/// A validation that none has surpassed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BestValidation {
    /// The mean of NDCG@10 over the kinds of questions.
    pub ndcg: f64,
    /// The steps before it.
    pub step: u64,
}

impl Resumable for SftConfig {
    const WEIGHTS: &'static str = "trained";
    const UNIT: &'static str = "step";
    const LENGTH: &'static str = "epochs and steps";
    const LENGTH_FLAGS: &'static str = "--epochs or --steps";

    fn with_length_of(&self, other: &Self) -> Self {
        Self { epochs: other.epochs, steps: other.steps, ..self.clone() }
    }

    fn optimiser(&self) -> AdamWConfig {
        self.optimiser
    }
}
