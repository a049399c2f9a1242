//! Whole experiments of the smallest size, unbroken and broken.

use std::cell::Cell;
use std::path::Path;

use burn::tensor::Device;
use serde_json::Value;
use toml::Table;

use super::*;
use crate::evaluate::Evaluation;
use crate::run::config::ConfigLayers;
use crate::task::Metric;
use crate::{Error, Result};

/// An arm of each kind: supervised, by noisy labels, going on from one, reinforced.
const ARMS: &str = "
title = 'All'
question = 'Does it run?'
axis = 'steps'
[settings]
decode = ['free', 'strict']
guide = true
[settings.world]
users = 40
items = 40
[settings.eval]
users = 3
[[arm]]
name = 'one'
x = 6
sft = { steps = 6 }
[[arm]]
name = 'noisy'
x = 4
noise = 50
labels = 'popularity'
sft = { steps = 4, data = { tasks = ['I0', 'I4'] } }
[[arm]]
name = 'on'
x = 10
from = 'one'
sft = { steps = 4 }
[[arm]]
name = 'rewarded'
x = 11
from = 'on'
ppo = {}
";

fn experiment(folder: &Path, flags: &str) -> (ExperimentPlan, ExperimentSettings) {
    let path = folder.join("all.toml");
    std::fs::write(&path, ARMS).unwrap();
    let plan = ExperimentPlan::find(path.to_str().unwrap()).unwrap();
    let flags: Table = flags.parse().unwrap();
    let settings = ExperimentSettings::resolve(ExperimentSize::Quick, &plan, &ConfigLayers::default(), flags).unwrap();
    (plan, settings)
}

fn run_in(folder: &Path, flags: &str, stop: &dyn Fn() -> bool) -> Result<Outcome> {
    let (plan, settings) = experiment(folder, flags);
    run(&plan, &settings, &folder.join("out"), (&Device::flex(), "a test"), stop)
}

/// An evaluation without what no two runs share.
fn figures(evaluation: &Evaluation) -> Value {
    let mut evaluation = evaluation.clone();
    evaluation.rows.iter_mut().for_each(|row| row.speed.seconds = 0.0);
    serde_json::to_value(evaluation).unwrap()
}

#[test]
fn an_experiment_stopped_again_and_again_is_the_unbroken_one() {
    let [unbroken, broken] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let expected = run_in(unbroken.path(), "", &|| false).unwrap();
    // Each time a little later, since what is not saved yet is begun anew.
    let (asked, stops) = (Cell::new(0), Cell::new(0));
    let stop = || {
        asked.set(asked.get() + 1);
        asked.get() > 2 + stops.get()
    };
    let outcome = loop {
        asked.set(0);
        match run_in(broken.path(), "", &stop) {
            Err(Error::Interrupted(_)) => stops.set(stops.get() + 1),
            outcome => break outcome.unwrap(),
        }
    };
    assert!(stops.get() > 3, "{} stops", stops.get());
    assert_eq!(figures(&outcome.evaluation), figures(&expected.evaluation));

    // What is done is not done again, and what is written is all there.
    let again = run_in(broken.path(), "", &|| panic!("a training that was done")).unwrap();
    assert_eq!(again.evaluation, outcome.evaluation);
    let out = broken.path().join("out");
    again.write(&out).unwrap();
    let markdown = std::fs::read_to_string(out.join("results.md")).unwrap();
    for part in [
        "# All",
        "Does it run?",
        "## Decoded free",
        "## Decoded strict",
        "rewarded strict",
        "rewarded strict guided",
        "I0 NDCG − SASRec, paired",
        "rewarded-2024: ",
    ] {
        assert!(markdown.contains(part), "{part} is missing in\n{markdown}");
    }
    // Compared as it is written, since a float that is read may be off by its last bit.
    let results = std::fs::read_to_string(out.join("results.json")).unwrap();
    assert_eq!(results, serde_json::to_string_pretty(&again).unwrap());
    assert_eq!(serde_json::from_str::<Outcome>(&results).unwrap().plan, again.plan);
    let satisfied = again
        .series
        .iter()
        .find(|series| series.metric == Metric::ConstraintsMet && series.decode.to_string() == "strict");
    let points: Vec<_> = satisfied.unwrap().points.iter().map(|point| (point.arm.as_str(), point.x, point.y)).collect();
    assert_eq!(points, [("one", 6.0, 1.0), ("noisy", 4.0, 1.0), ("on", 10.0, 1.0), ("rewarded", 11.0, 1.0)]);
    let guided = again.evaluation.rows.iter().filter(|row| row.guide_weight.is_some());
    let satisfied: Vec<Option<f64>> = guided.map(|row| row.over_all(Metric::ConstraintsMet)).collect();
    assert_eq!(satisfied, [Some(1.0); 4], "guided lists satisfy their requests");
    assert!(
        again.evaluation.rows[2..].iter().all(|row| row.chat.is_some_and(|chat| chat.perplexity > 1.0)),
        "I4 is asked"
    );

    let other = run_in(broken.path(), "batch = 3", &|| false).unwrap_err();
    assert!(other.to_string().contains("`batch = 16` there, `batch = 3` now") && other.exit_code() == 2, "{other}");
}

#[test]
fn of_several_seeds_the_mean_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = run_in(folder.path(), "seeds = [1, 2]", &|| false).unwrap();
    assert_eq!(outcome.seeds.len(), 2);
    for (at, row) in outcome.evaluation.rows.iter().enumerate() {
        for (number, task) in row.tasks.iter().enumerate() {
            for (metric, interval) in &task.exact {
                let of_seed = |seed: &Evaluation| seed.rows[at].tasks[number].exact[metric].mean;
                let mean = outcome.seeds.iter().map(of_seed).sum::<f64>() / 2.0;
                assert!((interval.mean - mean).abs() < 1e-12, "{} {metric}", row.label());
            }
        }
    }
    let rates: Vec<&Evaluation> = outcome.seeds.iter().collect();
    assert_ne!(figures(rates[0]), figures(rates[1]), "two trainings");
}
