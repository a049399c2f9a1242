//! The run of an experiment from its first step to its table.

use std::io::Write;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tiller_models::atomic::write_atomically;
use tiller_models::generate::{GenerateOptions, Sampling};
use tiller_models::language_model::{InferenceModel, LanguageModel, StorageOptions};
use toml::Table;

use super::arms::ArmTrainer;
use super::outcome::Outcome;
use super::plan::ExperimentPlan;
use super::settings::ExperimentSettings;
use super::setup::{Setup, base};
use super::step::{StepRecord, step};
use crate::constrain::Mode;
use crate::distill::DistillConfig;
use crate::evaluate::{Evaluation, Evaluator, LlmSystem, ScorerSystem, TEACHER, TunedGuide, perplexity};
use crate::recommend::answer::OutputFormat;
use crate::recommend::recommender::{Recommender, enough_tokens};
use crate::run::config::overlaid;
use crate::run::progress::Progress;
use crate::teacher::Popularity;
use crate::train::Checkpoint;
use crate::{Error, Result};

/// The experiment as it was begun.
const EXPERIMENT: &str = "experiment.toml";

/// The content of experiment.toml.
#[derive(Serialize, Deserialize)]
struct Whole<P, S> {
    plan: P,
    settings: S,
}

/// Runs an experiment in `out`, from wherever it stands there. `device_name` is for the protocol; `stop` is asked whether to end early.
///
/// # Errors
/// Another experiment in `out`, whatever a step refuses; [`Error::Interrupted`] where `stop` said so.
pub fn run(
    plan: &ExperimentPlan,
    settings: &ExperimentSettings,
    out: &Path,
    (device, device_name): (&Device, &str),
    stop: &dyn Fn() -> bool,
) -> Result<Outcome> {
    begin(plan, settings, out)?;
    let setup = Setup::prepare(plan, settings, out, device, stop)?;
    let (mut evaluations, mut steps) = (Vec::new(), Vec::new());
    for &seed in &settings.seeds {
        let base = base(&setup, settings, seed, out, device)?;
        let trainer = ArmTrainer { setup: &setup, settings, base: &base, seed, out, device, stop };
        for arm in &plan.arms {
            trainer.train(arm)?;
            let seconds = StepRecord::read(&trainer.run(&arm.name))?.map_or(0.0, |done| done.seconds);
            steps.push((format!("{}-{seed}", arm.name), seconds));
        }
        let folder = out.join(format!("evaluation-{seed}"));
        let done = step(&format!("evaluation-{seed}"), &folder, || {
            let evaluation = evaluate(plan, &trainer, device_name)?;
            evaluation.write(&folder.join("eval.json"))?;
            Ok(json!(null))
        })?;
        steps.push((format!("evaluation-{seed}"), done.seconds));
        evaluations.push(Evaluation::read(&folder.join("eval.json"))?);
    }
    Outcome::of(plan, settings, steps, evaluations)
}

/// Stores what the experiment is, or makes sure that it is the one that was begun: the same values, under whatever name a release gave
/// their keys, in batches of any size.
fn begin(plan: &ExperimentPlan, settings: &ExperimentSettings, out: &Path) -> Result<()> {
    let path = out.join(EXPERIMENT);
    if !path.exists() {
        let text = text(plan, settings)?;
        return write_atomically(&path, |file| file.write_all(text.as_bytes()));
    }
    let begun = read(&path)?;
    let begun = resolved(&begun.plan, &begun.settings.with_batches_of(settings))?;
    let now = resolved(plan, settings)?;
    if begun == now {
        return Ok(());
    }
    let differs = begun.lines().zip(now.lines()).find(|(begun, now)| begun != now);
    Err(Error::bad_input(out.display())
        .expected("the experiment that was begun there, or an empty folder")
        .found(differs.map_or_else(|| "another one".into(), |(begun, now)| format!("`{begun}` there, `{now}` now")))
        .next("choose another --out, or the same settings to go on")
        .into())
}

