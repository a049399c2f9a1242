mod items;

use std::cell::Cell;
use std::path::Path;

use burn::tensor::Device;
use serde_json::Value;

use super::{SftConfig, SftSummary, SftTrainer};
use crate::data::Dataset;
use crate::data::synth::{self, generate};
use crate::instruct::{self, ExampleBuilder};
use crate::run::checkpoint::LAST;
use crate::run::folder::RunFolder;
use crate::task::TaskFamily;
use crate::teacher::Popularity;
use crate::train::from_scratch::FromScratch;
use crate::train::schedule::LrSchedule;
use crate::train::validation::ValidationConfig;
use crate::train::{Checkpoint, TrainableModel};
use crate::{Error, Result};

fn films() -> Dataset {
    generate(&synth::SynthConfig { users: 40, items: 30, length: 12, seed: 7 }, "films").unwrap().0
}

/// A model trained from scratch that takes milliseconds a step.
fn config() -> SftConfig {
    SftConfig {
        full: true,
        steps: Some(9),
        batch: 4,
        gradient_accumulation_steps: 2,
        max_tokens: 256,
        save_every: 3,
        schedule: LrSchedule { lr: 5e-3, ..LrSchedule::default() },
        data: instruct::ExampleConfig {
            tasks: vec![TaskFamily::I0, TaskFamily::I3],
            ..instruct::ExampleConfig::default()
        },
        validation: ValidationConfig { users: 2, every: Some(4), ..ValidationConfig::default() },
        from_scratch: Some(FromScratch {
            vocab_size: 400,
            d_model: 16,
            n_layers: 1,
            n_heads: 2,
            d_ff: 24,
            max_positions: 1024,
        }),
        ..SftConfig::default()
    }
}

/// [`config`] for an adapter on the model at `path`.
fn with_adapter(path: &Path) -> SftConfig {
    let model = Some(path.display().to_string());
    SftConfig { model, full: false, from_scratch: None, ..config() }
}

fn train(config: &SftConfig, run: &mut RunFolder, resume: bool, stop: impl Fn() -> bool) -> Result<SftSummary> {
    let (dataset, device) = (films(), Device::flex());
    let teacher = Popularity::of(&dataset);
    let builder = ExampleBuilder::new(&dataset, &teacher, &[], config.data.clone())?;
    let trainable = config.trainable_model(run, &builder, !resume, &device)?;
    let start = if resume { SftTrainer::resume } else { SftTrainer::fresh };
    start(&builder, &dataset, config, run, trainable)?.run(stop)
}

fn train_in(folder: &Path, config: &SftConfig) -> Result<SftSummary> {
    train(config, &mut RunFolder::create(folder, config)?, false, || false)
}

/// metrics.jsonl without what no two runs share.
fn metrics(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("metrics.jsonl")).unwrap();
    let line = |line: &str| {
        let mut value: Value = serde_json::from_str(line).unwrap();
        for key in ["seconds", "tokens_per_second", "memory_bytes"] {
            value.as_object_mut().unwrap().remove(key);
        }
        value
    };
    text.lines().map(line).collect()
}

/// Trains with a stop at every second step and goes on each time; returns the number of stops.
fn train_with_stops(folder: &Path, config: &SftConfig) -> usize {
    let steps = Cell::new(0);
    let every_second = || {
        steps.set(steps.get() + 1);
        steps.get() % 2 == 0
    };
    let mut run = RunFolder::create(folder, config).unwrap();
    let mut outcome = train(config, &mut run, false, every_second);
    let mut stops = 0;
    while let Err(Error::Interrupted(_)) = outcome {
        stops += 1;
        drop(run);
        run = RunFolder::reopen(folder).unwrap();
        outcome = train(config, &mut run, true, every_second);
    }
    outcome.unwrap();
    stops
}

