//! `tiller distill` as its users see it: after `tiller sft`, before `tiller ppo`, stopped and resumed, refused.

use std::path::Path;

use serde_json::Value;

use crate::common::program::{fail, succeed};
use crate::common::run::{self, Stop, stopped_midway};
use crate::common::world::{self, DISTILL};

/// The lines of a run's metrics.jsonl, without what differs from run to run.
fn metrics(run: &Path) -> Vec<Value> {
    let mut lines = run::metrics(run);
    for line in lines.iter_mut().filter_map(Value::as_object_mut) {
        ["seconds", "tokens_per_second", "memory_bytes"].iter().for_each(|key| drop(line.remove(*key)));
    }
    lines
}

#[test]
fn a_tuned_model_is_distilled_asked_aligned_and_distilled_further() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    world::tune(folder);
    let summary: Value = serde_json::from_str(&succeed(folder, &[DISTILL, &["--json"]].concat())).unwrap();
    let summary = &summary["summary"];
    assert_eq!(summary["iterations"], 6);
    assert!(summary["before"]["+C"]["TCP"].is_f64() && summary["after"]["LP"]["reward"].is_f64(), "{summary}");
    // All weights of a model that was trained from scratch learn, in larger steps, and it is asked in the words that it knows.
    let config = std::fs::read_to_string(folder.join("distilled/config.toml")).unwrap();
    for setting in ["full = true", "from_scratch = true", "trained_wordings = true", "lr = 0.002"] {
        assert!(config.contains(setting), "{setting} in {config}");
    }
    let first = &metrics(&folder.join("distilled"))[1];
    for key in ["loss", "ptx_loss", "grad_norm", "lr", "reward", "whole"] {
        assert!(first[key].is_f64(), "{key} in {first}");
    }
    let asked = ["recommend", "films", "--model", "distilled/model", "--user", "u1", "-k", "4", "--json"];
    let list: Value = serde_json::from_str(&succeed(folder, &asked)).unwrap();
    assert_eq!(list["items"].as_array().unwrap().len(), 4);
    succeed(folder, &["report", "sft", "distilled"]);

    // Rewards behind it, and the adapter that they made distilled further.
    let small = ["--set", "rollout.prompts=2", "--set", "validation.users=2"];
    let ppo = ["ppo", "films", "--run", "distilled", "--out", "ppo", "--iterations", "1", "--set", "rollout.samples=2"];
    succeed(folder, &[&ppo, &small[..]].concat());
    assert!(std::fs::read_to_string(folder.join("ppo/config.toml")).unwrap().contains("kl_coef = 0.02"));
    let further = ["distill", "films", "--run", "ppo", "--out", "further", "--iterations", "1"];
    succeed(folder, &[&further, &small[..]].concat());
    assert!(folder.join("further/adapter/adapter_model.safetensors").exists());
}

#[test]
fn a_distillation_that_is_stopped_goes_on_as_if_it_had_not_been() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    world::tune(folder);
    let distill = |run: &'static str| [&DISTILL[..DISTILL.len() - 1], &[run]].concat();
    succeed(folder, &distill("unbroken"));
    while !stopped_midway(folder, &distill("broken"), "broken", 3, Stop::Kill) {
        std::fs::remove_dir_all(folder.join("broken")).unwrap();
    }
    succeed(folder, &["distill", "films", "--out", "broken", "--resume"]);
    assert_eq!(metrics(&folder.join("broken")), metrics(&folder.join("unbroken")));
    let weights = |run: &str| std::fs::read(folder.join(run).join("model/model.safetensors")).unwrap();
    assert!(weights("broken") == weights("unbroken"));
    fail(
        folder,
        &["distill", "films", "--out", "broken", "--resume", "--seed", "9"],
        2,
        "--resume: expected the settings",
    );
}

#[test]
fn what_cannot_be_distilled_is_refused_with_a_next_step() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fail(folder, &["distill", "set", "--out", "d"], 2, "tiller sft");
    fail(folder, &["distill", "set", "--run", "nowhere", "--out", "d"], 2, "nowhere");
    fail(
        folder,
        &["distill", "set", "--model", "m", "--out", "d", "--set", "teacher_temperature=0"],
        2,
        "teacher_temp",
    );
    fail(folder, &["distill", "set", "--out", "d", "--resume"], 2, "a run to go on with");
}
