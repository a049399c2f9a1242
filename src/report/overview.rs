//! All that are compared at a glance: how well they foresee, how well they obey, and what their lists look like.

use serde::Serialize;

use super::compare;
use super::run::Run;
use crate::evaluate::{Evaluation, SystemResult};
use crate::task::{EvalTask, Metric, Task};

/// What the figures are, in their order.
const NAMES: [(&str, &str); 4] = [
    ("Foresees", "NDCG of the next item (I0)"),
    ("Control", "TCP and CPA, mean of the tasks about kinds; of -C what is left of 1"),
    ("Obeys", "lists that are all that was asked for"),
    ("Faults of form", "a list: invented, repeated and known titles"),
];

/// Everybody's figures under one protocol.
#[derive(Debug, Serialize)]
pub struct Overview {
    /// What the figures are: a name, and what it means.
    pub figures: [(&'static str, &'static str); 4],
    /// Those that are compared.
    pub rows: Vec<OverviewRow>,
}

/// One of them.
#[derive(Debug, Serialize)]
pub struct OverviewRow {
    /// Its name.
    pub name: String,
    /// What kept its lists in order.
    pub mode: String,
    /// One for each figure.
    pub gauges: Vec<Option<Gauge>>,
}

/// A figure and how long its bar is.
#[derive(Debug, Serialize)]
pub struct Gauge {
    /// The figure.
    pub text: String,
    /// Of a hundred.
    pub length: u32,
    /// The class of the bar.
    pub class: &'static str,
}

/// One glance for each protocol, in the order of the tables.
pub fn of(runs: &[Run]) -> Vec<Overview> {
    let rows = |group: &Vec<&Evaluation>| compare::rows(group).into_iter().map(overview_row).collect();
    compare::groups(runs).iter().map(|group| Overview { figures: NAMES, rows: rows(group) }).collect()
}

fn overview_row(row: &SystemResult) -> OverviewRow {
    let ndcg =
        row.figures(EvalTask::of(Task::Sequential)).and_then(|figures| Some(figures.exact.get(&Metric::NDCG)?.mean));
    let faults = [Metric::NonExist, Metric::RepeatItem, Metric::InHistory].map(|metric| row.over_all(metric));
    let faults: Option<f64> = faults.into_iter().sum();
    let part = |part: f64| Gauge { text: format!("{part:.3}"), length: percent(part), class: "part" };
    // Ten faults are a list full of them.
    let fault = |number: f64| Gauge { text: format!("{number:.2}"), length: percent(number / 10.0), class: "fault" };
    OverviewRow {
        name: row.name.clone(),
        mode: row.decode.map(|mode| mode.to_string()).unwrap_or_default(),
        gauges: vec![
            ndcg.map(part),
            control(row).map(part),
            row.over_all(Metric::ConstraintsMet).map(part),
            faults.map(fault),
        ],
    }
}

/// The mean of what says whether a wish about kinds was heard.
fn control(row: &SystemResult) -> Option<f64> {
    let observed = row.tasks.iter().filter(|figures| figures.task.task.control().is_some());
    let observed: Vec<f64> = observed
        .filter_map(|figures| {
            let metric = figures.task.task.key_metric();
            let mean = figures.exact.get(&metric)?.mean;
            Some(if figures.task.task.prefers_high(metric) { mean } else { 1.0 - mean })
        })
        .collect();
    (!observed.is_empty()).then(|| observed.iter().sum::<f64>() / observed.len() as f64)
}

fn percent(part: f64) -> u32 {
    (100.0 * part).round().clamp(0.0, 100.0) as u32
}
