//! `tiller sft` and `tiller merge` as their users see them: a model trained from scratch, an adapter on it, a process that dies.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use crate::common::memory::assert_flat;
use crate::common::program::{fail, succeed};
use crate::common::run::{Stop, losses, metrics, stopped_midway};

/// Sizes at which a step takes milliseconds.
const SMALL: [&str; 12] = [
    "--set",
    "from_scratch.d_model=16",
    "--set",
    "from_scratch.n_layers=1",
    "--set",
    "from_scratch.vocab_size=600",
    "--batch",
    "4",
    "--set",
    "validation.users=2",
    "--set",
    "validation.every=15",
];

/// A folder with an invented data set and its teacher in `set`.
fn world() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), &["data", "synth", "--users", "100", "--items", "40", "--seed", "3", "--out", "set"]);
    let small = ["--set", "model.d_model=16", "--set", "model.d_ff=16"];
    succeed(folder.path(), &[&["sasrec", "train", "set", "--epochs", "1"], &small[..]].concat());
    folder
}

#[test]
fn a_model_is_trained_from_scratch_adapted_merged_and_queried() {
    let folder = world();
    let folder = folder.path();
    let steps = ["--steps", "20", "--json"];
    let summary =
        succeed(folder, &[&["sft", "set", "--from-scratch", "tiny", "--out", "run"], &SMALL[..], &steps].concat());
    let summary: Value = serde_json::from_str(&summary).unwrap();
    assert_eq!((&summary["summary"]["steps"], &summary["model"]), (&Value::from(20), &Value::from("run/model")));
    for file in ["config.toml", "checkpoints/last.safetensors", "model/tokenizer.json", "model/config.json"] {
        assert!(folder.join("run").join(file).exists(), "{file}");
    }
    let lines = metrics(&folder.join("run"));
    assert!(lines[0]["memory_bytes"].is_u64() && lines[0]["tokens_per_second"].is_f64());
    let validation = &lines.last().unwrap()["validation"];
    for probe in ["I0", "+C", "-C", "LP", "MP", "EP"] {
        assert!(validation[probe]["NDCG"].is_f64(), "{validation}");
    }
    let losses = losses(&folder.join("run"));
    assert!(losses[19].1 < losses[0].1, "{losses:?}");
    let events = std::fs::read_dir(folder.join("run")).unwrap().flatten();
    assert!(events.into_iter().any(|file| file.file_name().to_string_lossy().starts_with("events.out.tfevents.")));

    let recommend = |model: &[&str]| -> Value {
        let asked = ["recommend", "set", "--user", "u1", "-k", "4", "--json"];
        serde_json::from_str(&succeed(folder, &[&asked, model].concat())).unwrap()
    };
    assert_eq!(recommend(&["--model", "run/model"])["items"].as_array().unwrap().len(), 4);

    let on_it =
        ["sft", "set", "--model", "run/model", "--rank", "2", "--tasks", "I0", "--lr", "0.05", "--out", "adapted"];
    succeed(
        folder,
        &[
            &on_it[..],
            &["--batch", "4", "--gradient-accumulation-steps", "1", "--steps", "6", "--set", "validation.users=2"],
        ]
        .concat(),
    );
    let adapted = recommend(&["--model", "run/model", "--adapter", "adapted/adapter"]);
    assert_eq!(recommend(&["--run", "adapted"])["items"], adapted["items"]);
    succeed(folder, &["merge", "adapted", "--out", "merged"]);
    assert_eq!(recommend(&["--model", "merged"])["items"], adapted["items"]);
    fail(folder, &["merge", "run", "--out", "merged"], 2, "as it is");

    // The adapter was trained at a rate that moves weights further than f16 rounds them.
    let f16_model = succeed(folder, &["merge", "adapted", "--quant", "f16", "--out", "f16_model", "--json"]);
    let f16_model: Value = serde_json::from_str(&f16_model).unwrap();
    let moved = f16_model["moved"].as_array().unwrap();
    assert_eq!(moved.len(), 8, "{moved:?}");
    assert!(moved.iter().all(|part| part["adapted"].as_f64() > part["rounded"].as_f64()), "{moved:?}");
    assert_eq!(recommend(&["--model", "f16_model"])["items"], adapted["items"]);
    fail(folder, &["merge", "adapted", "--quant", "q4_0", "--out", "packed"], 2, "ending in .gguf");
}

#[test]
fn a_process_that_is_interrupted_and_killed_at_any_step_goes_on_as_if_it_had_not_been() {
    let folder = world();
    let folder = folder.path();
    let sft = |run: &'static str| {
        let steps = ["--from-scratch", "tiny", "--steps", "80", "--set", "save_every=5", "--out", run];
        [&["sft", "set", "--tasks", "I0,I3"], &SMALL[..], &steps].concat()
    };
    succeed(folder, &sft("unbroken"));
    let (broken, resume) = (folder.join("broken"), ["sft", "set", "--resume", "--out", "broken"]);
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut is_broken_twice = || {
        let _ = std::fs::remove_dir_all(&broken);
        let (lines, stop) = if cfg!(unix) { (1..15, Stop::Interrupt) } else { (6..15, Stop::Kill) };
        stopped_midway(folder, &sft("broken"), "broken", rng.random_range(lines), stop)
            && stopped_midway(folder, &resume, "broken", rng.random_range(6..15), Stop::Kill)
    };
    while !is_broken_twice() {}
    succeed(folder, &resume);
    assert_eq!(losses(&broken), losses(&folder.join("unbroken")));
    assert_eq!(losses(&broken).len(), 80);
    let weights = |run: &str| std::fs::read(folder.join(run).join("model/model.safetensors")).unwrap();
    assert!(weights("broken") == weights("unbroken"));
}

#[test]
fn memory_does_not_grow_over_two_hundred_steps() {
    let folder = world();
    let folder = folder.path();
    let steps = ["--from-scratch", "tiny", "--steps", "260", "--set", "validation.every=1000", "--out", "run"];
    succeed(folder, &[&["sft", "set", "--tasks", "I0"], &SMALL[..10], &steps].concat());
    let memory: Vec<u64> =
        metrics(&folder.join("run")).iter().filter_map(|line| line["memory_bytes"].as_u64()).collect();
    assert_eq!(memory.len(), 260);
    // A graph that is not freed would take megabytes in each step.
    assert_flat(&memory, 24 << 20);
}

#[test]
fn wrong_usage_is_answered_with_exit_code_2_and_what_does_not_fit_with_3() {
    let folder = world();
    let folder = folder.path();
    fail(folder, &["sft", "set", "--out", "run"], 2, "--from-scratch");
    fail(folder, &["sft", "set", "--model", "nowhere", "--out", "run"], 2, "nowhere");
    fail(folder, &["sft", "set", "--from-scratch", "tiny", "--batch", "0", "--out", "run"], 2, "batch");
    fail(
        folder,
        &["sft", "set", "--from-scratch", "tiny", "--set", "from_scratch.n_heads=5", "--out", "run"],
        2,
        "from_scratch.d_model",
    );
    fail(folder, &["sft", "set", "--resume", "--out", "run"], 2, "without --resume");
    let huge = ["--set", "from_scratch.d_model=8192", "--set", "from_scratch.n_layers=400"];
    fail(folder, &[&["sft", "set", "--from-scratch", "tiny", "--out", "run"], &huge[..]].concat(), 3, "does not fit");
    assert!(!folder.join("run").exists(), "nothing is written before it is known to fit");
}
