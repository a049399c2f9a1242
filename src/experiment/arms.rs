//! The training of one arm.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use serde_json::{Value, json};
use tiller_models::language_model::LanguageModel;
use tiller_models::tokenizer::TokenizerFiles;

use super::ground::{Ground, run_folder};
use super::noisy::Noisy;
use super::plan::{Arm, Labels};
use super::settings::Settings;
use super::step::step;
use crate::instruct::{self, Instructor};
use crate::ppo::{self, PpoConfig};
use crate::teacher::{Popularity, Scorer};
use crate::train::Tuned;
use crate::train::sft::{self, SftConfig};
use crate::{Error, Result};

/// What an arm is trained with.
pub struct Bench<'a> {
    pub ground: &'a Ground,
    pub settings: &'a Settings,
    /// The model that it starts with, where it does not go on from another arm.
    pub base: &'a Path,
    pub seed: u32,
    /// The folder of the experiment.
    pub out: &'a Path,
    pub device: &'a Device,
    pub stop: &'a dyn Fn() -> bool,
}

impl Bench<'_> {
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
        step(&name, &run, || match (arm.sft(&self.settings.sft)?, arm.ppo(&self.settings.ppo)?) {
            (Some(config), _) => self.train_by_labels(arm, config, &run),
            (None, Some(config)) => self.align(arm, config, &run),
            (None, None) => Ok(json!(null)),
        })?;
        Ok(())
    }

    fn train_by_labels(&self, arm: &Arm, config: SftConfig, run: &Path) -> Result<Value> {
        let Ground { dataset, teacher, .. } = self.ground;
        let (percent, seed) = (arm.noise, self.seed.into());
        match arm.labels {
            Labels::Teacher => self.fine_tune(arm, config, run, &Noisy { scorer: teacher, percent, seed }),
            Labels::Popularity => {
                self.fine_tune(arm, config, run, &Noisy { scorer: &Popularity::of(dataset), percent, seed })
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
            data: instruct::Settings { seed, ..config.data },
            scratch: None,
            ..config
        };
        let [chat, _] = &self.ground.chat;
        let instructor = Instructor::new(&self.ground.dataset, labeller, chat, config.data.clone())?;
        let (mut folder, is_begun) = run_folder(run, &config)?;
        let student = config.student(&folder, &instructor, !is_begun, self.device)?;
        let start = if is_begun { sft::Training::resume } else { sft::Training::fresh };
        let summary = start(&instructor, &self.ground.dataset, &config, &mut folder, student)?.run(self.stop)?;
        Ok(json!(summary))
    }

    /// The model of a run as one folder: an adapter is folded into its model.
    fn whole(&self, run: &Path) -> Result<PathBuf> {
        let tuned = Tuned::of(run)?;
        let Some(adapter) = &tuned.adapter else { return Ok(tuned.model) };
        let folder = run.join("merged");
        if !folder.join("model.safetensors").exists() {
            let files = TokenizerFiles::of(&tuned.model)?;
            let model = LanguageModel::load(&tuned.model, Some(adapter), self.device)?;
            std::fs::create_dir_all(&folder).map_err(Error::io(&folder, "create"))?;
            files.write(&folder)?;
            model.llama.merged()?.write(&folder)?;
        }
        Ok(folder)
    }

    fn align(&self, arm: &Arm, config: PpoConfig, run: &Path) -> Result<Value> {
        let Ground { dataset, teacher, .. } = self.ground;
        let tuned = match &arm.from {
            Some(from) => Tuned::of(&self.run(from))?,
            None => Tuned { model: self.base.to_owned(), adapter: None },
        };
        let config = PpoConfig {
            model: Some(tuned.model.display().to_string()),
            adapter: tuned.adapter.as_ref().map(|adapter| adapter.display().to_string()),
            seed: self.seed.into(),
            ..config
        };
        let instructor = Instructor::new(dataset, teacher, &[], config.instruction())?;
        let model = LanguageModel::load(&tuned.model, tuned.adapter.as_deref(), self.device)?;
        let (mut folder, is_begun) = run_folder(run, &config)?;
        let around = ppo::Surroundings { instructor: &instructor, teacher, dataset, model, config: &config };
        let start = if is_begun { ppo::Training::resume } else { ppo::Training::fresh };
        Ok(json!(start(around, &mut folder)?.run(self.stop)?))
    }
}