#[test]
fn a_run_stopped_at_every_second_step_is_the_unbroken_run() {
    let [unbroken, broken] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let config = config();
    train_in(unbroken.path(), &config).unwrap();
    assert_eq!(train_with_stops(broken.path(), &config), 4);
    assert_eq!(metrics(broken.path()), metrics(unbroken.path()));
    let lines = metrics(unbroken.path());
    let steps: Vec<u64> = lines.iter().map(|line| line["step"].as_u64().unwrap()).collect();
    assert_eq!(steps, [1, 2, 3, 4, 4, 5, 6, 7, 8, 8, 9, 9], "a line for each step and for each validation");
    assert!(lines[4]["validation"]["I0"]["HR"].is_number());
    let weights = |folder: &Path| std::fs::read(folder.join("model/model.safetensors")).unwrap();
    assert!(weights(broken.path()) == weights(unbroken.path()));

    // The same with an adapter on that model, with dropout.
    let [unbroken_adapter, broken_adapter] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let config = with_adapter(&unbroken.path().join("model"));
    train_in(unbroken_adapter.path(), &config).unwrap();
    assert_eq!(train_with_stops(broken_adapter.path(), &config), 4);
    assert_eq!(metrics(broken_adapter.path()), metrics(unbroken_adapter.path()));
    let checkpoint = Checkpoint::of(unbroken_adapter.path()).unwrap();
    assert_eq!(checkpoint.model, unbroken.path().join("model"));
    let adapter = |folder: &Path| std::fs::read(folder.join("adapter/adapter_model.safetensors")).unwrap();
    assert!(adapter(broken_adapter.path()) == adapter(unbroken_adapter.path()));
    let other_seed = SftConfig { seed: 1, ..config.clone() };
    let other = tempfile::tempdir().unwrap();
    train_in(other.path(), &other_seed).unwrap();
    assert_ne!(metrics(other.path())[0]["loss"], metrics(unbroken_adapter.path())[0]["loss"]);
}

#[test]
fn a_run_goes_on_for_longer_but_not_with_other_settings() {
    let folder = tempfile::tempdir().unwrap();
    let short = SftConfig { steps: Some(2), ..config() };
    train_in(folder.path(), &short).unwrap();
    let longer = SftConfig { steps: Some(3), ..config() };
    let mut run = RunFolder::reopen(folder.path()).unwrap();
    assert_eq!(train(&longer, &mut run, true, || false).unwrap().steps, 3);
    let other = SftConfig { batch: 2, ..longer.clone() };
    let error = train(&other, &mut run, true, || false).unwrap_err();
    assert!(error.to_string().contains("--resume") && error.exit_code() == 2, "{error}");
    drop(run);
    let stored = std::fs::read_to_string(folder.path().join("config.toml")).unwrap();
    assert_eq!(toml::from_str::<SftConfig>(&stored).unwrap(), longer, "a refused resume leaves no trace");

    // A fresh run in the same folder has nothing of the old one.
    let mut run = RunFolder::create(folder.path(), &short).unwrap();
    assert!(train(&short, &mut run, false, || true).is_err());
    assert_eq!(metrics(folder.path()).len(), 1);
    std::fs::remove_file(run.checkpoint(LAST)).unwrap();
    let error = train(&short, &mut run, true, || false).unwrap_err();
    assert!(error.to_string().contains("without --resume"), "{error}");
}

#[test]
fn a_loss_that_is_no_number_ends_the_training() {
    let folder = tempfile::tempdir().unwrap();
    let schedule = LrSchedule { lr: 1e30, warmup_ratio: 0.0, ..LrSchedule::default() };
    let error = train_in(folder.path(), &SftConfig { schedule, steps: Some(50), ..config() }).unwrap_err();
    assert!(error.to_string().contains("NaN or infinite") && error.exit_code() == 1, "{error}");
}

#[test]
fn a_model_trained_in_its_own_folder_is_its_own_and_one_that_is_missing_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = RunFolder::create(folder.path(), &config()).unwrap();
    let nobody = SftConfig { from_scratch: None, ..config() };
    let error = train(&nobody, &mut run, false, || false).unwrap_err();
    assert!(error.to_string().contains("--from-scratch"), "{error}");
    assert!(Checkpoint::of(folder.path()).unwrap_err().to_string().contains("model.safetensors"));
    train(&SftConfig { steps: Some(1), ..config() }, &mut run, false, || false).unwrap();
    assert_eq!(
        Checkpoint::of(folder.path()).unwrap(),
        Checkpoint { model: folder.path().join("model"), adapter: None }
    );
    let trainable = TrainableModel::full(&folder.path().join("model"), &Device::flex()).unwrap();
    assert_eq!(trainable.folder(Path::new("run")), Path::new("run/model"));
    trainable.remove_stale(folder.path()).unwrap();
    assert!(folder.path().join("model/model.safetensors").exists(), "no training removes what it begins with");
}
