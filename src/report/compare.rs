//! Evaluations beside each other: one table for each protocol, bars for each task, and the differences in pairs.

use serde::Serialize;

use super::chart::{Bar, bar_chart};
use super::run::Run;
use super::text::number;
use crate::evaluate::{ConfidenceInterval, EvalProtocol, Evaluation, SystemResult, TaskMetrics};
use crate::task::{EvalTask, Metric};

/// Everything that was measured under one protocol.
#[derive(Debug, Serialize)]
pub struct ComparisonTable {
    /// The rules in words.
    pub protocol: String,
    /// The version that measured.
    pub version: String,
    /// Who is compared: the name and the decode mode of each.
    pub columns: Vec<Column>,
    /// The figures, task by task.
    pub sections: Vec<Section>,
    /// Faults of form, speed and chat, over all tasks.
    pub overall: Vec<MetricRow>,
    /// A drawing for each task.
    pub bars: Vec<TitledBars>,
    /// Differences in pairs.
    pub differences: Vec<Difference>,
    /// Tasks that some users could not be asked.
    pub left_out: Vec<String>,
}

/// One of those that are compared.
#[derive(Debug, Serialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What kept its lists in order.
    pub mode: String,
}

/// The figures of one task.
#[derive(Debug, Serialize)]
pub struct Section {
    /// The task's name.
    pub subject: String,
    /// What it is about.
    pub about: String,
    /// How many users were asked.
    pub users: usize,
    /// A line for each metric.
    pub lines: Vec<MetricRow>,
}

/// One figure of all that are compared.
#[derive(Debug, Serialize)]
pub struct MetricRow {
    /// The figure's name.
    pub name: String,
    /// Whether low is good.
    pub low_is_good: bool,
    /// One cell for each column.
    pub cells: Vec<Option<Cell>>,
}

/// One figure.
#[derive(Debug, Serialize)]
pub struct Cell {
    /// The mean.
    pub mean: String,
    /// Its interval, or nothing.
    pub interval: String,
    /// What the row's plain list gives unasked, or nothing.
    pub unasked: String,
    /// Whether none is better.
    pub best: bool,
}

/// Bars under a title.
#[derive(Debug, Serialize)]
pub struct TitledBars {
    /// The task and the metric.
    pub title: String,
    /// What the task is about.
    pub about: String,
    /// The bars.
    pub svg: String,
}

/// A difference of two rows.
#[derive(Debug, Serialize)]
pub struct Difference {
    /// The task and the metric.
    pub figure: String,
    /// The row.
    pub row: String,
    /// The one that it is compared with.
    pub with: String,
    /// The difference and its interval.
    pub difference: String,
    /// Whether the interval leaves 0 out, and on which side.
    pub verdict: &'static str,
}

/// The faults of form, over all tasks.
const FORM: [Metric; 6] = [
    Metric::CorrectCount,
    Metric::NonExist,
    Metric::RepeatItem,
    Metric::InHistory,
    Metric::Empty,
    Metric::ConstraintsMet,
];

/// The tables of all evaluations, one for each protocol.
pub fn of(runs: &[Run]) -> Vec<ComparisonTable> {
    groups(runs).iter().map(|group| table(group)).collect()
}

/// The evaluations by protocol.
pub fn groups(runs: &[Run]) -> Vec<Vec<&Evaluation>> {
    let mut groups: Vec<Vec<&Evaluation>> = Vec::new();
    for (_, evaluation) in runs.iter().flat_map(|run| &run.evaluations) {
        let same = |group: &&mut Vec<&Evaluation>| comparable(&group[0].protocol, &evaluation.protocol);
        match groups.iter_mut().find(same) {
            Some(group) => group.push(evaluation),
            None => groups.push(vec![evaluation]),
        }
    }
    groups
}