fn text(plan: &ExperimentPlan, settings: &ExperimentSettings) -> Result<String> {
    toml::to_string_pretty(&Whole { plan, settings }).map_err(|e| Error::Failed(format!("{EXPERIMENT}: {e}")))
}

/// The text with the whole settings of each arm. Settings of a training that no arm has make no difference: earlier releases had no
/// distillation.
fn resolved(plan: &ExperimentPlan, settings: &ExperimentSettings) -> Result<String> {
    let ExperimentSettings { sft, distill, ppo, .. } = settings;
    let whole = plan.resolved(sft, distill, ppo)?;
    match plan.arms.iter().any(|arm| arm.distill.is_some()) {
        true => text(&whole, settings),
        false => text(&whole, &ExperimentSettings { distill: DistillConfig::default(), ..settings.clone() }),
    }
}

/// The experiment that was begun, with former names of its keys translated.
fn read(path: &Path) -> Result<Whole<ExperimentPlan, ExperimentSettings>> {
    let text = std::fs::read_to_string(path).map_err(Error::io(path, "read"))?;
    let Whole { plan, settings } = toml::from_str::<Whole<_, Table>>(&text).map_err(|e| {
        Error::bad_input(path.display())
            .expected("an experiment that was begun")
            .found(e.message())
            .next("choose another --out")
    })?;
    Ok(Whole { plan, settings: overlaid(&ExperimentSettings::default(), &settings, &path.display())? })
}

/// Puts the same questions to all arms of a seed.
fn evaluate(plan: &ExperimentPlan, trainer: &ArmTrainer, device_name: &str) -> Result<Evaluation> {
    let ArmTrainer { setup, settings, device, .. } = trainer;
    let Setup { dataset, teacher, chat } = setup;
    let catalogue = &dataset.catalogue;
    let mut evaluator = Evaluator::new(dataset, teacher, settings.eval.clone(), device_name.to_owned())?;
    // A model that was trained from scratch is nothing before it is trained.
    let untuned = settings
        .model
        .is_some()
        .then(|| ("base".to_owned(), Checkpoint { model: trainer.base.to_owned(), adapter: None }));
    let guided_modes = settings.decode.iter().filter(|mode| settings.guide && **mode == Mode::Strict).count();
    let rows =
        2 + (plan.arms.len() + usize::from(untuned.is_some())) * settings.decode.len() + plan.arms.len() * guided_modes;
    let bar = Progress::start("evaluate", rows as u64 * evaluator.n_queries(), "lists");
    let popularity = Popularity::of(dataset);
    evaluator.evaluate(&ScorerSystem { name: "popularity".into(), catalogue, scorer: &popularity }, None, &bar)?;
    evaluator.evaluate(&ScorerSystem { name: TEACHER.into(), catalogue, scorer: teacher }, None, &bar)?;

    // Each with the run folder of its training, which keeps the guide weight.
    let mut models: Vec<(String, Checkpoint, Option<PathBuf>)> =
        untuned.into_iter().map(|(name, checkpoint)| (name, checkpoint, None)).collect();
    for arm in &plan.arms {
        let run = trainer.run(&arm.name);
        models.push((arm.name.clone(), Checkpoint::of(&run)?, Some(run)));
    }
    for (name, checkpoint, run) in models {
        let (path, adapter) = (checkpoint.model.as_path(), checkpoint.adapter.as_deref());
        let talk = match chat[1].as_slice() {
            [] => None,
            talk => Some(perplexity(&LanguageModel::load(path, adapter, device)?, talk, dataset, &bar)?),
        };
        let model = InferenceModel::load(path, adapter, StorageOptions::default(), device)?;
        let format = if run.is_some() { OutputFormat::Strict } else { OutputFormat::Lenient };
        let system_of = |mode| -> Result<LlmSystem> {
            let options = GenerateOptions {
                max_new_tokens: enough_tokens(settings.eval.k + 5),
                sampling: Sampling::Greedy,
                seed: 0,
            };
            let recommender = Recommender::new(&model, catalogue, format, options, mode)?;
            Ok(LlmSystem { name: name.clone(), recommender, batch: settings.batch })
        };
        for &mode in &settings.decode {
            let mut system = system_of(mode)?;
            evaluator.evaluate(&system, talk, &bar)?;
            if let (true, Mode::Strict, Some(run)) = (settings.guide, mode, &run) {
                let guide = tuned_guide(system_of(mode)?, trainer, run, device_name)?;
                system.recommender = system.recommender.guided_by(teacher, guide.weight);
                evaluator.evaluate(&system, talk, &bar)?;
            }
        }
    }
    bar.finish();
    Ok(evaluator.finish())
}

