//! The overview of a report: accuracy, control, constraint satisfaction and format errors of each system.

use serde::Serialize;

use super::compare;
use super::run::Run;
use crate::evaluate::{Evaluation, SystemResult};
use crate::task::{EvalTask, Metric, Task};

/// The metrics with their descriptions, in order.
const NAMES: [(&str, &str); 4] = [
    ("Accuracy", "NDCG of the next item (I0)"),
    ("Control", "mean of TCP and CPA over the control tasks; for -C, 1 − TCP"),
    ("Constraints met", "fraction of lists that satisfy the request"),
    ("Format errors", "hallucinated, repeated and known items per list"),
];

/// The overview of one protocol.
#[derive(Debug, Serialize)]
pub struct Overview {
    /// The metrics: name and description.
    pub figures: [(&'static str, &'static str); 4],
    /// The compared systems.
    pub rows: Vec<OverviewRow>,
}

/// The overview of one system.
#[derive(Debug, Serialize)]
pub struct OverviewRow {
    /// Its name.
    pub name: String,
    /// The decode mode.
    pub mode: String,
    /// One gauge per metric.
    pub gauges: Vec<Option<Gauge>>,
}

/// A value with the length of its bar.
#[derive(Debug, Serialize)]
pub struct Gauge {
    /// The value.
    pub text: String,
    /// The length in percent.
    pub length: u32,
    /// The CSS class of the bar.
    pub class: &'static str,
}

/// One overview per protocol, in the order of the tables.
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
    // Ten errors fill the bar: a list has ten items.
    let fault = |number: f64| Gauge { text: format!("{number:.2}"), length: percent(number / 10.0), class: "fault" };
    OverviewRow {
        name: row.name.clone(),
        mode: row.decoding(),
        gauges: vec![
            ndcg.map(part),
            control(row).map(part),
            row.over_all(Metric::ConstraintsMet).map(part),
            faults.map(fault),
        ],
    }
}

/// The mean of the key metrics of the control tasks (I1 and I2).
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
