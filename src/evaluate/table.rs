//! An evaluation as a table of text: a column per system, a line per figure.

use std::fmt;

use super::bootstrap::ConfidenceInterval;
use super::evaluation::{EvalSlice, Evaluation, MeanComparison, SystemComparison, SystemResult, TaskMetrics};
use super::slices::SLICED;
use crate::run::figures::fixed;
use crate::task::{EvalTask, Metric};

/// The format metrics, which are reported over all tasks together.
const FORMAT: [Metric; 5] =
    [Metric::CorrectCount, Metric::RepeatItem, Metric::NonExist, Metric::InHistory, Metric::Empty];

/// The row of the teacher, whose lists are filled under the whole request.
pub const TEACHER: &str = "SASRec";

/// The name of the paired differences to it.
const DIFFERENCE: &str = "NDCG − SASRec";

/// The line of their mean over all tasks.
const MEAN: &str = "all tasks";

/// The cell of a figure that a system does not have.
const NONE: &str = "–";

/// A table of text. Its [`Display`](fmt::Display) is Markdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvalTable {
    /// The titles of the columns; the first is empty.
    pub header: Vec<String>,
    /// The lines, each with its name first.
    pub lines: Vec<Vec<String>>,
}

impl Evaluation {
    /// Returns all figures: means over users ± half of their 95 % confidence interval, and in brackets the figure of the
    /// system's own list of I0.
    pub fn table(&self) -> EvalTable {
        let header = std::iter::once(String::new()).chain(self.rows.iter().map(SystemResult::label)).collect();
        let mut lines = Lines { evaluation: self, lines: Vec::new() };
        for covered in &self.tasks {
            lines.add_task(covered.task);
        }
        lines.add_mean_difference();
        for metric in FORMAT {
            lines.add(format!("{metric}, {MEAN}"), |row| row.over_all(metric).map(number));
        }
        lines.add_speed();
        EvalTable { header, lines: lines.lines }
    }

    /// Returns the paired differences of guided systems to the constrained teacher in NDCG: a line per task, and one for the mean of several;
    /// no lines without guided systems.
    pub fn guided_differences(&self) -> EvalTable {
        let guided: Vec<&SystemResult> = self.rows.iter().filter(|row| row.guide_weight.is_some()).collect();
        let header = std::iter::once(DIFFERENCE.to_owned()).chain(guided.iter().map(|row| row.label())).collect();
        let line = |name: String, difference: &dyn Fn(&SystemResult) -> Option<String>| {
            let cells = guided.iter().map(|row| difference(row).unwrap_or_else(|| NONE.to_owned()));
            std::iter::once(name).chain(cells).collect::<Vec<_>>()
        };
        let tasks = || self.tasks.iter().filter(|_| !guided.is_empty()).map(|covered| covered.task);
        let mut lines: Vec<_> =
            tasks().map(|task| line(task.to_string(), &|row| self.difference_to_teacher(row, task))).collect();
        if lines.len() > 1 {
            lines.push(line(MEAN.to_owned(), &|row| self.mean_difference_to_teacher(row)));
        }
        EvalTable { header, lines }
    }

    /// The paired difference of a system to the constrained teacher in NDCG, with its 95 % confidence interval; of a ranking to the
    /// teacher's.
    fn difference_to_teacher(&self, row: &SystemResult, task: EvalTask) -> Option<String> {
        let (label, teacher) = (row.label(), self.teacher_of(row)?);
        let is_of = |found: &&SystemComparison| {
            found.row == label && found.with == teacher && found.task == task && found.metric == Metric::NDCG
        };
        self.comparisons.iter().find(is_of).map(|found| signed(&found.difference))
    }

    /// The paired difference in the mean over tasks.
    fn mean_difference_to_teacher(&self, row: &SystemResult) -> Option<String> {
        let (label, teacher) = (row.label(), self.teacher_of(row)?);
        let is_of =
            |found: &&MeanComparison| found.row == label && found.with == teacher && found.metric == Metric::NDCG;
        self.mean_comparisons.iter().find(is_of).map(|found| signed(&found.difference))
    }

    /// The label of the teacher that a system is compared with.
    fn teacher_of(&self, row: &SystemResult) -> Option<String> {
        let is_teacher = |other: &&SystemResult| other.name == TEACHER && other.ranked == row.ranked;
        self.rows.iter().find(is_teacher).map(SystemResult::label)
    }
}

fn signed(ConfidenceInterval { mean, low, high, .. }: &ConfidenceInterval) -> String {
    format!("{mean:+.3} ({low:+.3} to {high:+.3})")
}

/// The lines of a table in the making.
struct Lines<'a> {
    evaluation: &'a Evaluation,
    lines: Vec<Vec<String>>,
}

