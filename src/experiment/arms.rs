//! The training of one arm.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use serde_json::{Value, json};
use tiller_models::language_model::LanguageModel;

use super::noisy::NoisyScorer;
use super::plan::{Arm, Labels};
use super::settings::ExperimentSettings;
use super::setup::{Setup, run_folder};
use super::step::step;
use crate::distill::{DistillConfig, DistillContext, DistillTrainer};
use crate::instruct::{self, ExampleBuilder};
use crate::ppo::{self, PpoConfig};
use crate::teacher::{Popularity, Scorer};
use crate::train::Checkpoint;
use crate::train::sft::{self, SftConfig};
use crate::{Error, Result};

/// Trains arms on a common setup.
pub struct ArmTrainer<'a> {
    pub setup: &'a Setup,
    pub settings: &'a ExperimentSettings,
    /// The model that it starts with, where it does not go on from another arm.
    pub base: &'a Path,
    pub seed: u32,
    /// The folder of the experiment.
    pub out: &'a Path,
    pub device: &'a Device,
    pub stop: &'a dyn Fn() -> bool,
}

impl ArmTrainer<'_> {
    /// The run folder of an arm.
    pub fn run(&self, arm: &str) -> PathBuf {
        self.out.join(format!("{arm}-{}", self.seed))
    }

    /// Trains an arm to its end, from wherever it stands.
    ///
    /// # Errors
    /// Keys that are not known, a training that fails or is interrupted.
    pub fn train(&self, arm: &Arm) -> Result<()> {
        let run = self.run(&arm.name);
        let name = format!("{}-{}", arm.name, self.seed);
        step(&name, &run, || {
            if let Some(config) = arm.sft(&self.settings.sft)? {
                return self.train_by_labels(arm, config, &run);
            }
            if let Some(config) = arm.distill(&self.settings.distill)? {
                return self.distil(arm, config, &run);
            }
            arm.ppo(&self.settings.ppo)?.map_or(Ok(json!(null)), |config| self.align(arm, config, &run))
        })?;
        Ok(())
    }

    fn train_by_labels(&self, arm: &Arm, config: SftConfig, run: &Path) -> Result<Value> {
        let Setup { dataset, teacher, .. } = self.setup;
        let (percent, seed) = (arm.noise, self.seed.into());
        match arm.labels {
            Labels::Teacher => self.fine_tune(arm, config, run, &NoisyScorer { scorer: teacher, percent, seed }),
            Labels::Popularity => {
                self.fine_tune(arm, config, run, &NoisyScorer { scorer: &Popularity::of(dataset), percent, seed })
            }
        }
    }

    fn fine_tune(&self, arm: &Arm, config: SftConfig, run: &Path, labeller: &impl Scorer) -> Result<Value> {
        let model = match &arm.from {
            Some(from) => self.whole(&self.run(from))?,
            None => self.base.to_owned(),
        };
        let seed = u64::from(self.seed);
        let config = SftConfig {
            model: Some(model.display().to_string()),
            seed,
            data: instruct::ExampleConfig { seed, ..config.data },
            from_scratch: None,
            ..config
        };
        let [chat, _] = &self.setup.chat;
        let builder = ExampleBuilder::new(&self.setup.dataset, labeller, chat, config.data.clone())?;
        let (mut folder, is_begun) = run_folder(run, &config)?;
        let trainable = config.trainable_model(&folder, &builder, !is_begun, self.device)?;
        let start = if is_begun { sft::SftTrainer::resume } else { sft::SftTrainer::fresh };
        let summary = start(&builder, &self.setup.dataset, &config, &mut folder, trainable)?.run(self.stop)?;
        Ok(json!(summary))
    }

    /// The model of a run as one folder: an adapter is folded into its model.
    fn whole(&self, run: &Path) -> Result<PathBuf> {
        let checkpoint = Checkpoint::of(run)?;
        let Some(adapter) = &checkpoint.adapter else { return Ok(checkpoint.model) };
        let folder = run.join("merged");
        if !folder.join("model.safetensors").exists() {
            let model = LanguageModel::load(&checkpoint.model, Some(adapter), self.device)?;
            let files = model.tokenizer_files(&checkpoint.model)?;
            std::fs::create_dir_all(&folder).map_err(Error::io(&folder, "create"))?;
            model.llama.merged()?.write_with(&files, &folder)?;
        }
        Ok(folder)
    }

    /// The model that an arm goes on from.
    fn start(&self, arm: &Arm) -> Result<Checkpoint> {
        match &arm.from {
            Some(from) => Checkpoint::of(&self.run(from)),
            None => Ok(Checkpoint { model: self.base.to_owned(), adapter: None }),
        }
    }

    fn distil(&self, arm: &Arm, config: DistillConfig, run: &Path) -> Result<Value> {
        let Setup { dataset, teacher, .. } = self.setup;
        let Checkpoint { model, adapter } = self.start(arm)?;
        let config = DistillConfig {
            model: Some(model.display().to_string()),
            adapter: adapter.as_ref().map(|adapter| adapter.display().to_string()),
            full: config.full && adapter.is_none(),
            seed: self.seed.into(),
            ..config
        };
        let builder = ExampleBuilder::new(dataset, teacher, &[], config.instruction())?;
        let trainable = config.trainable_model(&model, adapter.as_deref(), self.device)?;
        let (mut folder, is_begun) = run_folder(run, &config)?;
        let context = DistillContext { builder: &builder, teacher, dataset, config: &config };
        let start = if is_begun { DistillTrainer::resume } else { DistillTrainer::fresh };
        Ok(json!(start(context, &mut folder, trainable)?.run(self.stop)?))
    }

    fn align(&self, arm: &Arm, config: PpoConfig, run: &Path) -> Result<Value> {
        let Setup { dataset, teacher, .. } = self.setup;
        let checkpoint = self.start(arm)?;
        let config = PpoConfig {
            model: Some(checkpoint.model.display().to_string()),
            adapter: checkpoint.adapter.as_ref().map(|adapter| adapter.display().to_string()),
            seed: self.seed.into(),
            ..config
        };
        let builder = ExampleBuilder::new(dataset, teacher, &[], config.instruction())?;
        let model = LanguageModel::load(&checkpoint.model, checkpoint.adapter.as_deref(), self.device)?;
        let (mut folder, is_begun) = run_folder(run, &config)?;
        let context = ppo::TrainContext { builder: &builder, teacher, dataset, model, config: &config };
        let start = if is_begun { ppo::PpoTrainer::resume } else { ppo::PpoTrainer::fresh };
        Ok(json!(start(context, &mut folder)?.run(self.stop)?))
    }
}
