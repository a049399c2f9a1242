//! Commands that are killed while they write: whatever was whole before is whole afterwards, in its old form or in its new one,
//! and the command can be given again. A training that is killed over and over ends as if it had never been.
//!
//! `KILLS=20 cargo test --release -p tiller --test tests -- kills` kills each command so many times; the usual run does it less often.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tiller::data::Dataset;

use crate::common::program::{command, succeed};
use crate::common::world::{self, ADAPT, DISTILL, PPO, SFT};

/// Kills of each command in the usual run.
const USUAL_KILLS: u32 = 2;

fn kills() -> u32 {
    std::env::var("KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(USUAL_KILLS)
}

/// A command, how long it takes undisturbed, and how often it was killed.
struct Victim {
    name: String,
    usual: Duration,
    rng: ChaCha8Rng,
    killed: u32,
}

impl Victim {
    /// The command `arguments`, which is run twice: the first run warms the caches, the second one tells how long it takes.
    fn new(folder: &Path, arguments: &[&str]) -> Self {
        succeed(folder, arguments);
        let start = Instant::now();
        succeed(folder, arguments);
        Self { name: words(arguments).join(" "), usual: start.elapsed(), rng: ChaCha8Rng::seed_from_u64(7), killed: 0 }
    }

    fn is_done(&self) -> bool {
        self.killed == kills()
    }

    fn tell(&self) {
        println!("{}: {} kills", self.name, self.killed);
    }

    /// Runs `arguments` and kills them at a random moment; whether they had ended before.
    fn run(&mut self, folder: &Path, arguments: &[&str]) -> bool {
        let mut child = command(folder, arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(self.usual.mul_f64(self.rng.random_range(0.0..1.0)));
        child.kill().unwrap();
        let ended = child.wait().unwrap();
        self.killed += u32::from(ended.code().is_none());
        assert!(ended.success() || ended.code().is_none(), "{arguments:?}: {ended}");
        ended.success()
    }
}

/// The words of a command before its first flag.
fn words<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    arguments.iter().take_while(|word| !word.starts_with('-')).copied().collect()
}

/// Kills the command `arguments` at random moments of its life, and asks `is_whole` after each time.
fn kill(folder: &Path, arguments: &[&str], is_whole: &dyn Fn()) {
    let mut victim = Victim::new(folder, arguments);
    while !victim.is_done() {
        victim.run(folder, arguments);
        is_whole();
    }
    succeed(folder, arguments);
    is_whole();
    victim.tell();
}

/// Kills the training `arguments` over and over, each time going on where it was, to its end; which has to be the very `result` of the
/// training that was left alone.
fn kill_training(folder: &Path, arguments: &[&str], run: &str, result: &str) {
    let read = || std::fs::read(folder.join(run).join(result)).unwrap();
    let mut victim = Victim::new(folder, arguments);
    let unbroken = read();
    let resume = [&words(arguments)[..], &["--resume", "--out", run]].concat();
    let next = || if folder.join(run).join("checkpoints/last.safetensors").exists() { &resume } else { arguments };
    while !victim.is_done() {
        std::fs::remove_dir_all(folder.join(run)).unwrap();
        while !victim.is_done() && !victim.run(folder, next()) {}
        succeed(folder, next());
        assert!(read() == unbroken, "{}: another result after kills", victim.name);
    }
    victim.tell();
}

fn is_data_set(folder: &Path) {
    let dataset = Dataset::read(folder).unwrap();
    assert!(!dataset.users.is_empty() && !dataset.catalogue.is_empty());
}

/// Every line of a file of JSON lines is whole.
fn is_json_lines(path: &Path) {
    for line in std::fs::read_to_string(path).unwrap().lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|e| panic!("{}: {e}: {line}", path.display()));
    }
}

#[test]
fn a_killed_command_leaves_its_files_whole() {
    let work = tempfile::tempdir().unwrap();
    let folder = work.path();
    world::tune(folder);
    succeed(folder, ADAPT);
    let synth = ["data", "synth", "--users", "60", "--items", "40", "--out", "synth"];
    kill(folder, &synth, &|| is_data_set(&folder.join("synth")));
    let import = ["data", "import", "--format", "csv", "films", "--out", "again"];
    kill(folder, &import, &|| is_data_set(&folder.join("again")));
    let instruct = ["instruct", "films", "--out", "examples.jsonl"];
    kill(folder, &instruct, &|| is_json_lines(&folder.join("examples.jsonl")));
    let merge = ["merge", "adapted", "--out", "merged"];
    let asks =
        |model: &str| drop(succeed(folder, &["recommend", "films", "--model", model, "--user", "u1", "-k", "2"]));
    kill(folder, &merge, &|| asks("merged"));
    let quantize = ["quantize", "sft/model", "--to", "f16", "--out", "f16_model"];
    kill(folder, &quantize, &|| asks("f16_model"));
    let eval = ["eval", "films", "--tasks", "I0", "--out", "adapted"];
    kill(folder, &eval, &|| {
        let text = std::fs::read(folder.join("adapted/eval.json")).unwrap();
        serde_json::from_slice::<serde_json::Value>(&text).unwrap();
    });
    let report = ["report", "sft", "adapted", "--out", "report.html"];
    kill(folder, &report, &|| {
        assert!(std::fs::read_to_string(folder.join("report.html")).unwrap().trim_end().ends_with("</html>"));
    });
}

#[test]
fn a_killed_training_ends_as_if_it_had_never_been() {
    let work = tempfile::tempdir().unwrap();
    let folder = work.path();
    world::tune(folder);
    let teach = [
        "sasrec",
        "train",
        "films",
        "--epochs",
        "3",
        "--set",
        "model.d_model=16",
        "--set",
        "batch=16",
        "--out",
        "teacher",
    ];
    kill_training(folder, &teach, "teacher", "checkpoints/best.safetensors");
    kill_training(folder, SFT, "sft", "model/model.safetensors");
    kill_training(folder, ADAPT, "adapted", "adapter/adapter_model.safetensors");
    kill_training(folder, DISTILL, "distilled", "model/model.safetensors");
    kill_training(folder, PPO, "ppo", "adapter/adapter_model.safetensors");
}
