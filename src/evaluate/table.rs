//! An evaluation for people: a column for each of its rows, a line for each figure.

use comfy_table::{CellAlignment, Table, TableStyle};

use super::bootstrap::ConfidenceInterval;
use super::metric::Metric;
use super::result::{Evaluation, SystemResult, TaskMetrics};
use super::subject::EvalTask;
use crate::instruct::{Probe, TaskFamily};

/// The faults of form, which are reported over all subjects together.
const FORM: [Metric; 5] =
    [Metric::CorrectCount, Metric::RepeatItem, Metric::NonExist, Metric::InHistory, Metric::Empty];

/// What stands where there is no figure.
const NONE: &str = "–";

impl Evaluation {
    /// All figures; means over users ± half of their 95 % interval, and in brackets what the row's plain list gives unasked.
    pub fn table(&self, style: TableStyle) -> Table {
        let mut table = Table::new();
        table.load_style(style);
        table.set_header([String::new()].into_iter().chain(self.rows.iter().map(SystemResult::label)));
        for asked in &self.tasks {
            self.add_subject(&mut table, asked.task);
        }
        for metric in FORM {
            self.add_line(&mut table, format!("{metric}, all tasks"), |row| row.over_all(metric).map(number));
        }
        self.add_line(&mut table, "lists/s".into(), |row| Some(format!("{:.1}", row.speed.lists_per_second())));
        let per_list =
            |row: &SystemResult, count: usize| row.decode.map(|_| count as f64 / row.speed.lists.max(1) as f64);
        let one_decimal = |figure: f64| format!("{figure:.1}");
        self.add_line(&mut table, "tokens/list".into(), |row| per_list(row, row.speed.tokens).map(one_decimal));
        self.add_line(&mut table, "steps/list".into(), |row| per_list(row, row.speed.steps).map(one_decimal));
        let percent = |part: f64| format!("{:.1} %", 100.0 * part);
        self.add_line(&mut table, "choices changed by the constraint".into(), |row| {
            row.speed.guidance.changed_part().map(percent)
        });
        self.add_line(&mut table, "probability removed at a choice".into(), |row| {
            let guidance = row.speed.guidance;
            (guidance.observed > 0).then(|| percent(guidance.mean_removed_mass()))
        });
        self.add_line(&mut table, "chat perplexity".into(), |row| {
            row.chat.map(|chat| format!("{:.2}", chat.perplexity))
        });
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }

    fn add_subject(&self, table: &mut Table, task: EvalTask) {
        let metrics: &[Metric] = match task.probe.family() {
            TaskFamily::I1 => &[Metric::TCP, Metric::NDCG, Metric::ConstraintsMet],
            TaskFamily::I2 => &[Metric::CPA, Metric::NDCG, Metric::ConstraintsMet],
            _ if task.probe == Probe::Candidates => &[Metric::HR, Metric::NDCG, Metric::NotInCandidates],
            _ => &[Metric::HR, Metric::NDCG, Metric::ConstraintsMet],
        };
        for &metric in metrics {
            let direction = if task.prefers_high(metric) { "" } else { " (low is good)" };
            self.add_line(table, format!("{task} {metric}{direction}"), |row| row.figures(task)?.cell(metric));
        }
        self.add_forgiving(table, task);
    }

    /// Adds NDCG with misspelt titles taken for the nearest ones, where that makes a difference to anybody.
    fn add_forgiving(&self, table: &mut Table, task: EvalTask) {
        let forgiving = |row: &SystemResult| row.figures(task)?.fuzzy.get(&Metric::NDCG).copied();
        let differs = |row: &SystemResult| forgiving(row).is_some_and(|fuzzy| Some(&fuzzy) != exact_ndcg(row, task));
        if self.rows.iter().any(differs) {
            let name = format!("{task} NDCG, misspellings forgiven");
            self.add_line(table, name, |row| forgiving(row).as_ref().map(with_width));
        }
    }

    /// Adds a line, unless no row has a figure for it.
    fn add_line(&self, table: &mut Table, name: String, figure: impl Fn(&SystemResult) -> Option<String>) {
        let cells: Vec<Option<String>> = self.rows.iter().map(figure).collect();
        if cells.iter().any(Option::is_some) {
            let cells = cells.into_iter().map(|cell| cell.unwrap_or_else(|| NONE.to_owned()));
            table.add_row([name].into_iter().chain(cells));
        }
    }
}

impl TaskMetrics {
    fn cell(&self, metric: Metric) -> Option<String> {
        let exact = self.exact.get(&metric)?;
        let unasked = self.unasked.get(&metric).map(|unasked| format!(" ({:.2})", unasked.mean));
        Some(with_width(exact) + &unasked.unwrap_or_default())
    }
}

impl SystemResult {
    /// The mean of a metric over all subjects that have it.
    pub fn over_all(&self, metric: Metric) -> Option<f64> {
        let means: Vec<f64> = self.tasks.iter().filter_map(|f| Some(f.exact.get(&metric)?.mean)).collect();
        (!means.is_empty()).then(|| means.iter().sum::<f64>() / means.len() as f64)
    }
}

fn exact_ndcg(row: &SystemResult, task: EvalTask) -> Option<&ConfidenceInterval> {
    row.figures(task)?.exact.get(&Metric::NDCG)
}

/// A mean ± half of its interval.
fn with_width(interval: &ConfidenceInterval) -> String {
    format!("{} ±{:.3}", number(interval.mean), (interval.high - interval.low) / 2.0)
}

fn number(figure: f64) -> String {
    format!("{figure:.3}")
}
