//! The common setup of all arms: the data set, the teacher, conversations, and the model that is tuned.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use serde_json::json;

use super::plan::ExperimentPlan;
use super::settings::ExperimentSettings;
use super::small_talk;
use super::step::step;
use crate::data::synth::generate;
use crate::data::{Dataset, DatasetInfo};
use crate::instruct::chat::{self, Conversation};
use crate::instruct::{self, ExampleBuilder};
use crate::pull::resolve_model;
use crate::run::folder::RunFolder;
use crate::task::TaskFamily;
use crate::teacher::{Teacher, train};
use crate::{Error, Result};

/// Invented conversations, where there is no file of them.
const SMALL_TALK: usize = 1200;
/// Every so manieth conversation is held out, to measure what is forgotten.
const HELD_OUT: usize = 10;

/// The data set, teacher and conversations that all arms share.
pub struct Setup {
    pub dataset: Dataset,
    pub teacher: Teacher,
    /// Conversations to train with, and those to measure with; none where no arm needs any.
    pub chat: [Vec<Conversation>; 2],
}

impl Setup {
    /// Makes what is not there yet, in `out`.
    ///
    /// # Errors
    /// A data set or conversations that cannot be read, a training that fails or is interrupted.
    pub fn prepare(
        plan: &ExperimentPlan,
        settings: &ExperimentSettings,
        out: &Path,
        device: &Device,
        stop: &dyn Fn() -> bool,
    ) -> Result<Self> {
        let dataset = dataset(settings, out)?;
        let run = out.join("teacher");
        step("teacher", &run, || train_teacher(&dataset, settings, &run, device, stop))?;
        let teacher = Teacher::load(&run, &dataset, device)?;
        let chat = if talks(plan, settings)? { conversations(settings)? } else { Default::default() };
        Ok(Self { dataset, teacher, chat })
    }
}

fn dataset(settings: &ExperimentSettings, out: &Path) -> Result<Dataset> {
    let Some(folder) = &settings.data else {
        let folder = out.join("data");
        step("data", &folder, || {
            let (dataset, about) = generate(&settings.world, "synth")?;
            dataset.write(&about, &folder)?;
            let DatasetInfo { counts, .. } = about;
            Ok(json!({ "users": counts.users, "items": counts.items }))
        })?;
        return Dataset::read(&folder);
    };
    Dataset::read(Path::new(folder))
}

fn train_teacher(
    dataset: &Dataset,
    settings: &ExperimentSettings,
    run: &Path,
    device: &Device,
    stop: &dyn Fn() -> bool,
) -> Result<train::TeacherSummary> {
    let (mut folder, is_begun) = run_folder(run, &settings.teacher)?;
    let start = if is_begun { train::TeacherTrainer::resume } else { train::TeacherTrainer::fresh };
    start(dataset, &settings.teacher, &mut folder, device)?.run(stop)
}

/// The folder of a run, and whether it holds a training to go on with.
///
/// # Errors
/// A folder that cannot be written.
pub fn run_folder(run: &Path, config: &impl serde::Serialize) -> Result<(RunFolder, bool)> {
    let is_begun = run.join("checkpoints/last.safetensors").exists();
    let folder = if is_begun { RunFolder::reopen(run) } else { RunFolder::create(run, config) }?;
    Ok((folder, is_begun))
}

/// Returns whether an arm needs conversations.
fn talks(plan: &ExperimentPlan, settings: &ExperimentSettings) -> Result<bool> {
    let configs = plan.arms.iter().map(|arm| arm.sft(&settings.sft)).collect::<Result<Vec<_>>>()?;
    Ok(configs.into_iter().flatten().any(|config| config.data.tasks.contains(&TaskFamily::I4)))
}

/// Conversations to train with, and held-out ones.
fn conversations(settings: &ExperimentSettings) -> Result<[Vec<Conversation>; 2]> {
    let all = match &settings.chat {
        Some(file) => chat::read(Path::new(file))?,
        None => small_talk::generate(SMALL_TALK, u64::from(settings.seeds[0])),
    };
    let (held_out, trained): (Vec<_>, Vec<_>) = all.into_iter().enumerate().partition(|(at, _)| at % HELD_OUT == 0);
    let parts = [trained, held_out].map(|part| part.into_iter().map(|(_, talk)| talk).collect::<Vec<_>>());
    if parts[0].is_empty() {
        return Err(Error::bad_input("chat")
            .expected(format!("at least {} conversations", HELD_OUT + 1))
            .found(parts[1].len())
            .into());
    }
    Ok(parts)
}

/// The model that the arms of a seed begin with: the one that the settings name, or one that is trained from scratch.
///
/// # Errors
/// No such model, sizes that do not go together.
pub fn base(setup: &Setup, settings: &ExperimentSettings, seed: u32, out: &Path, device: &Device) -> Result<PathBuf> {
    if let Some(name) = &settings.model {
        return resolve_model(name);
    }
    let folder = out.join(format!("base-{seed}"));
    step(&format!("base-{seed}"), &folder, || {
        // The tokenizer learns the words of all tasks, whatever an arm is trained on.
        let [chat, _] = &setup.chat;
        let mut data = instruct::ExampleConfig { seed: seed.into(), ..settings.sft.data.clone() };
        data.tasks = TaskFamily::ALL.into_iter().filter(|&task| task != TaskFamily::I4 || !chat.is_empty()).collect();
        let builder = ExampleBuilder::new(&setup.dataset, &setup.teacher, chat, data)?;
        settings.from_scratch.write(&folder, &builder, seed.into(), device)?;
        Ok(json!(null))
    })?;
    Ok(folder)
}
