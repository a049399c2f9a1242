//! Commands that are killed while they write: whatever was whole before is whole afterwards, in its old form or in its new one,
//! and the command can be given again.
//!
//! `KILLS=25 cargo test --release -p tiller --test kills` kills each command so many times; the usual run does it less often.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tiller::data::Dataset;

/// Kills of each command in the usual run.
const USUAL_KILLS: u32 = 4;

fn kills() -> u32 {
    std::env::var("KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(USUAL_KILLS)
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tiller"));
    command.args(arguments).args(["--device", "cpu"]).current_dir(folder);
    command
}

#[track_caller]
fn succeed(folder: &Path, arguments: &[&str]) -> Output {
    let output = command(folder, arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Kills the command `arguments` at random moments of its life, and asks `is_whole` after each time.
fn kill(folder: &Path, arguments: &[&str], is_whole: &dyn Fn()) {
    // The first run warms the caches; the second one tells how long an undisturbed run takes.
    succeed(folder, arguments);
    let start = Instant::now();
    succeed(folder, arguments);
    let whole_run = start.elapsed();
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut killed = 0;
    // A run that ends before its kill is no kill.
    for attempt in 0.. {
        assert!(attempt < 20 * kills(), "{arguments:?}: {killed} kills only in {attempt} runs");
        if killed == kills() {
            break;
        }
        let mut child = command(folder, arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_secs_f64(whole_run.as_secs_f64() * rng.random_range(0.0..1.0)));
        child.kill().unwrap();
        killed += u32::from(!child.wait().unwrap().success());
        is_whole();
    }
    succeed(folder, arguments);
    is_whole();
    println!("{}: {killed} kills", arguments.join(" "));
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

const SMALL_TEACHER: [&str; 6] = ["--set", "model.d_model=16", "--set", "model.inner=16", "--set", "batch=64"];

#[test]
fn a_killed_command_loses_nothing() {
    let work = tempfile::tempdir().unwrap();
    let folder = work.path();
    let synth = ["data", "synth", "--users", "300", "--items", "60", "--out", "films"];
    succeed(folder, &synth);
    kill(folder, &synth, &|| is_data_set(&folder.join("films")));

    let import = ["data", "import", "--format", "csv", "films", "--out", "again"];
    kill(folder, &import, &|| is_data_set(&folder.join("again")));

    let train = [&["sasrec", "train", "films", "--epochs", "2"][..], &SMALL_TEACHER].concat();
    kill(folder, &train, &|| {
        // From before the first checkpoint of a run to its end there is a teacher that answers.
        succeed(folder, &["sasrec", "topk", "films", "--user", "all", "-k", "1"]);
    });
    let resume = [&["sasrec", "train", "films", "--epochs", "2", "--resume"][..], &SMALL_TEACHER].concat();
    kill(folder, &resume, &|| {
        succeed(folder, &["sasrec", "topk", "films", "--user", "all", "-k", "1"]);
    });

    let instruct = ["instruct", "films", "--out", "examples.jsonl"];
    kill(folder, &instruct, &|| is_json_lines(&folder.join("examples.jsonl")));
}
