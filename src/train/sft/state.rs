//! The position of a supervised training in its data, and how it resumes.

use serde::{Deserialize, Serialize};
use tiller_models::optim::AdamWConfig;

use super::config::SftConfig;
use crate::run::checkpoint::Resumable;
use crate::train::state::TrainState;

/// The state of a supervised training. Epoch, window and batches follow from its steps.
pub type SftState = TrainState<SftPosition>;

/// The data that the steps have read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SftPosition {
    /// Tokens, padding left out.
    pub tokens: u64,
}

impl Resumable for SftConfig {
    const WEIGHTS: &'static str = "trained";
    const UNIT: &'static str = "step";
    const LENGTH: &'static str = "epochs and steps";
    const LENGTH_FLAGS: &'static str = "--epochs or --steps";

    fn with_length_of(&self, other: &Self) -> Self {
        Self { epochs: other.epochs, steps: other.steps, ..self.with_batches_of(other) }
    }

    fn optimiser(&self) -> AdamWConfig {
        self.optimiser
    }
}
