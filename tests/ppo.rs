//! `tiller ppo` as its users see it: after `tiller sft`, before `tiller recommend`, killed and resumed, refused.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::common::memory::assert_flat;
use crate::common::program::{command, fail, succeed};
use crate::common::run::{self, Stop, stopped_midway};

/// Sizes at which an iteration takes milliseconds.
const SMALL: [&str; 18] = [
    "--set",
    "rollout.prompts=3",
    "--set",
    "rollout.samples=2",
    "--set",
    "learning.minibatch=4",
    "--set",
    "learning.batch=3",
    "--set",
    "actor.rank=2",
    "--set",
    "critic.rank=2",
    "--set",
    "validation.users=2",
    "--set",
    "validation.every=5",
    "--lr",
    "0.01",
];

/// A folder with an invented data set, its teacher in `set`, and a hardly tuned model in `sft`.
fn world() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), &["data", "synth", "--users", "60", "--items", "40", "--seed", "3", "--out", "set"]);
    let small = ["--set", "model.d_model=16", "--set", "model.d_ff=16", "--epochs", "1"];
    succeed(folder.path(), &[&["sasrec", "train", "set"], &small[..]].concat());
    let sizes =
        ["from_scratch.d_model=16", "from_scratch.n_layers=1", "from_scratch.vocab_size=600", "validation.users=2"];
    let sizes: Vec<&str> = sizes.into_iter().flat_map(|size| ["--set", size]).collect();
    let sft = ["sft", "set", "--from-scratch", "tiny", "--batch", "4", "--steps", "8", "--out", "sft"];
    succeed(folder.path(), &[&sft, &sizes[..]].concat());
    folder
}

/// The lines of a run's metrics.jsonl, without what differs from run to run.
fn metrics(run: &Path) -> Vec<Value> {
    let mut lines = run::metrics(run);
    for line in lines.iter_mut().filter_map(Value::as_object_mut) {
        ["seconds", "tokens_per_second", "memory_bytes"].iter().for_each(|key| drop(line.remove(*key)));
    }
    lines
}

#[test]
fn a_tuned_model_is_aligned_asked_and_aligned_further() {
    let folder = world();
    let folder = folder.path();
    let ppo = ["ppo", "set", "--run", "sft", "--out", "ppo", "--iterations", "2", "--reward", "item", "--json"];
    let summary: Value = serde_json::from_str(&succeed(folder, &[&ppo, &SMALL[..]].concat())).unwrap();
    let summary = &summary["summary"];
    assert_eq!(summary["iterations"], 2);
    assert!(summary["before"]["+C"]["TCP"].is_f64() && summary["after"]["LP"]["reward"].is_f64(), "{summary}");
    let config = std::fs::read_to_string(folder.join("ppo/config.toml")).unwrap();
    assert!(config.contains("level = \"item\"") && config.contains("trained_wordings = true"), "{config}");
    let lines = metrics(&folder.join("ppo"));
    let first = &lines[1];
    for key in ["policy_loss", "approx_kl", "clipfrac", "entropy", "grad_norm", "lr", "item_reward"] {
        assert!(first[key].is_f64(), "{key} in {first}");
    }
    let kl = first["objective"]["kl"].as_f64().unwrap();
    assert!(kl.abs() < 1e-3 && first["lists"]["NonExist"].is_f64(), "{first}");

    let asked = ["recommend", "set", "--run", "ppo", "--user", "u1", "-k", "4", "--json"];
    let list: Value = serde_json::from_str(&succeed(folder, &asked)).unwrap();
    assert_eq!(list["items"].as_array().unwrap().len(), 4);

    // The aligned model is one to align: the new run goes on from the adapter of this one.
    let further = ["ppo", "set", "--run", "ppo", "--out", "further", "--iterations", "1"];
    succeed(folder, &[&further, &SMALL[..]].concat());
    let paper = ["ppo", "set", "--run", "sft", "--out", "paper", "--iterations", "1", "--preset", "paper"];
    succeed(folder, &[&paper, &SMALL[4..]].concat());
    assert!(metrics(&folder.join("paper"))[1]["explained_variance"].is_f64());
}

