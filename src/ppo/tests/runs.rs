//! Whole trainings: their folders, their resumption, their memory.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::toy::{builder, config, films, model};
use crate::Error;
use crate::ppo::config::PpoConfig;
use crate::ppo::hyperparameters::Baseline;
use crate::ppo::{PolicySummary, PpoTrainer, TrainContext};
use crate::run::folder::RunFolder;
use crate::teacher::Popularity;

/// Trains in `out`, from the beginning or from the last checkpoint, until `stop` has been asked `patience` times.
fn train(config: &PpoConfig, out: &Path, resume: bool, patience: usize) -> crate::Result<PolicySummary> {
    let dataset = films();
    let teacher = Popularity::of(&dataset);
    let builder = builder(&dataset, &teacher);
    let model = model(&dataset);
    let context = TrainContext { builder: &builder, teacher: &teacher, dataset: &dataset, model, config };
    let mut run = if resume { RunFolder::reopen(out)? } else { RunFolder::create(out, config)? };
    let asked = Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        asked.get() > patience
    };
    let start = if resume { PpoTrainer::resume } else { PpoTrainer::fresh };
    start(context, &mut run)?.run(stop)
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

fn adapter(out: &Path) -> Vec<u8> {
    std::fs::read(out.join("adapter/adapter_model.safetensors")).unwrap()
}

#[test]
fn a_run_that_was_stopped_and_resumed_is_the_one_that_was_not() {
    for baseline in [Baseline::Rloo, Baseline::Critic] {
        let mut config = config();
        config.learning.baseline = baseline;
        config.learning.scale_rewards = true;
        config.schedule.lr = 0.01;
        // Supervised examples take an untrained model far from its reference.
        config.divergence_guard.max_kl = f64::MAX;
        let folder = tempfile::tempdir().unwrap();
        let (whole, parts) = (folder.path().join("whole"), folder.path().join("parts"));
        let summary = train(&config, &whole, false, usize::MAX).unwrap();
        assert_eq!(summary.iterations, 4);
        // Each portion is stopped in the middle of an iteration.
        let mut portions = 0;
        while let Err(error) = train(&config, &parts, portions > 0, 7) {
            assert!(matches!(error, Error::Interrupted(_)), "{error}");
            portions += 1;
            assert!(portions < 20);
        }
        assert!(portions > 0);
        for file in ["metrics.jsonl", "samples.jsonl"] {
            assert_eq!(lines(&parts, file), lines(&whole, file), "{file}");
        }
        assert_eq!(adapter(&parts), adapter(&whole));
        let steps = lines(&whole, "metrics.jsonl");
        let validations: Vec<u64> =
            steps.iter().filter(|l| l.get("validation").is_some()).map(|l| l["step"].as_u64().unwrap()).collect();
        assert_eq!(validations, [0, 2, 4]);
        assert!(steps.iter().any(|line| line.get("value_loss").is_some()) == (baseline == Baseline::Critic));
        let samples = lines(&whole, "samples.jsonl");
        let tasks: BTreeSet<&str> = samples.iter().filter_map(|sample| sample["practice"].as_str()).collect();
        assert!(tasks.len() > 2, "{tasks:?}");
    }
}

#[test]
fn other_settings_and_missing_checkpoints_are_no_resumption() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let config = PpoConfig { iterations: 1, ..config() };
    train(&config, &out, false, usize::MAX).unwrap();
    let other = PpoConfig { seed: 7, ..config.clone() };
    let error = train(&other, &out, true, usize::MAX).unwrap_err();
    assert!(error.to_string().starts_with("--resume") && error.exit_code() == 2, "{error}");
    // Batches change no result.
    let mut longer = PpoConfig { iterations: 2, ..config.clone() };
    (longer.rollout.batch, longer.learning.batch) = (Some(5), Some(1));
    assert_eq!(train(&longer, &out, true, usize::MAX).unwrap().iterations, 2);
    std::fs::remove_file(out.join("checkpoints/last.safetensors")).unwrap();
    assert_eq!(train(&config, &out, true, usize::MAX).unwrap_err().exit_code(), 2);
}

#[test]
fn a_policy_that_runs_away_is_stopped_and_what_was_good_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let mut config = config();
    config.schedule.lr = 0.02;
    config.divergence_guard.max_kl = 1e-4;
    let error = train(&config, &out, false, usize::MAX).unwrap_err();
    let told = error.to_string();
    assert!(told.contains("left the reference") && told.contains("next:") && error.exit_code() == 1, "{told}");
    let last = lines(&out, "metrics.jsonl").iter().filter_map(|line| line["step"].as_u64()).max().unwrap();
    assert!(last >= 1, "the first iteration is at the reference itself");
    adapter(&out);
    // With other limits, which are settings, the run does not go on; its checkpoint is whole.
    assert!(train(&config, &out, true, usize::MAX).unwrap_err().to_string().contains("left the reference"));
}
