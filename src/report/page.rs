//! The HTML page: template and style sheet, without external resources.

use indicatif::BinaryBytes;
use minijinja::{AutoEscape, Environment, Error as TemplateError, ErrorKind, Output, State, Value};
use serde::Serialize;
use serde_json::Value as Json;

use super::run::{Run, RunKind};
use super::text::{duration, escaped, number};
use super::{Heading, compare, curves, lists, overview};
use crate::run::machine::Machine;
use crate::{Error, Result};

/// The variables of the template.
#[derive(Serialize)]
struct Page {
    style: &'static str,
    title: String,
    /// The question of an experiment; `lead`, because the template has a macro named `question`.
    lead: Option<String>,
    here: String,
    day: String,
    devices: Vec<String>,
    cards: Vec<Card>,
    overviews: Vec<overview::Overview>,
    tables: Vec<compare::ComparisonTable>,
    curves: Vec<curves::Curves>,
    questions: Vec<lists::QuestionView>,
    practised: Vec<Practised>,
}

/// The summary card of a run.
#[derive(Serialize)]
struct Card {
    name: String,
    path: String,
    kind: &'static str,
    facts: Vec<(&'static str, String)>,
    machine: Option<String>,
    config: Option<String>,
    problems: Vec<String>,
}

/// The sampled answers of an alignment run.
#[derive(Serialize)]
struct Practised {
    run: String,
    questions: Vec<lists::QuestionView>,
}

/// Renders the page of some runs and experiments.
///
/// # Errors
/// The template fails.
pub fn render(runs: &[Run], about: &Heading, over_arms: &[curves::Curves]) -> Result<String> {
    let failed = |error: TemplateError| Error::Failed(format!("the report's template: {error:#}"));
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    // All text that is not our own markup is escaped here.
    environment.set_formatter(|out: &mut Output, _: &mut State, value: &Value| {
        let text = match value.as_str() {
            Some(text) if value.is_safe() => text.to_owned(),
            Some(text) => escaped(text),
            None if value.is_undefined() || value.is_none() => String::new(),
            None => escaped(&value.to_string()),
        };
        out.write_str(&text).map_err(|_| TemplateError::new(ErrorKind::WriteFailure, "the page cannot be written"))
    });
    environment.add_template("page.html", include_str!("page.html")).map_err(failed)?;
    let page = environment.get_template("page.html").map_err(failed)?;
    let practised = runs.iter().filter(|run| !run.samples.is_empty());
    let practised = practised.map(|run| Practised { run: run.name.clone(), questions: lists::before_and_after(run) });
    let here = Machine::current();
    let content = Page {
        style: include_str!("page.css"),
        title: about.title.clone(),
        lead: about.question.clone(),
        here: in_words(&here),
        day: here.day,
        devices: devices(runs),
        cards: runs.iter().map(card).collect(),
        overviews: overview::of(runs),
        tables: compare::of(runs),
        curves: over_arms.iter().cloned().chain(curves::of(runs)).collect(),
        questions: lists::of_evaluations(runs),
        practised: practised.collect(),
    };
    let content = serde_json::to_value(&content).map_err(|e| Error::Failed(format!("the report: {e}")))?;
    page.render(value(content)).map_err(failed)
}

/// Converts JSON to a template value.
fn value(content: Json) -> Value {
    match content {
        Json::Null => Value::from(()),
        Json::Bool(holds) => Value::from(holds),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Value::from(whole),
            None => Value::from(number.as_f64()),
        },
        Json::String(text) => Value::from(text),
        Json::Array(values) => Value::from(values.into_iter().map(value).collect::<Vec<_>>()),
        Json::Object(fields) => Value::from_pairs(fields.into_iter().map(|(key, field)| (key, value(field)))),
    }
}

fn card(run: &Run) -> Card {
    Card {
        name: run.name.clone(),
        path: run.path.display().to_string(),
        kind: match run.kind() {
            RunKind::Teacher => "teacher",
            RunKind::Sft => "supervised fine-tuning",
            RunKind::Distill => "on-policy distillation",
            RunKind::Ppo => "reinforcement learning",
            RunKind::Other => "evaluation",
        },
        facts: facts(run),
        machine: run.machine.as_ref().map(in_words),
        config: run.config.clone(),
        problems: run.problems.clone(),
    }
}

/// The key figures of a run.
fn facts(run: &Run) -> Vec<(&'static str, String)> {
    let series = |path: &str| run.series.iter().find(|series| series.path == path);
    let last = |path: &str| Some(series(path)?.points.last()?.1);
    let most = |path: &str| series(path)?.points.iter().map(|(_, y)| *y).reduce(f64::max);
    let mean = |path: &str| {
        let points = &series(path)?.points;
        Some(points.iter().map(|(_, y)| y).sum::<f64>() / points.len() as f64)
    };
    let length = run.series.iter().filter_map(|series| series.points.last()).map(|(x, _)| *x).reduce(f64::max);
    let axis = run.series.first().map_or("", |series| match series.axis.label() {
        "epoch" => "epochs",
        "line" => "lines",
        _ => "steps",
    });
    let found = [
        (axis, length.map(number)),
        ("time", run.seconds.map(duration)),
        ("last loss", last("loss").map(number)),
        ("last reward", last("objective/scores").map(number)),
        ("KL per answer", last("objective/kl").map(number)),
        ("best NDCG@10, mean of tasks", best_mean(run, "NDCG").map(number)),
        ("tokens/s", mean("tokens_per_second").map(number)),
        ("peak memory", most("memory_bytes").map(|bytes| BinaryBytes(bytes as u64).to_string())),
    ];
    found.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// The highest validation mean over the tasks.
fn best_mean(run: &Run, metric: &str) -> Option<f64> {
    let of_metric = |path: &str| {
        path.strip_prefix("validation/").and_then(|rest| rest.split_once('/')).is_some_and(|(_, name)| name == metric)
    };
    let series: Vec<_> = run.series.iter().filter(|series| of_metric(&series.path)).collect();
    let steps = series.first()?.points.iter().map(|(step, _)| *step);
    let mean = |step: f64| {
        let at = series.iter().filter_map(|series| series.points.iter().find(|(x, _)| *x == step));
        let values: Vec<f64> = at.map(|(_, y)| *y).collect();
        values.iter().sum::<f64>() / values.len().max(1) as f64
    };
    steps.map(mean).reduce(f64::max)
}

fn in_words(machine: &Machine) -> String {
    let Machine { version, commit, cpu, cores, memory_bytes, system, day } = machine;
    let commit = commit.as_ref().map(|commit| format!(", commit {commit}")).unwrap_or_default();
    let memory = BinaryBytes(*memory_bytes);
    format!("tiller {version}{commit}; {cpu}, {cores} threads, {memory}; {system}; {day}")
}

/// The devices of the evaluations.
fn devices(runs: &[Run]) -> Vec<String> {
    let mut devices: Vec<String> = Vec::new();
    for (_, evaluation) in runs.iter().flat_map(|run| &run.evaluations) {
        if !devices.contains(&evaluation.protocol.device) {
            devices.push(evaluation.protocol.device.clone());
        }
    }
    devices
}