#[test]
fn a_process_that_is_killed_goes_on_as_if_it_had_not_been() {
    let folder = world();
    let folder = folder.path();
    let ppo = |run: &'static str| {
        [&["ppo", "set", "--run", "sft", "--iterations", "12", "--lr", "0.0005", "--out", run], &SMALL[..16]].concat()
    };
    succeed(folder, &ppo("unbroken"));
    while !stopped_midway(folder, &ppo("broken"), "broken", 6, Stop::Kill) {
        std::fs::remove_dir_all(folder.join("broken")).unwrap();
    }
    succeed(folder, &["ppo", "set", "--out", "broken", "--resume"]);
    let (unbroken, broken) = (metrics(&folder.join("unbroken")), metrics(&folder.join("broken")));
    assert_eq!(broken, unbroken);
    let adapter = |run: &str| std::fs::read(folder.join(run).join("adapter/adapter_model.safetensors")).unwrap();
    assert_eq!(adapter("broken"), adapter("unbroken"));
    fail(folder, &["ppo", "set", "--out", "broken", "--resume", "--seed", "9"], 2, "--resume: expected the settings");
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_the_last_whole_iteration_and_the_run_goes_on_from_there() {
    let folder = world();
    let folder = folder.path();
    let ppo = ["ppo", "set", "--run", "sft", "--out", "ppo", "--iterations", "100000"];
    let mut training = command(folder, &[&ppo, &SMALL[..16], &["--lr", "0.0005"]].concat()).spawn().unwrap();
    let metrics = || metrics(&folder.join("ppo"));
    while metrics().len() < 3 {
        assert!(training.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    Command::new("kill").args(["-INT", &training.id().to_string()]).status().unwrap();
    assert_eq!(training.wait().unwrap().code(), Some(130));

    let done = metrics().iter().filter_map(|line| line["step"].as_u64()).max().unwrap();
    let longer = (done + 1).to_string();
    succeed(folder, &["ppo", "set", "--out", "ppo", "--resume", "--iterations", &longer]);
    assert_eq!(metrics().iter().filter_map(|line| line["step"].as_u64()).max(), Some(done + 1));
}

#[test]
fn memory_does_not_grow_over_fifty_iterations() {
    let folder = world();
    let folder = folder.path();
    // The supervised examples (PTX loss) move a hardly tuned model far from where it started.
    let critic = ["--set", "learning.baseline=critic", "--set", "divergence_guard.max_kl=100", "--iterations", "60"];
    let ppo = ["ppo", "set", "--run", "sft", "--out", "ppo"];
    succeed(folder, &[&ppo[..], &critic, &SMALL[..16], &["--lr", "0.0005"]].concat());
    let memory: Vec<u64> =
        run::metrics(&folder.join("ppo")).iter().filter_map(|line| line["memory_bytes"].as_u64()).collect();
    assert_eq!(memory.len(), 60);
    // What an iteration leaves behind would be a megabyte in each at least.
    assert_flat(&memory, 24 << 20);
}

#[test]
fn what_cannot_be_aligned_is_refused_with_a_next_step() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fail(folder, &["ppo", "set", "--out", "ppo"], 2, "tiller sft");
    fail(folder, &["ppo", "set", "--run", "nowhere", "--out", "ppo"], 2, "nowhere");
    fail(folder, &["ppo", "set", "--model", "m", "--out", "ppo", "--set", "learning.gamma=2"], 2, "learning.gamma");
    fail(folder, &["ppo", "set", "--model", "m", "--out", "ppo", "--set", "rollout.samples=1"], 2, "rollout.samples");
    fail(folder, &["ppo", "set", "--out", "ppo", "--resume"], 2, "a run to go on with");
    fail(folder, &["ppo", "set", "--out", "ppo", "--adapter", "a"], 2, "--model");
}