/// The guide weight of a run, chosen where it has none yet.
fn tuned_guide(system: LlmSystem, trainer: &ArmTrainer, run: &Path, device_name: &str) -> Result<TunedGuide> {
    if let Some(tuned) = TunedGuide::read(run)? {
        return Ok(tuned);
    }
    let Setup { dataset, teacher, .. } = trainer.setup;
    let settings = TunedGuide::settings(&trainer.settings.eval);
    let trials = Evaluator::new(dataset, teacher, settings, device_name.to_owned())?;
    let tuned = TunedGuide::choose(system, (teacher, &trainer.out.join("teacher")), trials)?;
    tuned.write(run)?;
    Ok(tuned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::ExperimentSize;
    use crate::run::config::ConfigLayers;

    /// The plan, and what version 0.1.0 stored of it in size "quick".
    const FORMER: [&str; 2] = [
        include_str!("../../tests/fixtures/v0.1.0/experiment/former.toml"),
        include_str!("../../tests/fixtures/v0.1.0/experiment/experiment.toml"),
    ];

    #[test]
    fn an_experiment_of_version_0_1_0_goes_on_if_its_values_are_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let [file, out] = ["former.toml", "out"].map(|name| folder.path().join(name));
        std::fs::create_dir(&out).unwrap();
        std::fs::write(out.join(EXPERIMENT), FORMER[1]).unwrap();
        let begin_with = |plan: &str, flags: &str| -> Result<()> {
            std::fs::write(&file, plan).unwrap();
            let (plan, layers) = (ExperimentPlan::find(file.to_str().unwrap())?, ConfigLayers::default());
            let settings = ExperimentSettings::resolve(ExperimentSize::Quick, &plan, &layers, flags.parse().unwrap())?;
            begin(&plan, &settings, &out)
        };
        let today = FORMER[0].replace("accumulate", "gradient_accumulation_steps").replace("rehearsal", "sft_mixin");
        assert_ne!(today, FORMER[0]);
        for plan in [FORMER[0], today.as_str()] {
            begin_with(plan, "").unwrap();
            // Version 0.1.0 stored the sizes of its batches, which change no result.
            begin_with(plan, "[ppo.learning]\nbatch = 3\n[sft]\nmicro_batch = 2").unwrap();
        }
        let other_arm = FORMER[0].replace("accumulate = 2", "accumulate = 3");
        for (plan, flags, part) in [
            (FORMER[0], "[ppo.learning]\nkl_coef = 0.5", "`kl_coef = 0.02` there, `kl_coef = 0.5` now"),
            (other_arm.as_str(), "", "`gradient_accumulation_steps = 2` there, `gradient_accumulation_steps = 3` now"),
        ] {
            let error = begin_with(plan, flags).unwrap_err();
            assert!(error.to_string().contains(part) && error.exit_code() == 2, "{error}");
        }
        assert_eq!(std::fs::read_to_string(out.join(EXPERIMENT)).unwrap(), FORMER[1], "it stays as it was begun");
    }
}
