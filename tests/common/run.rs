//! A training from outside: what its run folder tells, and stopping it in the middle.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::program::command;

/// The whole lines of a run's metrics.jsonl.
pub fn metrics(run: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Steps and losses, which two equal runs share.
pub fn losses(run: &Path) -> Vec<(u64, f64)> {
    metrics(run).into_iter().filter_map(|line| Some((line["step"].as_u64()?, line["loss"].as_f64()?))).collect()
}

/// The end of a process before its work is done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stop {
    /// Ctrl-C (on Unix), after which it saves and ends with code 130.
    Interrupt,
    Kill,
}

/// Starts a training and stops it once its run has `lines` more lines. Returns `false` where it was done first, as a busy machine may
/// have it: then the caller begins again.
#[must_use]
pub fn stopped_midway(folder: &Path, arguments: &[&str], run: &str, lines: usize, stop: Stop) -> bool {
    let run = folder.join(run);
    let enough = metrics(&run).len() + lines;
    let mut training = command(folder, arguments).spawn().unwrap();
    while metrics(&run).len() < enough && training.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(5));
    }
    match stop {
        Stop::Interrupt => drop(Command::new("kill").args(["-INT", &training.id().to_string()]).output().unwrap()),
        Stop::Kill => training.kill().unwrap(),
    }
    let end = training.wait().unwrap();
    let expected = if stop == Stop::Kill { None } else { Some(130) };
    assert!(end.success() || end.code() == expected, "{arguments:?}: {end}");
    !end.success()
}