/// Whether two figures may stand side by side: the same questions to the same users, by the same rules.
fn comparable(a: &EvalProtocol, b: &EvalProtocol) -> bool {
    let of = |p: &EvalProtocol| (p.base.clone(), p.users_with_case, p.k, p.preset, p.seeds.clone());
    of(a) == of(b)
}

fn table(group: &[&Evaluation]) -> ComparisonTable {
    let rows = rows(group);
    let columns = rows.iter().map(|row| Column {
        name: row.name.clone(),
        mode: row.decode.map(|mode| mode.to_string()).unwrap_or_default(),
    });
    let mut asked: Vec<&crate::evaluate::TaskCoverage> = Vec::new();
    for one in group.iter().flat_map(|evaluation| &evaluation.tasks) {
        if !asked.iter().any(|other| other.task == one.task) {
            asked.push(one);
        }
    }
    let sections = asked.iter().map(|asked| Section {
        subject: asked.task.to_string(),
        about: asked.about.clone(),
        users: asked.users,
        lines: asked
            .task
            .task
            .report_metrics()
            .into_iter()
            .filter_map(|metric| line(asked.task, metric, &rows))
            .collect(),
    });
    let bars = asked.iter().filter_map(|asked| drawing(asked.task, &asked.about, &rows));
    let left_out = asked.iter().filter(|asked| asked.left_out > 0);
    let protocol = &group[0].protocol;
    ComparisonTable {
        protocol: protocol.to_string(),
        version: protocol.version.clone(),
        columns: columns.collect(),
        sections: sections.filter(|section| !section.lines.is_empty()).collect(),
        overall: overall(&rows),
        bars: bars.collect(),
        differences: group.iter().flat_map(|evaluation| &evaluation.comparisons).map(difference).collect(),
        left_out: left_out.map(|asked| format!("{}: {} users left out", asked.task, asked.left_out)).collect(),
    }
}

/// The rows of all evaluations; one that stands in several of them, as the teacher does, only once.
pub fn rows<'a>(group: &[&'a Evaluation]) -> Vec<&'a SystemResult> {
    let mut rows: Vec<&SystemResult> = Vec::new();
    for row in group.iter().flat_map(|evaluation| &evaluation.rows) {
        if !rows.iter().any(|other| other.label() == row.label() && other.tasks == row.tasks) {
            rows.push(row);
        }
    }
    // Those without words first: they are what the others are measured against.
    rows.sort_by_key(|row| row.decode.is_some());
    rows
}

fn line(subject: EvalTask, metric: Metric, rows: &[&SystemResult]) -> Option<MetricRow> {
    let figures: Vec<Option<&TaskMetrics>> = rows.iter().map(|row| row.figures(subject)).collect();
    let means: Vec<Option<f64>> = figures.iter().map(|f| Some((*f)?.exact.get(&metric)?.mean)).collect();
    means.iter().any(Option::is_some).then(|| {
        let high = subject.task.prefers_high(metric);
        let best = best(&means, high);
        let cell = |figures: &Option<&TaskMetrics>| {
            let ConfidenceInterval { mean, low, high, .. } = *figures.as_ref()?.exact.get(&metric)?;
            let unasked = figures.as_ref()?.unasked.get(&metric).map(|unasked| number(unasked.mean));
            Some(Cell {
                mean: three_digits(mean),
                interval: format!("{}–{}", three_digits(low), three_digits(high)),
                unasked: unasked.unwrap_or_default(),
                best: Some(mean) == best,
            })
        };
        MetricRow { name: metric.to_string(), low_is_good: !high, cells: figures.iter().map(cell).collect() }
    })
}

/// The best of some means, where they differ at all.
fn best(means: &[Option<f64>], high: bool) -> Option<f64> {
    let known = || means.iter().flatten().copied();
    let (least, most) = (known().reduce(f64::min)?, known().reduce(f64::max)?);
    (least < most).then_some(if high { most } else { least })
}

