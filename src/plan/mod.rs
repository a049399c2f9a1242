//! The memory that a command takes, estimated before anything is allocated: the table of `tiller plan` and of `tiller doctor`.
//!
//! The estimates are those that the commands themselves make ([`tiller_models::memory`]); here they are compared with the memory of a
//! device, and settings that fit are looked for.

mod device_memory;
mod remedy;

use std::str::FromStr;

use serde::Serialize;
use tiller_kernels::decode::KvFormat;
use tiller_kernels::quant::QuantScheme;
use tiller_models::engine::{Engine, EngineOptions};
use tiller_models::llama::LlamaConfig;
use tiller_models::memory::{MemoryEstimate, StepSize};

pub use device_memory::{DeviceMemory, FitVerdict};
pub use remedy::{Remedy, remedy};

use crate::ppo::PpoConfig;
use crate::ppo::memory::PpoMemory;
use crate::train::micro_batch::MicroBatcher;
use crate::train::sft::SftConfig;
use crate::{Error, Result};

/// A command whose memory depends on the size of a language model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PlannedCommand {
    /// Writing lists.
    Recommend,
    /// Supervised fine-tuning.
    Sft,
    /// Alignment by rewards.
    Ppo,
}

/// The settings that memory depends on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PlanSettings {
    /// The scheme of the weights; in a training, of the frozen ones.
    #[serde(rename = "quantise")]
    pub quant: QuantScheme,
    /// The format of keys and values while lists are written on a GPU.
    #[serde(serialize_with = "by_name")]
    pub kv: KvFormat,
    /// Lists that are written side by side, or samples that are computed at once; `None` for as many as fit.
    pub batch: Option<usize>,
    /// Tokens of the longest sequence, prompt and answer together.
    pub tokens: usize,
    /// Rank of the adapters.
    pub rank: usize,
    /// Train all weights instead.
    pub full: bool,
}

fn by_name<S: serde::Serializer>(kv: &KvFormat, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kv.name())
}

impl FromStr for PlannedCommand {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let known = Self::ALL.into_iter().find(|command| command.name() == name);
        known.ok_or_else(|| Error::bad_input("COMMAND").expected("recommend, sft or ppo").found(name).into())
    }
}

/// Lists that are written side by side, where no number is given.
const LISTS: usize = 8;

impl PlannedCommand {
    /// Every command.
    pub const ALL: [Self; 3] = [Self::Recommend, Self::Sft, Self::Ppo];

    /// The command's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Recommend => "recommend",
            Self::Sft => "sft",
            Self::Ppo => "ppo",
        }
    }

    /// The memory of the command with a model of these sizes.
    ///
    /// # Errors
    /// Attention heads that the decode engine does not support, settings out of range.
    pub fn estimate(
        self,
        llama: &LlamaConfig,
        settings: &PlanSettings,
        device: &DeviceMemory,
    ) -> Result<MemoryEstimate> {
        match self {
            Self::Recommend => recommend(llama, settings, device),
            Self::Sft => sft(llama, settings, device),
            Self::Ppo => ppo(llama, settings, device),
        }
    }
}

/// Lists, written by the decode engine.
fn recommend(llama: &LlamaConfig, settings: &PlanSettings, device: &DeviceMemory) -> Result<MemoryEstimate> {
    let &PlanSettings { quant, kv, tokens, .. } = settings;
    let batch = settings.batch.unwrap_or(LISTS);
    let options = EngineOptions {
        max_batch: batch,
        max_tokens: tokens,
        kv_dtype: kv,
        quant: Some(quant),
        ..EngineOptions::default()
    };
    let (weights, footprint) = Engine::estimate_memory(llama, &options, device.compute_device())?;
    let weights = weights as u64;
    let cache = (footprint.cache_of_layer * footprint.layers) as u64;
    let activations = footprint.activations as u64;
    let (total, largest) = (weights + cache + activations, footprint.largest as u64);
    Ok(MemoryEstimate { weights, cache, activations, total, largest, ..MemoryEstimate::default() })
}

/// Supervised fine-tuning by the largest micro-batch that fits.
fn sft(llama: &LlamaConfig, settings: &PlanSettings, device: &DeviceMemory) -> Result<MemoryEstimate> {
    let mut config = SftConfig {
        quant: settings.quant.name().into(),
        full: settings.full,
        max_tokens: settings.tokens,
        micro_batch: settings.batch,
        ..SftConfig::default()
    };
    config.lora.rank = settings.rank;
    config.batch = settings.batch.unwrap_or(config.batch);
    config.validate()?;
    let memory = config.memory(llama.clone(), device.compute_device())?;
    if settings.batch.is_some() {
        return Ok(memory.estimate(&config.step_size(llama, device.compute_device())));
    }
    let seq = settings.tokens.min(llama.max_positions);
    let weights = memory.estimate(&single(seq)).weights;
    let budget = device.memory.map(|memory| memory.saturating_sub(weights));
    let step = MicroBatcher::fitting(memory.clone(), budget).fit(config.batch, seq).unwrap_or(single(seq));
    Ok(memory.estimate(&step))
}

/// PPO by the largest batches that fit.
fn ppo(llama: &LlamaConfig, settings: &PlanSettings, device: &DeviceMemory) -> Result<MemoryEstimate> {
    let mut config =
        PpoConfig { quant: settings.quant.name().into(), max_tokens: settings.tokens, ..PpoConfig::default() };
    config.learning.batch = settings.batch;
    config.actor.rank = settings.rank;
    let memory = PpoMemory::new(llama.clone(), &config, device.compute_device())?;
    let seq = settings.tokens.min(llama.max_positions);
    let budget = device.memory.map(|free| free.saturating_sub(memory.actor.estimate(&single(seq)).weights));
    let rollouts = memory.rollout_batch(config.rollout.answers(), seq, budget)?;
    let step = memory.micro_batcher(budget).fit(config.learning.minibatch, seq).unwrap_or(single(seq));
    memory.estimate(rollouts, &step)
}

/// One sample.
fn single(seq: usize) -> StepSize {
    StepSize { micro_batch: 1, parallel: 1, micro_batches: usize::MAX, seq }
}
