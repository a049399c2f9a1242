//! The guide weight of a model: chosen on validation users, and kept in the run folder with the curve that it was chosen from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tiller_models::atomic::write_atomically;

use super::config::EvalConfig;
use super::evaluation::{EvalProtocol, Evaluation, SystemResult, TaskMetrics};
use super::evaluator::Evaluator;
use super::system::LlmSystem;
use crate::constrain::GuideWeight;
use crate::run::progress::Progress;
use crate::task::Metric;
use crate::teacher::Teacher;
use crate::{Error, Result};

/// The file in a run folder.
const FILE: &str = "guide.json";

/// The version of its format.
const SCHEMA: &str = "tiller-guide/1";

/// The weights that are tried, in tenths.
const TENTHS: std::ops::RangeInclusive<u32> = 0..=10;

/// The most validation users.
const USERS: usize = 200;

/// A guide weight that was chosen on validation users.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TunedGuide {
    schema: String,
    /// The weight with the highest NDCG@10; of equal ones the largest, which leaves most to the model.
    pub weight: GuideWeight,
    /// The run folder of the teacher.
    pub teacher: PathBuf,
    /// The evaluation protocol.
    pub protocol: EvalProtocol,
    /// Each weight that was tried, ascending.
    pub curve: Vec<CurvePoint>,
}

/// A guide weight and what it is worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// The weight.
    pub weight: GuideWeight,
    /// NDCG@10, the mean over the tasks.
    pub ndcg: f64,
    /// NDCG@10 of each task.
    pub tasks: BTreeMap<String, f64>,
}

impl TunedGuide {
    /// The settings under which weights are tried: those of an evaluation, on validation items and at most 200 users.
    pub fn settings(config: &EvalConfig) -> EvalConfig {
        let users = Some(config.users.unwrap_or(USERS).min(USERS));
        EvalConfig { users, validation: true, samples: 0, replicates: 1, ..config.clone() }
    }

    /// Tries every weight on `system`, whose lists are constrained, with the queries of `evaluator`. `run` is the folder of `teacher`.
    ///
    /// # Errors
    /// A query that the system cannot take, or a device that fails.
    pub fn choose<'a>(
        mut system: LlmSystem<'a>,
        (teacher, run): (&'a Teacher, &Path),
        mut evaluator: Evaluator<'_, Teacher>,
    ) -> Result<Self> {
        let bar = Progress::start("guide weight", TENTHS.count() as u64 * evaluator.n_queries(), "lists");
        for tenth in TENTHS {
            let weight = GuideWeight::try_from(f64::from(tenth) / 10.0)?;
            system.recommender = system.recommender.guided_by(teacher, weight);
            evaluator.evaluate(&system, None, &bar)?;
        }
        Self::of(evaluator.finish(), run)
    }

    /// The best weight of an evaluation with a row for each.
    fn of(evaluation: Evaluation, teacher: &Path) -> Result<Self> {
        let Evaluation { protocol, rows, .. } = evaluation;
        let curve: Vec<CurvePoint> = rows.iter().filter_map(point).collect();
        let better = |best: &CurvePoint, point: &CurvePoint| point.ndcg >= best.ndcg;
        let best = curve.iter().reduce(|best, point| if better(best, point) { point } else { best });
        let weight = best.map(|point| point.weight);
        let weight = weight.ok_or_else(|| Error::Failed("no guide weight was tried".into()))?;
        Ok(Self { schema: SCHEMA.to_owned(), weight, teacher: teacher.to_owned(), protocol, curve })
    }

    /// Reads the guide weight of the run in `run`; `None` where none was chosen.
    ///
    /// # Errors
    /// A file that cannot be read or has another format.
    pub fn read(run: &Path) -> Result<Option<Self>> {
        let path = run.join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(&path).map_err(Error::io(&path, "read"))?;
        serde_json::from_str(&text).map(Some).map_err(|e| {
            Error::bad_input(path.display())
                .expected(format!("a guide weight of the format {SCHEMA}"))
                .found(e)
                .next("choose it again with `tiller eval --tune-guide`")
                .into()
        })
    }