fn overall(rows: &[&SystemResult]) -> Vec<MetricRow> {
    let form = FORM.iter().map(|&metric| {
        let high = matches!(metric, Metric::CorrectCount | Metric::ConstraintsMet);
        plain(
            &format!("{metric}, all tasks"),
            high,
            three_digits,
            rows.iter().map(|row| row.over_all(metric)).collect(),
        )
    });
    let per_list = |row: &&SystemResult, count: usize| row.decode.map(|_| count as f64 / row.speed.lists.max(1) as f64);
    let one_digit = |figure: f64| format!("{figure:.1}");
    let percent = |part: Option<f64>| Some(100.0 * part?);
    let speed = [
        plain("lists per second", true, one_digit, rows.iter().map(|row| Some(row.speed.lists_per_second())).collect()),
        plain("tokens per list", false, one_digit, rows.iter().map(|row| per_list(row, row.speed.tokens)).collect()),
        plain("steps per list", false, one_digit, rows.iter().map(|row| per_list(row, row.speed.steps)).collect()),
        plain(
            "choices changed by the constraint, %",
            false,
            one_digit,
            rows.iter().map(|row| percent(row.speed.guidance.changed_part())).collect(),
        ),
        plain(
            "chat perplexity",
            false,
            |p| format!("{p:.2}"),
            rows.iter().map(|row| Some(row.chat?.perplexity)).collect(),
        ),
    ];
    let all = form.chain(speed);
    all.filter(|line| line.cells.iter().any(Option::is_some)).collect()
}

/// A line without intervals.
fn plain(name: &str, high: bool, text: impl Fn(f64) -> String, means: Vec<Option<f64>>) -> MetricRow {
    let best = best(&means, high);
    let cell = |mean: &Option<f64>| {
        let mean = (*mean)?;
        Some(Cell { mean: text(mean), interval: String::new(), unasked: String::new(), best: Some(mean) == best })
    };
    MetricRow { name: name.into(), low_is_good: !high, cells: means.iter().map(cell).collect() }
}

/// The bars of the figure that says whether the wish was heard.
fn drawing(subject: EvalTask, about: &str, rows: &[&SystemResult]) -> Option<TitledBars> {
    let metric = subject.task.key_metric();
    let mut names: Vec<&str> = Vec::new();
    let drawn: Vec<Bar> = rows
        .iter()
        .filter_map(|row| {
            let colour = names.iter().position(|name| *name == row.name).unwrap_or_else(|| {
                names.push(&row.name);
                names.len() - 1
            });
            let ConfidenceInterval { mean, low, high, .. } = *row.figures(subject)?.exact.get(&metric)?;
            Some(Bar { label: row.label(), colour, mean, low, high })
        })
        .collect();
    let direction = if subject.task.prefers_high(metric) { "" } else { " (low is good)" };
    let title = format!("{subject}: {metric}{direction}");
    (!drawn.is_empty()).then(|| TitledBars { svg: bar_chart(&title, &drawn), title, about: about.to_owned() })
}

fn difference(found: &crate::evaluate::SystemComparison) -> Difference {
    let ConfidenceInterval { mean, low, high, .. } = found.difference;
    let prefers_high = found.task.task.prefers_high(found.metric);
    Difference {
        figure: format!("{} {}", found.task, found.metric),
        row: found.row.clone(),
        with: found.with.clone(),
        difference: format!("{mean:+.3} ({low:+.3} to {high:+.3})"),
        verdict: match () {
            () if low <= 0.0 && high >= 0.0 => "open",
            () if (mean > 0.0) == prefers_high => "better",
            () => "worse",
        },
    }
}

fn three_digits(value: f64) -> String {
    format!("{value:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_is_marked_only_where_something_differs() {
        assert_eq!(best(&[Some(0.5), None, Some(0.7)], true), Some(0.7));
        assert_eq!(best(&[Some(0.5), None, Some(0.7)], false), Some(0.5));
        assert_eq!(best(&[Some(0.5), Some(0.5)], true), None);
        assert_eq!(best(&[None], true), None);
    }
}
