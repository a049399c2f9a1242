//! The contents of a run folder.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::series::{self, MetricSeries};
use crate::data::input::file_name;
use crate::evaluate::Evaluation;
use crate::run::machine::Machine;

/// A run folder, as far as it can be read.
pub struct Run {
    /// The unique name of the run in the report.
    pub name: String,
    /// Its path.
    pub path: PathBuf,
    /// The text of config.toml.
    pub config: Option<String>,
    /// The machine and version of the run.
    pub machine: Option<Machine>,
    /// The metrics of metrics.jsonl over the steps.
    pub series: Vec<MetricSeries>,
    /// The duration in seconds.
    pub seconds: Option<f64>,
    /// The evaluations with their file names.
    pub evaluations: Vec<(String, Evaluation)>,
    /// The lines of samples.jsonl.
    pub samples: Vec<Value>,
    /// The files that could not be read, with reasons.
    pub problems: Vec<String>,
}

/// The kind of a run, detected from its metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunKind {
    /// A teacher, by epochs.
    Teacher,
    /// Supervised fine-tuning.
    Sft,
    /// On-policy distillation.
    Distill,
    /// Reinforcement learning.
    Ppo,
    /// No training metrics: an evaluation.
    Other,
}

impl Run {
    /// Reads the folder `path`.
    pub fn read(path: &Path) -> Self {
        let mut run = Self {
            name: path.canonicalize().map_or_else(|_| file_name(path), |whole| file_name(&whole)),
            path: path.to_owned(),
            config: None,
            machine: None,
            series: Vec::new(),
            seconds: None,
            evaluations: Vec::new(),
            samples: Vec::new(),
            problems: Vec::new(),
        };
        run.config = run.text("config.toml");
        run.machine = run.text(crate::run::machine::FILE).and_then(|text| serde_json::from_str(&text).ok());
        let metrics = run.lines("metrics.jsonl");
        run.seconds = metrics.iter().filter_map(|line| line["seconds"].as_f64()).reduce(f64::max);
        run.series = series::of(&metrics);
        run.samples = run.lines("samples.jsonl");
        for path in run.evaluation_files() {
            match Evaluation::read(&path) {
                Ok(evaluation) => run.evaluations.push((file_name(&path), evaluation)),
                Err(error) => run.problems.push(error.to_string()),
            }
        }
        let nothing = run.config.is_none() && run.series.is_empty() && run.evaluations.is_empty();
        if nothing {
            run.problems
                .push(format!("{}: neither config.toml nor metrics.jsonl nor eval.json is there", path.display()));
        } else if run.config.is_some() && run.series.is_empty() {
            run.problems.push(format!("{}: no metrics.jsonl with figures in it", path.display()));
        }
        run
    }

    /// Detects the kind of the run.
    pub fn kind(&self) -> RunKind {
        let has = |name: &str| self.series.iter().any(|series| series.path == name);
        match () {
            () if has("objective/kl") || has("policy_loss") => RunKind::Ppo,
            () if has("whole") => RunKind::Distill,
            () if has("loss") && self.series.iter().any(|series| series.axis == series::Axis::Steps) => RunKind::Sft,
            () if has("loss") => RunKind::Teacher,
            () => RunKind::Other,
        }
    }

    /// Reads a file as text if it exists; invalid UTF-8 becomes replacement characters.
    fn text(&mut self, file: &str) -> Option<String> {
        let path = self.path.join(file);
        match std::fs::read(&path) {
            Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                self.problems.push(format!("{}: cannot be read: {error}", path.display()));
                None
            }
        }
    }

    /// Reads the JSON objects of a file, one per line; malformed lines are reported and skipped.
    fn lines(&mut self, file: &str) -> Vec<Value> {
        let Some(text) = self.text(file) else { return Vec::new() };
        let mut good = Vec::new();
        let mut bad = Vec::new();
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            match serde_json::from_str::<Value>(line) {
                Ok(value) if value.is_object() => good.push(value),
                _ => bad.push(number),
            }
        }
        if let Some(first) = bad.first() {
            let place = self.path.join(file);
            let lines = if bad.len() == 1 { "is no whole line" } else { "and others are no whole lines" };
            self.problems.push(format!("{} line {first} {lines} of JSON; {} left out", place.display(), bad.len()));
        }
        good
    }

    /// The files eval*.json, sorted by name.
    fn evaluation_files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.path).into_iter().flatten().flatten();
        let is_one = |path: &PathBuf| {
            let name = file_name(path);
            name.starts_with("eval") && name.ends_with(".json")
        };
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_one).collect();
        files.sort();
        files
    }
}

/// Makes run names unique by adding the parent folder's name or a number.
pub fn name_apart(runs: &mut [Run]) {
    let names: Vec<String> = runs.iter().map(|run| run.name.clone()).collect();
    for (at, run) in runs.iter_mut().enumerate() {
        let twins = names.iter().filter(|name| **name == names[at]).count();
        if twins > 1 {
            let parent = run.path.canonicalize().ok().and_then(|path| path.parent().map(file_name));
            run.name = format!("{}/{}", parent.unwrap_or_default(), run.name);
        }
    }
    let mut taken: Vec<String> = Vec::new();
    for run in runs {
        let plain = run.name.clone();
        let mut number = 2;
        while taken.contains(&run.name) {
            run.name = format!("{plain} ({number})");
            number += 1;
        }
        taken.push(run.name.clone());
    }
}