    /// Writes the guide weight into the run folder `run`.
    ///
    /// # Errors
    /// The disk is full or the folder cannot be written.
    pub fn write(&self, run: &Path) -> Result<()> {
        write_atomically(&run.join(FILE), |file| serde_json::to_writer_pretty(file, self).map_err(Into::into))
    }
}

impl fmt::Display for TunedGuide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { weight, curve, .. } = self;
        let points: Vec<String> = curve.iter().map(|point| format!("{} {:.3}", point.weight, point.ndcg)).collect();
        write!(f, "guide weight {weight}; NDCG@10 on validation items by weight: {}", points.join(", "))
    }
}

fn point(row: &SystemResult) -> Option<CurvePoint> {
    let ndcg = row.over_all(Metric::NDCG)?;
    let of_task = |task: &TaskMetrics| Some((task.task.to_string(), task.exact.get(&Metric::NDCG)?.mean));
    Some(CurvePoint { weight: row.guide_weight?, ndcg, tasks: row.tasks.iter().filter_map(of_task).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::constrain::Mode;
    use crate::data::synth::{SynthConfig, generate};
    use crate::evaluate::{EvalQuery, Speed, System, SystemAnswer};
    use crate::task::{EvalTask, Task};
    use crate::teacher::Popularity;

    /// Names the target in lists of these weights alone.
    struct RightAt<'a> {
        weight: f64,
        right: &'a [f64],
        title: &'a dyn Fn(&EvalQuery) -> String,
    }

    impl System for RightAt<'_> {
        fn name(&self) -> &str {
            "model"
        }

        fn mode(&self) -> Option<Mode> {
            Some(Mode::Strict)
        }

        fn guide_weight(&self) -> Option<GuideWeight> {
            GuideWeight::try_from(self.weight).ok()
        }

        fn answer(&self, queries: &[EvalQuery]) -> Result<(Vec<SystemAnswer>, Speed)> {
            let is_right = self.right.contains(&self.weight);
            let titles = |query| if is_right { vec![(self.title)(query)] } else { Vec::new() };
            let answer = |query| SystemAnswer { titles: titles(query), text: String::new() };
            Ok((queries.iter().map(answer).collect(), Speed::default()))
        }
    }

    #[test]
    fn the_best_weight_is_kept_with_its_curve_and_of_equal_ones_the_largest() {
        let (dataset, _) = generate(&SynthConfig { users: 30, items: 40, length: 12, seed: 7 }, "films").unwrap();
        let popularity = Popularity::of(&dataset);
        let tasks = vec![EvalTask::of(Task::Sequential)];
        let settings = TunedGuide::settings(&EvalConfig { tasks, users: Some(1000), ..EvalConfig::default() });
        assert_eq!((settings.users, settings.validation), (Some(200), true));
        let mut evaluator = Evaluator::new(&dataset, &popularity, settings, "no device".into()).unwrap();
        let title = |query: &EvalQuery| dataset.catalogue.title(query.example.target.unwrap()).to_owned();
        for weight in [0.0, 0.2, 0.4, 1.0] {
            let system = RightAt { weight, right: &[0.2, 0.4], title: &title };
            evaluator.evaluate(&system, None, &Progress::silent()).unwrap();
        }
        let tuned = TunedGuide::of(evaluator.finish(), Path::new("films/teacher")).unwrap();
        assert_eq!(f64::from(tuned.weight), 0.4);
        let curve: Vec<(f64, f64)> = tuned.curve.iter().map(|point| (point.weight.into(), point.ndcg)).collect();
        assert_eq!(curve, [(0.0, 0.0), (0.2, 1.0), (0.4, 1.0), (1.0, 0.0)]);
        assert_eq!(tuned.curve[1].tasks, BTreeMap::from([("I0".to_owned(), 1.0)]));

        let run = tempfile::tempdir().unwrap();
        assert_eq!(TunedGuide::read(run.path()).unwrap(), None);
        tuned.write(run.path()).unwrap();
        assert_eq!(TunedGuide::read(run.path()).unwrap(), Some(tuned));
        std::fs::write(run.path().join(FILE), "{}").unwrap();
        assert_eq!(TunedGuide::read(run.path()).unwrap_err().exit_code(), 2);
    }
}
