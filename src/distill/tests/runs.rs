//! Whole trainings: what they learn, their folders, their resumption.

use std::cell::Cell;
use std::path::Path;

use burn::tensor::Device;
use serde_json::Value;

use crate::Error;
use crate::constrain::GuideWeight;
use crate::distill::{DistillConfig, DistillContext, DistillTrainer};
use crate::ppo::PolicySummary;
use crate::ppo::tests::toy::{builder, films, write_model};
use crate::run::folder::RunFolder;
use crate::teacher::Popularity;
use crate::train::Checkpoint;

/// Few and short answers.
fn config(full: bool) -> DistillConfig {
    let mut config = DistillConfig { iterations: 4, full, minibatch: 4, batch: Some(3), ..DistillConfig::default() };
    config.rollout.prompts = 3;
    config.sft_mixin.examples = 2;
    config.schedule.lr = 0.01;
    config.lora.rank = 2;
    config.validation.users = 2;
    config.validation.every = 2;
    config
}

/// Distils in `folder`/`out`, from the beginning or from the last checkpoint, until `stop` has been asked `patience` times.
fn distil(
    folder: &Path,
    out: &str,
    config: &DistillConfig,
    resume: bool,
    patience: usize,
) -> crate::Result<PolicySummary> {
    let dataset = films();
    let (base, out) = (folder.join("base"), folder.join(out));
    if !base.exists() {
        std::fs::create_dir(&base).unwrap();
        write_model(&dataset, &base);
    }
    let config = DistillConfig { model: Some(base.display().to_string()), ..config.clone() };
    let teacher = Popularity::of(&dataset);
    let builder = builder(&dataset, &teacher);
    let trainable = config.trainable_model(&base, None, &Device::flex())?;
    let context = DistillContext { builder: &builder, teacher: &teacher, dataset: &dataset, config: &config };
    let mut run = if resume { RunFolder::reopen(&out)? } else { RunFolder::create(&out, &config)? };
    let asked = Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        asked.get() > patience
    };
    let start = if resume { DistillTrainer::resume } else { DistillTrainer::fresh };
    start(context, &mut run, trainable)?.run(stop)
}

/// The lines of a file of JSON, without what differs from run to run.
fn lines(out: &Path, file: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(out.join(file)).unwrap();
    let line = |line: &str| {
        let mut value: Value = serde_json::from_str(line).unwrap();
        for key in ["seconds", "tokens_per_second", "memory_bytes"] {
            value.as_object_mut().unwrap().remove(key);
        }
        value
    };
    text.lines().map(line).collect()
}

/// A training long enough that an untrained model of sixteen numbers per token learns something of it.
fn long(guide_weight: f64, constraint_weight: f64) -> DistillConfig {
    let guide_weight = GuideWeight::try_from(guide_weight).unwrap();
    let mut config =
        DistillConfig { iterations: 60, minibatch: 16, batch: None, guide_weight, constraint_weight, ..config(true) };
    config.rollout.prompts = 8;
    config.sft_mixin.examples = 8;
    config.schedule.lr = 0.02;
    config.validation.users = 4;
    config.validation.every = 60;
    config
}

/// The divergences of the first five and of the last five of sixty iterations.
fn divergences(out: &Path) -> (f64, f64) {
    let steps = lines(out, "metrics.jsonl");
    let losses: Vec<f64> = steps.iter().filter_map(|line| line["loss"].as_f64()).collect();
    assert!(losses.len() == 60 && losses.iter().all(|loss| *loss > -1e-3), "a divergence is never negative");
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
    (mean(&losses[..5]), mean(&losses[55..]))
}

#[test]
fn the_divergence_from_the_teacher_halves() {
    let folder = tempfile::tempdir().unwrap();
    distil(folder.path(), "out", &long(0.0, 0.0), false, usize::MAX).unwrap();
    let (first, last) = divergences(&folder.path().join("out"));
    assert!(last < 0.5 * first, "{first} to {last}");
}

#[test]
fn what_the_request_does_not_allow_loses_its_probability_to_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    distil(folder.path(), "out", &long(1.0, 1.0), false, usize::MAX).unwrap();
    let (first, last) = divergences(&folder.path().join("out"));
    assert!(last < 0.5 * first, "{first} to {last}");
}

#[test]
fn a_run_that_was_stopped_and_resumed_is_the_one_that_was_not() {
    for full in [false, true] {
        let config = config(full);
        let folder = tempfile::tempdir().unwrap();
        let summary = distil(folder.path(), "whole", &config, false, usize::MAX).unwrap();
        assert_eq!(summary.iterations, 4);
        // Each portion is stopped in the middle of an iteration of two steps.
        let mut portions = 0;
        while let Err(error) = distil(folder.path(), "parts", &config, portions > 0, 2) {
            assert!(matches!(error, Error::Interrupted(_)), "{error}");
            portions += 1;
            assert!(portions < 20);
        }
        assert!(portions > 0);
        let [whole, parts] = ["whole", "parts"].map(|out| folder.path().join(out));
        for file in ["metrics.jsonl", "samples.jsonl"] {
            assert_eq!(lines(&parts, file), lines(&whole, file), "{file}");
        }
        let [of_whole, of_parts] = [&whole, &parts].map(|out| Checkpoint::of(out).unwrap());
        let weights = |checkpoint: &Checkpoint| match &checkpoint.adapter {
            Some(adapter) => std::fs::read(adapter.join("adapter_model.safetensors")).unwrap(),
            None => std::fs::read(checkpoint.model.join("model.safetensors")).unwrap(),
        };
        assert_eq!(of_whole.adapter.is_none(), full);
        assert!(weights(&of_whole) == weights(&of_parts));
        let steps = lines(&whole, "metrics.jsonl");
        let validations: Vec<u64> =
            steps.iter().filter(|l| l.get("validation").is_some()).map(|l| l["step"].as_u64().unwrap()).collect();
        assert_eq!(validations, [0, 2, 4]);
        assert!(steps.iter().any(|line| line["ptx_loss"].is_f64() && line["lists"]["NonExist"].is_f64()));
    }
}

#[test]
fn other_settings_are_no_resumption_and_batches_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let config = DistillConfig { iterations: 1, ..config(false) };
    distil(folder.path(), "out", &config, false, usize::MAX).unwrap();
    let other = DistillConfig { seed: 7, ..config.clone() };
    let error = distil(folder.path(), "out", &other, true, usize::MAX).unwrap_err();
    assert!(error.to_string().starts_with("--resume") && error.exit_code() == 2, "{error}");
    let mut longer = DistillConfig { iterations: 2, batch: Some(1), ..config };
    longer.rollout.batch = Some(5);
    assert_eq!(distil(folder.path(), "out", &longer, true, usize::MAX).unwrap().iterations, 2);
}

/// An adapter of an earlier run is trained further, on the model that it belongs to.
#[test]
fn an_adapter_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let config = DistillConfig { iterations: 2, ..config(false) };
    distil(folder.path(), "first", &config, false, usize::MAX).unwrap();
    let Checkpoint { model, adapter } = Checkpoint::of(&folder.path().join("first")).unwrap();
    let trainable = config.trainable_model(&model, adapter.as_deref(), &Device::flex()).unwrap();
    trainable.write(&folder.path().join("second")).unwrap();
    let weights = |run: &str| std::fs::read(folder.path().join(run).join("adapter/adapter_model.safetensors")).unwrap();
    assert!(weights("second") == weights("first"), "before its first step it is what it was");
}
