//! Training language models: what supervised fine-tuning and reinforcement learning share, the former ([`sft`]),
//! and a few steps from feedback ([`teach`]).

pub mod checkpoint;
pub mod clock;
pub mod decision_weights;
pub mod from_scratch;
pub mod gradient;
pub mod history_loss;
pub mod history_targets;
pub mod log;
pub mod memory;
pub mod micro_batch;
pub mod schedule;
pub mod sft;
pub mod state;
pub mod target_shares;
pub mod teach;
pub mod tensorboard;
pub mod trainable_model;
pub mod validation;

pub use checkpoint::Checkpoint;
pub use clock::TrainingClock;
pub use log::Log;
pub use memory::ProcessMemory;
pub use schedule::LrSchedule;
pub use state::{Best, TrainState};
pub use trainable_model::TrainableModel;
pub use validation::Validation;
