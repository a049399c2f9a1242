//! Trainings, by their own planners.

use tiller_models::llama::LlamaConfig;

use super::{DeviceMemory, MemoryEstimate, PlanSettings};
use crate::Result;
use crate::ppo;
use crate::train::plan::SftMemoryPlan;
use crate::train::sft::SftConfig;

/// `tiller sft`.
pub(super) fn sft(llama: &LlamaConfig, setting: &PlanSettings, place: &DeviceMemory) -> Result<MemoryEstimate> {
    let mut config = SftConfig {
        quant: setting.quant.name().into(),
        full: setting.full,
        batch: setting.batch,
        max_tokens: setting.tokens,
        ..SftConfig::default()
    };
    config.lora.rank = setting.rank;
    config.validate()?;
    let SftMemoryPlan { weights, trained, activations, workspace, program, total } =
        SftMemoryPlan::new(llama, config.scheme()?, &config, place.compute_device());
    Ok(MemoryEstimate {
        weights,
        optimiser: trained,
        activations,
        workspace,
        program,
        total,
        ..MemoryEstimate::default()
    })
}

/// `tiller ppo`.
pub(super) fn ppo(llama: &LlamaConfig, setting: &PlanSettings, place: &DeviceMemory) -> Result<MemoryEstimate> {
    let mut config =
        ppo::PpoConfig { quant: setting.quant.name().into(), max_tokens: setting.tokens, ..ppo::PpoConfig::default() };
    config.learning.batch = setting.batch;
    config.actor.rank = setting.rank;
    let ppo::plan::PpoMemoryPlan { weights, trained, answering, learning, program, total } =
        ppo::plan::PpoMemoryPlan::new(llama, &config, place.compute_device())?;
    Ok(MemoryEstimate {
        weights,
        optimiser: trained,
        cache: answering,
        activations: learning,
        program,
        total,
        ..MemoryEstimate::default()
    })
}
