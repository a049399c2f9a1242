//! Comparison of evaluations: one table per protocol, a bar chart per task, and paired differences.

use serde::Serialize;

use super::chart::{Bar, bar_chart};
use super::run::Run;
use super::text::number;
use crate::evaluate::{ConfidenceInterval, EvalProtocol, EvalSlice, Evaluation, SLICED, SystemResult};
use crate::run::figures::fixed;
use crate::task::{EvalTask, Metric};

/// The results of one evaluation protocol.
#[derive(Debug, Serialize)]
pub struct ComparisonTable {
    /// The description of the protocol.
    pub protocol: String,
    /// The program version.
    pub version: String,
    /// The compared systems with their decode modes.
    pub columns: Vec<Column>,
    /// The metrics by task.
    pub sections: Vec<Section>,
    /// Format errors, speed and chat perplexity over all tasks.
    pub overall: Vec<MetricRow>,
    /// A bar chart per task.
    pub bars: Vec<TitledBars>,
    /// Paired differences.
    pub differences: Vec<Difference>,
    /// Tasks that do not apply to some users.
    pub left_out: Vec<String>,
}

/// A compared system.
#[derive(Debug, Serialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// The decode mode.
    pub mode: String,
}

/// The metrics of one task.
#[derive(Debug, Serialize)]
pub struct Section {
    /// The task's name.
    pub subject: String,
    /// A description of the task.
    pub about: String,
    /// The number of users.
    pub users: usize,
    /// A row per metric.
    pub lines: Vec<MetricRow>,
}

/// One metric of all systems.
#[derive(Debug, Serialize)]
pub struct MetricRow {
    /// The metric's name.
    pub name: String,
    /// True if lower is better.
    pub low_is_good: bool,
    /// One cell per system.
    pub cells: Vec<Option<Cell>>,
}

/// One value.
#[derive(Debug, Serialize)]
pub struct Cell {
    /// The mean.
    pub mean: String,
    /// Its confidence interval; empty if unknown.
    pub interval: String,
    /// The metric of the plain list (I0); empty if unknown.
    pub plain_list: String,
    /// True for the best value of its row.
    pub best: bool,
}

/// A bar chart with a title.
#[derive(Debug, Serialize)]
pub struct TitledBars {
    /// The task and the metric.
    pub title: String,
    /// A description of the task.
    pub about: String,
    /// The SVG.
    pub svg: String,
}

/// The paired difference of two systems.
#[derive(Debug, Serialize)]
pub struct Difference {
    /// The task and the metric.
    pub figure: String,
    /// The system.
    pub row: String,
    /// The baseline.
    pub with: String,
    /// The difference with its confidence interval.
    pub difference: String,
    /// The verdict: better, worse, or open if the interval contains 0.
    pub verdict: &'static str,
}

/// The format metrics over all tasks.
const FORM: [Metric; 6] = [
    Metric::CorrectCount,
    Metric::NonExist,
    Metric::RepeatItem,
    Metric::InHistory,
    Metric::Empty,
    Metric::ConstraintsMet,
];

/// The tables of all evaluations, one per protocol.
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

/// Returns true if two protocols are comparable: same data, users, queries and settings.
fn comparable(a: &EvalProtocol, b: &EvalProtocol) -> bool {
    let of = |p: &EvalProtocol| (p.base.clone(), p.users_with_case, p.k, p.preset, p.seeds.clone());
    of(a) == of(b)
}

fn table(group: &[&Evaluation]) -> ComparisonTable {
    let rows = rows(group);
    let columns = rows.iter().map(|row| Column { name: row.name.clone(), mode: row.decoding() });
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
            .chain(slice_lines(asked.task, group, &rows))
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

/// The distinct rows of all evaluations; a row in several evaluations, such as the teacher, is listed once.
pub fn rows<'a>(group: &[&'a Evaluation]) -> Vec<&'a SystemResult> {
    let mut rows: Vec<&SystemResult> = Vec::new();
    for row in group.iter().flat_map(|evaluation| &evaluation.rows) {
        if !rows.iter().any(|other| other.label() == row.label() && other.tasks == row.tasks) {
            rows.push(row);
        }
    }
    // Systems without a language model first: they are the baselines.
    rows.sort_by_key(|row| row.decode.is_some() || row.ranked);
    rows
}

fn line(subject: EvalTask, metric: Metric, rows: &[&SystemResult]) -> Option<MetricRow> {
    let high = subject.task.prefers_high(metric);
    let intervals: Vec<_> = rows.iter().map(|row| row.figures(subject)?.exact.get(&metric)).collect();
    let mut line = interval_line(metric.to_string(), high, &intervals)?;
    for (cell, row) in line.cells.iter_mut().zip(rows) {
        let plain_list = row.figures(subject).and_then(|figures| figures.plain_list.get(&metric));
        if let (Some(cell), Some(plain)) = (cell, plain_list) {
            cell.plain_list = number(plain.mean);
        }
    }
    Some(line)
}

/// HR and NDCG of each slice of the users.
fn slice_lines(subject: EvalTask, group: &[&Evaluation], rows: &[&SystemResult]) -> Vec<MetricRow> {
    let mut slices: Vec<&EvalSlice> = Vec::new();
    for slice in group.iter().flat_map(|evaluation| &evaluation.slices) {
        if !slices.contains(&slice) {
            slices.push(slice);
        }
    }
    let of_metric = |metric: Metric, slice: &EvalSlice| {
        let intervals: Vec<_> =
            rows.iter().map(|row| row.figures(subject)?.slices.get(&slice.slice)?.get(&metric)).collect();
        interval_line(format!("{metric}, {} ({} users)", slice.slice, slice.users), true, &intervals)
    };
    slices.into_iter().flat_map(|slice| SLICED.map(|metric| of_metric(metric, slice))).flatten().collect()
}

/// A row of means with their intervals; `None` where no system has one.
fn interval_line(name: String, high: bool, intervals: &[Option<&ConfidenceInterval>]) -> Option<MetricRow> {
    let means: Vec<Option<f64>> = intervals.iter().map(|interval| Some((*interval)?.mean)).collect();
    means.iter().any(Option::is_some).then(|| {
        let best = best(&means, high);
        let cell = |interval: &Option<&ConfidenceInterval>| {
            let ConfidenceInterval { mean, low, high, .. } = *(*interval)?;
            Some(Cell {
                mean: three_digits(mean),
                interval: format!("{}–{}", three_digits(low), three_digits(high)),
                plain_list: String::new(),
                best: Some(mean) == best,
            })
        };
        MetricRow { name, low_is_good: !high, cells: intervals.iter().map(cell).collect() }
    })
}

/// The best mean; `None` if all are equal.
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

/// A row without intervals.
fn plain(name: &str, high: bool, text: impl Fn(f64) -> String, means: Vec<Option<f64>>) -> MetricRow {
    let best = best(&means, high);
    let cell = |mean: &Option<f64>| {
        let mean = (*mean)?;
        Some(Cell { mean: text(mean), interval: String::new(), plain_list: String::new(), best: Some(mean) == best })
    };
    MetricRow { name: name.into(), low_is_good: !high, cells: means.iter().map(cell).collect() }
}

/// The bar chart of the task's key metric.
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
    let direction = if subject.task.prefers_high(metric) { "" } else { " (lower is better)" };
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
    fixed(value, 3)
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
