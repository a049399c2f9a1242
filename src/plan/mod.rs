//! What a command takes of memory, told before anything is allocated: the table of `tiller plan`, and the verdicts of `tiller doctor`.
//!
//! Each command has a planner of its own beside its code, which it asks before it begins. Here their parts get the same names, and where
//! a command does not fit, what would.

mod device_memory;
mod recommend;
mod remedy;
mod training;

use clap::ValueEnum;
use serde::Serialize;
use tiller_kernels::decode::KvFormat;
use tiller_kernels::quant::QuantScheme;
use tiller_models::llama::LlamaConfig;

pub use device_memory::{DeviceMemory, FitVerdict};
pub use remedy::{Remedy, remedy};

use crate::Result;

/// A command that takes memory by the size of a language model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PlannedCommand {
    /// Writing lists
    Recommend,
    /// Supervised tuning
    Sft,
    /// Alignment by rewards
    Ppo,
}

impl PlannedCommand {
    /// Every one of them.
    pub const ALL: [PlannedCommand; 3] = [PlannedCommand::Recommend, PlannedCommand::Sft, PlannedCommand::Ppo];

    /// The command's name.
    pub fn name(self) -> &'static str {
        match self {
            PlannedCommand::Recommend => "recommend",
            PlannedCommand::Sft => "sft",
            PlannedCommand::Ppo => "ppo",
        }
    }

    /// What it takes for a model of these sizes.
    ///
    /// # Errors
    /// Heads that the decode engine does not take, settings that make no sense.
    pub fn estimate(self, llama: &LlamaConfig, setting: &PlanSettings, place: &DeviceMemory) -> Result<MemoryEstimate> {
        match self {
            PlannedCommand::Recommend => recommend::estimate(llama, setting, place),
            PlannedCommand::Sft => training::sft(llama, setting, place),
            PlannedCommand::Ppo => training::ppo(llama, setting, place),
        }
    }
}

/// What a user decides on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PlanSettings {
    /// How frozen weights are kept in a training.
    #[serde(rename = "quantise")]
    pub quant: QuantScheme,
    /// How keys and values are kept while lists are written.
    #[serde(serialize_with = "by_name")]
    pub kv: KvFormat,
    /// Lists that are written side by side; samples that are computed at once.
    pub batch: usize,
    /// Tokens of the longest sequence, prompt and answer together.
    pub tokens: usize,
    /// Rank of the adapters.
    pub rank: usize,
    /// Whether all weights are trained instead.
    pub full: bool,
}

fn by_name<S: serde::Serializer>(kv: &KvFormat, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kv.name())
}

/// Memory by what it is for, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct MemoryEstimate {
    /// The model's weights.
    pub weights: u64,
    /// Keys and values.
    pub cache: u64,
    /// What lies between the layers; in a training, what is kept of it for the gradient.
    pub activations: u64,
    /// The moments of trained weights, and an adapter's own weights.
    pub optimiser: u64,
    /// Gradients, logits, and what is made for a moment.
    pub workspace: u64,
    /// What the process itself takes of main memory in a training on a CPU.
    pub program: u64,
    /// The most that is held at once: parts that are over before others begin count once.
    pub total: u64,
    /// The largest single buffer.
    pub largest: u64,
}
