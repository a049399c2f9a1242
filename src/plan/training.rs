//! Trainings, by their own planners.

use tiller_models::llama::LlamaConfig;

use super::{Need, Place, Setting};
use crate::Result;
use crate::ppo;
use crate::train::plan::Plan;
use crate::train::sft::SftConfig;

/// `tiller sft`.
pub(super) fn sft(llama: &LlamaConfig, setting: &Setting, place: &Place) -> Result<Need> {
    let mut config = SftConfig {
        quantise: setting.quantise.name().into(),
        full: setting.full,
        batch: setting.batch,
        max_tokens: setting.tokens,
        ..SftConfig::default()
    };
    config.lora.rank = setting.rank;
    config.validate()?;
    let Plan { weights, trained, activations, workspace, program, total } =
        Plan::new(llama, config.scheme()?, &config, place.site());
    Ok(Need { weights, optimiser: trained, activations, workspace, program, total, ..Need::default() })
}

/// `tiller ppo`.
pub(super) fn ppo(llama: &LlamaConfig, setting: &Setting, place: &Place) -> Result<Need> {
    let mut config = ppo::PpoConfig {
        quantise: setting.quantise.name().into(),
        max_tokens: setting.tokens,
        ..ppo::PpoConfig::default()
    };
    config.learning.batch = setting.batch;
    config.actor.rank = setting.rank;
    let ppo::plan::Plan { weights, trained, answering, learning, program, total } =
        ppo::plan::Plan::new(llama, &config, place.site())?;
    Ok(Need { weights, optimiser: trained, cache: answering, activations: learning, program, total, ..Need::default() })
}
