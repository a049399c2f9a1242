//! The settings of an experiment: everything that its arms have in common.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use toml::Table;

use super::plan::ExperimentPlan;
use crate::constrain::Mode;
use crate::data::synth;
use crate::distill::DistillConfig;
use crate::evaluate::EvalConfig;
use crate::ppo::PpoConfig;
use crate::run::config::{ConfigLayers, overlaid, resolve_over};
use crate::teacher::TeacherConfig;
use crate::train::from_scratch::{FromScratch, ScratchSize};
use crate::train::sft::SftConfig;
use crate::{Error, Result};

/// The settings of `tiller experiment`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExperimentSettings {
    /// The data set folder; none for an invented world.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// The invented world.
    pub world: synth::SynthConfig,
    /// The teacher, which is trained on it.
    pub teacher: TeacherConfig,
    /// The language model that is tuned: a folder, a .gguf file, or the name of a pulled model; none for one that is trained from scratch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The model that is trained from scratch.
    pub from_scratch: FromScratch,
    /// The file of conversations for I4; none for invented ones, where an arm needs any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat: Option<String>,
    /// Each arm is trained once for each of them.
    pub seeds: Vec<u32>,
    /// Supervised fine-tuning.
    pub sft: SftConfig,
    /// On-policy distillation.
    pub distill: DistillConfig,
    /// Reinforcement learning.
    pub ppo: PpoConfig,
    /// The decoding modes of the evaluated lists.
    pub decode: Vec<Mode>,
    /// Also evaluate strict lists guided by the teacher, with a weight that is chosen on validation items.
    pub guide: bool,
    /// Lists that are written at once.
    pub batch: usize,
    /// The evaluation.
    pub eval: EvalConfig,
}

/// Settings by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExperimentSize {
    /// A look at the whole way in a minute or two; the figures mean nothing.
    Quick,
    /// Minutes for each arm on two cores: a model trained from scratch in an invented world.
    Minutes,
    /// An hour or so for each arm on a GPU: SmolLM2-135M-Instruct.
    Hour,
}

impl FromStr for ExperimentSize {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "quick" => Ok(Self::Quick),
            "minutes" => Ok(Self::Minutes),
            "hour" => Ok(Self::Hour),
            _ => Err(Error::bad_input("--size").expected("quick, minutes or hour").found(name).into()),
        }
    }
}

impl Default for ExperimentSettings {
    fn default() -> Self {
        Self {
            data: None,
            world: synth::SynthConfig::default(),
            teacher: TeacherConfig::default(),
            model: None,
            from_scratch: FromScratch::default(),
            chat: None,
            seeds: vec![2024],
            sft: SftConfig::default(),
            distill: DistillConfig::default(),
            ppo: PpoConfig::default(),
            decode: vec![Mode::Free, Mode::Catalogue, Mode::Strict],
            guide: false,
            batch: 64,
            eval: EvalConfig::default(),
        }
    }
}

impl ExperimentSize {
    /// The settings below the file of the size: a model trained from scratch learns best by settings of its own.
    fn base(self) -> ExperimentSettings {
        let usual = ExperimentSettings::default();
        match self {
            ExperimentSize::Quick | ExperimentSize::Minutes => {
                let tiny = ScratchSize::Tiny;
                ExperimentSettings {
                    from_scratch: tiny.from_scratch(),
                    sft: SftConfig { from_scratch: None, ..SftConfig::from_scratch(tiny) },
                    distill: usual.distill.clone().for_scratch_model(),
                    ppo: usual.ppo.clone().for_scratch_model(),
                    ..usual
                }
            }
            ExperimentSize::Hour => usual,
        }
    }

    fn file(self) -> &'static str {
        match self {
            ExperimentSize::Quick => include_str!("sizes/quick.toml"),
            ExperimentSize::Minutes => include_str!("sizes/minutes.toml"),
            ExperimentSize::Hour => include_str!("sizes/hour.toml"),
        }
    }
}

impl ExperimentSettings {
    /// The settings of a size, over them what the plan needs otherwise, over them the flags.
    ///
    /// # Errors
    /// Unknown keys, values of the wrong type or out of range, by their place.
    pub fn resolve(size: ExperimentSize, plan: &ExperimentPlan, layers: &ConfigLayers, flags: Table) -> Result<Self> {
        let of_size: Table = size.file().parse().map_err(|e| Error::Failed(format!("size: {e}")))?;
        let settings = overlaid(&size.base(), &of_size, &"size")?;
        let settings = overlaid(&settings, &plan.settings, &format!("{}, settings", plan.name))?;
        let settings: Self = resolve_over(settings, layers, flags)?;
        settings.check(plan)?;
        Ok(settings)
    }

    /// These settings with the batches of `other` in trainings, which change no result.
    #[must_use]
    pub fn with_batches_of(&self, other: &Self) -> Self {
        let (sft, distill) = (self.sft.with_batches_of(&other.sft), self.distill.with_batches_of(&other.distill));
        Self { sft, distill, ppo: self.ppo.with_batches_of(&other.ppo), ..self.clone() }
    }

    fn check(&self, plan: &ExperimentPlan) -> Result<()> {
        for (key, is_empty) in [("seeds", self.seeds.is_empty()), ("decode", self.decode.is_empty())] {
            if is_empty {
                return Err(Error::bad_input(key).expected("at least one").found("none").into());
            }
        }
        if self.batch == 0 {
            return Err(Error::bad_input("batch").expected("at least 1").found(0).into());
        }
        for arm in &plan.arms {
            arm.sft(&self.sft)?.map_or(Ok(()), |config| config.validate())?;
            arm.distill(&self.distill)?.map_or(Ok(()), |config| config.validate())?;
            arm.ppo(&self.ppo)?.map_or(Ok(()), |config| config.validate())?;
        }
        self.teacher.validate()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::NAMES;

    #[test]
    fn every_experiment_has_every_size_and_arms_that_can_be_trained() {
        for name in NAMES {
            let plan = ExperimentPlan::find(name).unwrap();
            for size in [ExperimentSize::Quick, ExperimentSize::Minutes, ExperimentSize::Hour] {
                let settings =
                    ExperimentSettings::resolve(size, &plan, &ConfigLayers::default(), Table::new()).unwrap();
                let text = toml::to_string_pretty(&settings).unwrap();
                assert_eq!(toml::from_str::<ExperimentSettings>(&text).unwrap(), settings, "{name}");
            }
        }
    }
}