impl Lines<'_> {
    /// Adds a line, unless no system has a figure for it.
    fn add(&mut self, name: impl Into<String>, figure: impl Fn(&SystemResult) -> Option<String>) {
        let cells: Vec<Option<String>> = self.evaluation.rows.iter().map(figure).collect();
        if cells.iter().any(Option::is_some) {
            let cells = cells.into_iter().map(|cell| cell.unwrap_or_else(|| NONE.to_owned()));
            self.lines.push(std::iter::once(name.into()).chain(cells).collect());
        }
    }

    fn add_task(&mut self, task: EvalTask) {
        for metric in task.task.report_metrics() {
            let direction = if task.task.prefers_high(metric) { "" } else { " (low is good)" };
            self.add(format!("{task} {metric}{direction}"), |row| row.figures(task)?.cell(metric));
        }
        self.add_forgiving(task);
        self.add_difference(task);
        self.add_slices(task);
    }

    /// Adds HR and NDCG of each slice.
    fn add_slices(&mut self, task: EvalTask) {
        let evaluation = self.evaluation;
        for EvalSlice { slice, users, .. } in &evaluation.slices {
            for metric in SLICED {
                self.add(format!("{task} {metric}, {slice} ({users} users)"), |row| {
                    row.figures(task)?.slices.get(slice)?.get(&metric).map(with_width)
                });
            }
        }
    }

    /// Differences are shown where some system is guided by the teacher, or is a ranking like its own.
    fn has_differences(&self) -> bool {
        self.evaluation.rows.iter().any(|row| row.guide_weight.is_some() || row.ranked)
    }

    /// Adds the paired difference to the constrained teacher.
    fn add_difference(&mut self, task: EvalTask) {
        if self.has_differences() {
            let evaluation = self.evaluation;
            self.add(format!("{task} {DIFFERENCE}, paired"), |row| evaluation.difference_to_teacher(row, task));
        }
    }

    /// Adds its mean over several tasks.
    fn add_mean_difference(&mut self) {
        if self.has_differences() && self.evaluation.tasks.len() > 1 {
            let evaluation = self.evaluation;
            self.add(format!("{DIFFERENCE}, paired, {MEAN}"), |row| evaluation.mean_difference_to_teacher(row));
        }
    }

    /// Adds NDCG with misspelt titles replaced by the nearest ones, where that makes a difference to any system.
    fn add_forgiving(&mut self, task: EvalTask) {
        let forgiving = |row: &SystemResult| row.figures(task)?.fuzzy.get(&Metric::NDCG).copied();
        let exact = |row: &SystemResult| row.figures(task)?.exact.get(&Metric::NDCG).copied();
        if self.evaluation.rows.iter().any(|row| forgiving(row).is_some_and(|fuzzy| Some(fuzzy) != exact(row))) {
            let name = format!("{task} NDCG, misspellings forgiven");
            self.add(name, |row| forgiving(row).as_ref().map(with_width));
        }
    }

    fn add_speed(&mut self) {
        let percent = |part: f64| format!("{:.1} %", 100.0 * part);
        let per_list = |row: &SystemResult, count: usize| {
            row.decode.map(|_| format!("{:.1}", count as f64 / row.speed.lists.max(1) as f64))
        };
        self.add("lists/s", |row| Some(format!("{:.1}", row.speed.lists_per_second())));
        self.add("tokens/list", |row| per_list(row, row.speed.tokens));
        self.add("steps/list", |row| per_list(row, row.speed.steps));
        self.add("choices changed by the constraint", |row| row.speed.guidance.changed_part().map(percent));
        self.add("probability removed at a choice", |row| {
            let guidance = row.speed.guidance;
            (guidance.observed > 0).then(|| percent(guidance.mean_removed_mass()))
        });
        self.add("chat perplexity", |row| row.chat.map(|chat| format!("{:.2}", chat.perplexity)));
    }
}

impl TaskMetrics {
    fn cell(&self, metric: Metric) -> Option<String> {
        let exact = self.exact.get(&metric)?;
        let plain_list = self.plain_list.get(&metric).map(|plain| format!(" ({:.2})", plain.mean));
        Some(with_width(exact) + &plain_list.unwrap_or_default())
    }
}

impl SystemResult {
    /// Returns the mean of a metric over all tasks that have it.
    pub fn over_all(&self, metric: Metric) -> Option<f64> {
        let means: Vec<f64> = self.tasks.iter().filter_map(|task| Some(task.exact.get(&metric)?.mean)).collect();
        (!means.is_empty()).then(|| means.iter().sum::<f64>() / means.len() as f64)
    }
}

impl fmt::Display for EvalTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = self.header.iter().enumerate().map(|(column, _)| if column == 0 { "---" } else { "---:" });
        writeln!(f, "| {} |", self.header.join(" | "))?;
        write!(f, "| {} |", rule.collect::<Vec<_>>().join(" | "))?;
        self.lines.iter().try_for_each(|line| write!(f, "\n| {} |", line.join(" | ")))
    }
}

/// A mean ± half of its confidence interval.
fn with_width(interval: &ConfidenceInterval) -> String {
    format!("{} ±{:.3}", number(interval.mean), (interval.high - interval.low) / 2.0)
}

fn number(figure: f64) -> String {
    fixed(figure, 3)
}
