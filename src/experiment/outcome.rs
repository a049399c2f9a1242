//! The outcome of an experiment: a table, and the figures to plot.

use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tiller_models::atomic::write_atomically;

use super::plan::{Arm, ExperimentPlan};
use super::settings::ExperimentSettings;
use crate::constrain::Mode;
use crate::evaluate::Evaluation;
use crate::run::figures::json_pretty;
use crate::task::{EvalTask, Metric};
use crate::{Error, Result};

/// The version of the form of results.json.
pub const SCHEMA: &str = "tiller-experiment/1";

/// The end of an experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// [`SCHEMA`].
    pub schema: String,
    /// The plan.
    pub plan: ExperimentPlan,
    /// The settings.
    pub settings: ExperimentSettings,
    /// Seconds that each step took.
    pub steps: Vec<(String, f64)>,
    /// The evaluation; of several seeds, the mean of their figures.
    pub evaluation: Evaluation,
    /// The evaluation of each seed, where there are several.
    pub seeds: Vec<Evaluation>,
    /// Each figure over the arms, to plot.
    pub series: Vec<FigureSeries>,
}

/// A figure of all arms under one decode mode.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FigureSeries {
    /// The decoding mode of the lists.
    pub decode: Mode,
    /// The task.
    #[serde(rename = "subject")]
    pub task: EvalTask,
    /// The metric, titles taken exactly.
    pub metric: Metric,
    /// One for each arm, in order.
    pub points: Vec<FigurePoint>,
}

/// A figure of an arm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FigurePoint {
    /// The arm.
    pub arm: String,
    /// Its place on the experiment's axis, or else its number.
    pub x: f64,
    /// The figure.
    pub y: f64,
    /// The ends of its 95 % interval.
    pub interval: [f64; 2],
}

impl Outcome {
    /// The outcome of the evaluations of each seed.
    ///
    /// # Errors
    /// No evaluation, or evaluations of different things.
    pub fn of(
        plan: &ExperimentPlan,
        settings: &ExperimentSettings,
        steps: Vec<(String, f64)>,
        evaluations: Vec<Evaluation>,
    ) -> Result<Self> {
        let evaluation = Evaluation::mean(&evaluations)
            .ok_or_else(|| Error::Failed("the seeds of the experiment were evaluated differently".into()))?;
        Ok(Self {
            schema: SCHEMA.to_owned(),
            series: series(plan, settings, &evaluation),
            plan: plan.clone(),
            settings: settings.clone(),
            steps,
            seeds: if evaluations.len() > 1 { evaluations } else { Vec::new() },
            evaluation,
        })
    }

    /// The tables in Markdown, one for each decode mode, with the question and the protocol.
    pub fn markdown(&self) -> String {
        let ExperimentPlan { title, question, .. } = &self.plan;
        let mut text = format!("# {title}\n\n{question}\n\n{}.\n", self.evaluation.protocol);
        if self.settings.seeds.len() > 1 {
            text += &format!("Means of trainings with the seeds {:?}.\n", self.settings.seeds);
        }
        for &mode in &self.settings.decode {
            let table = self.evaluation.of_mode(mode).table();
            text += &format!("\n## Decoded {mode}\n\n{}\n", table);
        }
        text += "\n## Seconds\n\n";
        for (name, seconds) in &self.steps {
            text += &format!("- {name}: {seconds:.0}\n");
        }
        text
    }

    /// Writes results.json, results.md and plots.json to a folder.
    ///
    /// # Errors
    /// A disk that refuses.
    pub fn write(&self, folder: &Path) -> Result<()> {
        write_json(&folder.join("results.json"), self)?;
        write_json(&folder.join("plots.json"), &self.series)?;
        write_atomically(&folder.join("results.md"), |file| file.write_all(self.markdown().as_bytes()))
    }
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    write_atomically(path, |file| file.write_all(&json_pretty(value)?))
}

/// Every figure that all arms have.
fn series(plan: &ExperimentPlan, settings: &ExperimentSettings, evaluation: &Evaluation) -> Vec<FigureSeries> {
    let mut series = Vec::new();
    for &decode in &settings.decode {
        for asked in &evaluation.tasks {
            let task = asked.task;
            for metric in Metric::ALL {
                let point = |(number, arm): (usize, &Arm)| {
                    let row = evaluation.rows.iter().find(|row| row.name == arm.name && row.decode == Some(decode));
                    let interval = row?.figures(task)?.exact.get(&metric)?;
                    let x = arm.x.unwrap_or(number as f64);
                    let ends = [interval.low, interval.high];
                    Some(FigurePoint { arm: arm.name.clone(), x, y: interval.mean, interval: ends })
                };
                let points: Option<Vec<FigurePoint>> = plan.arms.iter().enumerate().map(point).collect();
                series.extend(points.map(|points| FigureSeries { decode, task, metric, points }));
            }
        }
    }
    series
}
