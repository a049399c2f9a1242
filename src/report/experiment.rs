//! Experiments in a report: the folder stands for its runs (teacher, arms, evaluations). If the arms lie on an axis,
//! such as the share of label noise, the metrics are drawn over it.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::Heading;
use super::chart::{LineSeries, line_chart};
use super::curves::{Curves, TitledChart};
use crate::data::input::file_name;
use crate::experiment::FigureSeries;
use crate::task::{EvalTask, Metric, Task};

/// The existing runs of an experiment in their order; any other folder is a run itself.
pub fn runs_of(folder: &Path) -> Vec<PathBuf> {
    let names = experiment(folder).map_or_else(Vec::new, |whole| names(&whole));
    let runs: Vec<PathBuf> = names.into_iter().map(|name| folder.join(name)).filter(|run| run.is_dir()).collect();
    if runs.is_empty() { vec![folder.to_owned()] } else { runs }
}

/// The title of an experiment, and its question.
pub fn about(folder: &Path) -> Option<Heading> {
    let whole = experiment(folder)?;
    let of_plan = |key: &str| Some(whole.get("plan")?.get(key)?.as_str()?.to_owned());
    Some(Heading { title: of_plan("title")?, question: of_plan("question") })
}

/// The metrics of an experiment over its axis; `None` without an axis or before the experiment has finished.
pub fn curves_of(folder: &Path) -> Option<Curves> {
    let whole = experiment(folder)?;
    let axis = whole.get("plan")?.get("axis")?.as_str()?;
    let mut all: Vec<FigureSeries> = serde_json::from_slice(&std::fs::read(folder.join("plots.json")).ok()?).ok()?;
    // Arms without a position on the axis are intermediate steps.
    let arms = whole["plan"].get("arm")?.as_array()?;
    let is_placed = |name: &str| {
        arms.iter().any(|arm| arm.get("name").and_then(Value::as_str) == Some(name) && arm.get("x").is_some())
    };
    for series in &mut all {
        series.points.retain(|point| is_placed(&point.arm));
        series.points.sort_by(|a, b| a.x.total_cmp(&b.x));
    }
    let mut subjects: Vec<EvalTask> = Vec::new();
    for series in &all {
        if !subjects.contains(&series.task) {
            subjects.push(series.task);
        }
    }
    let charts = subjects.into_iter().flat_map(|subject| {
        let key = subject.task.key_metric();
        let metrics = if subject == EvalTask::of(Task::Sequential) || key == Metric::NDCG {
            vec![Metric::NDCG, Metric::NonExist]
        } else {
            vec![key]
        };
        metrics.into_iter().map(move |metric| (subject, metric))
    });
    let main = charts.filter_map(|(subject, metric)| chart(subject, metric, axis, &all)).collect();
    Some(Curves { title: format!("Over {axis}"), runs: vec![file_name(folder)], main, further: Vec::new() })
}

/// A metric over the axis, one line per decode mode.
fn chart(subject: EvalTask, metric: Metric, axis: &str, all: &[FigureSeries]) -> Option<TitledChart> {
    let of_figure = all.iter().filter(|series| (series.task, series.metric) == (subject, metric));
    let line = |(colour, series): (usize, &FigureSeries)| {
        let points = series.points.iter().map(|point| (point.x, point.y)).collect();
        LineSeries { label: series.decode.to_string(), colour, dashed: false, points }
    };
    let drawn: Vec<LineSeries> = of_figure.enumerate().map(line).collect();
    let direction = if subject.task.prefers_high(metric) { "" } else { " (lower is better)" };
    let title = format!("{subject}: {metric}{direction}");
    (!drawn.is_empty()).then(|| TitledChart { chart: line_chart(&title, axis, &drawn), title, about: "" })
}

fn experiment(folder: &Path) -> Option<Table> {
    std::fs::read_to_string(folder.join("experiment.toml")).ok()?.parse().ok()
}

fn names(whole: &Table) -> Vec<String> {
    let list = |place: &str, key: &str| {
        let values = whole.get(place).and_then(|table| table.get(key)).and_then(Value::as_array);
        values.into_iter().flatten()
    };
    let arms: Vec<&str> = list("plan", "arm").filter_map(|arm| arm.get("name")?.as_str()).collect();
    let of_seed = |seed: i64| {
        let names = arms.iter().copied().chain(["evaluation"]);
        names.map(move |name| format!("{name}-{seed}")).collect::<Vec<_>>()
    };
    let seeds = list("settings", "seeds").filter_map(Value::as_integer);
    let runs: Vec<String> = seeds.flat_map(of_seed).collect();
    if runs.is_empty() { runs } else { [vec!["teacher".to_owned()], runs].concat() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_experiment_is_its_runs_and_any_other_folder_is_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        assert_eq!(runs_of(path), [path]);
        let toml = "[plan]\n[[plan.arm]]\nname = 'v1'\n[[plan.arm]]\nname = 'v2'\n[settings]\nseeds = [7, 8]\n";
        std::fs::write(path.join("experiment.toml"), toml).unwrap();
        assert_eq!(runs_of(path), [path], "nothing was run yet");
        for run in ["evaluation-7", "v2-7", "v1-7", "v1-8", "teacher", "base-7"] {
            std::fs::create_dir(path.join(run)).unwrap();
        }
        let expected = ["teacher", "v1-7", "v2-7", "evaluation-7", "v1-8"].map(|run| path.join(run));
        assert_eq!(runs_of(path), expected);
        assert!(curves_of(path).is_none(), "it has no axis");
        std::fs::write(path.join("experiment.toml"), "[plan").unwrap();
        assert_eq!(runs_of(path), [path]);
    }

    #[test]
    fn figures_are_drawn_over_the_axis_by_the_arms_that_lie_on_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let arms = "[[plan.arm]]\nname = 'talker'\n[[plan.arm]]\nname = 'much'\nx = 1.0\n[[plan.arm]]\nname = 'none'\nx = 0.0\n";
        let plan = "[plan]\ntitle = 'T'\nquestion = 'Q?'\naxis = 'share <b>'\n";
        std::fs::write(path.join("experiment.toml"), format!("{plan}{arms}")).unwrap();
        assert_eq!(about(path).map(|about| (about.title, about.question)), Some(("T".into(), Some("Q?".into()))));
        assert!(curves_of(path).is_none(), "it has not come to its end");
        let point = |arm: &str, x: f64, y: f64| json!({ "arm": arm, "x": x, "y": y, "interval": [y, y] });
        let series = |decode: &str, subject: &str, metric: &str| {
            let points = [point("talker", 0.0, 9.0), point("much", 1.0, 0.5), point("none", 0.0, 0.25)];
            json!({ "decode": decode, "subject": subject, "metric": metric, "points": points })
        };
        let all = [series("free", "I0", "NDCG"), series("strict", "I0", "NDCG"), series("free", "+C", "TCP")];
        std::fs::write(path.join("plots.json"), json!(all).to_string()).unwrap();
        let curves = curves_of(path).unwrap();
        let titles: Vec<&str> = curves.main.iter().map(|one| one.title.as_str()).collect();
        assert_eq!((curves.title.as_str(), titles), ("Over share <b>", vec!["I0: NDCG", "+C: TCP"]));
        let legend: Vec<_> =
            curves.main[0].chart.legend.iter().map(|one| (one.label.as_str(), one.last.as_str())).collect();
        assert_eq!(legend, [("free", "0.500"), ("strict", "0.500")]);
        assert!(curves.main[0].chart.svg.contains("share &lt;b&gt;"));
    }
}
