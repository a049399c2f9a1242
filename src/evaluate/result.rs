//! What an evaluation found: the content of eval.json (docs/evaluation.md describes it for readers of other languages).

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tiller_models::atomic::write_atomically;

use super::bootstrap::ConfidenceInterval;
use super::metric::Metric;
use super::subject::EvalTask;
use crate::constrain::{ConstraintStats, Mode};
use crate::instruct::Preset;
use crate::recommend::Status;
use crate::{Error, Result};

/// The version of the form.
pub const SCHEMA: &str = "tiller-eval/1";

/// Figures with the protocol that they were made under.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// [`SCHEMA`].
    pub schema: String,
    /// The rules.
    pub protocol: EvalProtocol,
    /// What was asked, in order.
    #[serde(rename = "subjects")]
    pub tasks: Vec<TaskCoverage>,
    /// Who answered, in order.
    pub rows: Vec<SystemResult>,
    /// Differences between rows, resampled in pairs.
    pub comparisons: Vec<SystemComparison>,
}

/// The rules without which a figure says nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvalProtocol {
    /// The data set's name.
    pub dataset: String,
    /// "test" (the last item of each user) or "validation" (the one before it).
    pub split: String,
    /// How many users were asked.
    pub users: usize,
    /// How many users have a case in this split.
    pub users_with_case: usize,
    /// How many items the catalogue has; all of them are recommended from.
    pub items: usize,
    /// How many items a list has, where a subject says nothing else.
    pub k: u32,
    /// Whose rules: ours, or the authors' where they differ.
    #[serde(rename = "recipe")]
    pub preset: Preset,
    /// What decided wordings and random candidates; a user's figure is the mean over them.
    pub seeds: Vec<u64>,
    /// Resamples of the users, from which the 95 % intervals are.
    pub replicates: usize,
    /// Where it was computed.
    pub device: String,
    /// The program's version.
    pub version: String,
}

/// A subject and to how many it was put.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskCoverage {
    /// Its name.
    #[serde(rename = "subject")]
    pub task: EvalTask,
    /// What it is about.
    pub about: String,
    /// Users who were asked.
    pub users: usize,
    /// Users left out, the same for all rows: what would be asked of them does not exist, or no list has it.
    pub left_out: usize,
}

/// Everything about one that answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SystemResult {
    /// Its name; with the decode mode it is unique.
    pub name: String,
    /// What kept its lists in order; none for recommenders without words, which fill lists greedily under the whole request.
    pub decode: Option<Mode>,
    /// The figures, one for each subject that was asked.
    #[serde(rename = "subjects")]
    pub tasks: Vec<TaskMetrics>,
    /// What it took.
    pub speed: Speed,
    /// How well it still talks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat: Option<ChatPerplexity>,
    /// Some of its lists.
    pub samples: Vec<ListSample>,
}

/// The figures of one row in one subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskMetrics {
    /// Which subject.
    #[serde(rename = "subject")]
    pub task: EvalTask,
    /// Titles taken exactly.
    pub exact: BTreeMap<Metric, ConfidenceInterval>,
    /// Misspelt titles taken for the nearest ones.
    pub fuzzy: BTreeMap<Metric, ConfidenceInterval>,
    /// TCP and CPA of the row's own list of I0 under this subject's request: what it gives without being asked (SR-TCP, SR-CPA).
    pub unasked: BTreeMap<Metric, ConfidenceInterval>,
}

/// What answers took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// Lists.
    pub lists: usize,
    /// Tokens of them.
    pub tokens: usize,
    /// Calls of the model for them, each row of a batch counted; a forced token takes none.
    pub steps: usize,
    /// Seconds, without loading.
    pub seconds: f64,
    /// What guidance did to the lists, added up; nothing where nobody guided.
    #[serde(default)]
    pub guidance: ConstraintStats,
}

/// Perplexity on held-out conversations.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ChatPerplexity {
    /// exp of the mean over answers of the mean −log probability of their tokens.
    pub perplexity: f64,
    /// Answers.
    pub answers: usize,
    /// Their tokens.
    pub tokens: usize,
}

/// A list as it was given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ListSample {
    /// Which subject.
    #[serde(rename = "subject")]
    pub task: EvalTask,
    /// The user's key.
    pub user: String,
    /// The user's last turn.
    pub question: String,
    /// The request in words, in the form of `tiller recommend --json`.
    pub request: Value,
    /// The title that the user took next.
    pub target: String,
    /// The answer as it was written.
    pub text: String,
    /// Its items.
    pub items: Vec<SampleItem>,
    /// Whether the list is all that was asked for.
    #[serde(rename = "obeyed")]
    pub constraints_met: bool,
}

/// An item of a list as it was given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SampleItem {
    /// The title as the answer has it.
    pub title: String,
    /// What is wrong with it, if anything.
    pub status: Status,
    /// The rule of the request that an otherwise valid item breaks.
    #[serde(default)]
    pub breaks: Option<String>,
    /// Whether it is of the request's kind; none where the request is about no kind, or where no item has the title.
    pub of_kind: Option<bool>,
    /// Whether it is the target.
    pub is_target: bool,
}

/// The difference of two rows in one figure, over the users of both: row less other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SystemComparison {
    /// The label of a row.
    pub row: String,
    /// The label of the row that it is compared with.
    pub with: String,
    /// In which subject.
    #[serde(rename = "subject")]
    pub task: EvalTask,
    /// In which metric, titles taken exactly.
    pub metric: Metric,
    /// The difference.
    pub difference: ConfidenceInterval,
}

impl Evaluation {
    /// Reads an eval.json.
    ///
    /// # Errors
    /// A file that cannot be read or is of another form.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(Error::io(path, "read"))?;
        serde_json::from_str(&text).map_err(|e| {
            Error::bad_input(path.display())
                .expected(format!("an evaluation of the form {SCHEMA}"))
                .found(e)
                .next("make it again with `tiller eval`")
                .into()
        })
    }

    /// Writes an eval.json.
    ///
    /// # Errors
    /// A disk that refuses.
    pub fn write(&self, path: &Path) -> Result<()> {
        write_atomically(path, |file| serde_json::to_writer_pretty(file, self).map_err(Into::into))
    }

    /// The rows that were decoded by `mode`, and those that need no decoding.
    pub fn of_mode(&self, mode: Mode) -> Self {
        let mut part = self.clone();
        part.rows.retain(|row| row.decode.is_none_or(|other| other == mode));
        part
    }

    /// The mean of evaluations of the same rows and subjects; its intervals are the means of theirs. `None` where they differ, or where
    /// there is none.
    pub fn mean(evaluations: &[Evaluation]) -> Option<Self> {
        let mut mean = evaluations.first()?.clone();
        let of_all =
            |at: usize| evaluations.iter().map(move |evaluation| evaluation.rows.get(at)).collect::<Option<Vec<_>>>();
        for (at, row) in mean.rows.iter_mut().enumerate() {
            let rows = of_all(at)?;
            if rows.iter().any(|other| other.label() != row.label() || other.tasks.len() != row.tasks.len()) {
                return None;
            }
            row.speed = Speed::default();
            rows.iter().for_each(|other| row.speed.add(other.speed));
            row.chat = ChatPerplexity::mean(rows.iter().map(|other| other.chat));
            for (number, figures) in row.tasks.iter_mut().enumerate() {
                let others = || rows.iter().map(move |row| &row.tasks[number]);
                figures.exact = mean_intervals(others().map(|figures| &figures.exact));
                figures.fuzzy = mean_intervals(others().map(|figures| &figures.fuzzy));
                figures.unasked = mean_intervals(others().map(|figures| &figures.unasked));
            }
        }
        // A difference is one of two trainings, not of their means.
        if evaluations.len() > 1 {
            mean.comparisons.clear();
        }
        Some(mean)
    }

    /// The row of a label.
    pub fn row(&self, label: &str) -> Option<&SystemResult> {
        self.rows.iter().find(|row| row.label() == label)
    }
}

impl SystemResult {
    /// The name, with the decode mode behind it.
    pub fn label(&self) -> String {
        label(&self.name, self.decode)
    }

    /// The figures in a subject.
    pub fn figures(&self, task: EvalTask) -> Option<&TaskMetrics> {
        self.tasks.iter().find(|figures| figures.task == task)
    }
}

pub(super) fn label(name: &str, decode: Option<Mode>) -> String {
    decode.map_or_else(|| name.to_owned(), |mode| format!("{name} {mode}"))
}

/// The means of intervals, of those metrics that all have.
fn mean_intervals<'a>(
    maps: impl Iterator<Item = &'a BTreeMap<Metric, ConfidenceInterval>>,
) -> BTreeMap<Metric, ConfidenceInterval> {
    let maps: Vec<_> = maps.collect();
    let mean = |metric: Metric| {
        let intervals = maps.iter().map(|map| map.get(&metric)).collect::<Option<Vec<_>>>()?;
        let mean = |part: fn(&ConfidenceInterval) -> f64| {
            intervals.iter().map(|i| part(i)).sum::<f64>() / intervals.len() as f64
        };
        let users = intervals.iter().map(|interval| interval.users).min()?;
        Some((
            metric,
            ConfidenceInterval { mean: mean(|i| i.mean), low: mean(|i| i.low), high: mean(|i| i.high), users },
        ))
    };
    Metric::ALL.into_iter().filter_map(mean).collect()
}

impl ChatPerplexity {
    /// The geometric mean, if all have one.
    fn mean(chats: impl Iterator<Item = Option<ChatPerplexity>>) -> Option<Self> {
        let chats = chats.collect::<Option<Vec<_>>>()?;
        let logarithm = chats.iter().map(|chat| chat.perplexity.ln()).sum::<f64>() / chats.len() as f64;
        Some(Self { perplexity: logarithm.exp(), ..*chats.first()? })
    }
}

impl Speed {
    /// Adds what some more answers took.
    pub fn add(&mut self, other: Speed) {
        self.lists += other.lists;
        self.tokens += other.tokens;
        self.steps += other.steps;
        self.seconds += other.seconds;
        self.guidance.add(other.guidance);
    }

    /// Lists per second.
    pub fn lists_per_second(&self) -> f64 {
        if self.seconds > 0.0 { self.lists as f64 / self.seconds } else { 0.0 }
    }
}

impl fmt::Display for EvalProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { dataset, split, users, users_with_case, items, k, preset, seeds, replicates, device, .. } = self;
        let categories = match preset {
            Preset::Default => {
                "categories of -C and LP from the teacher's lists, the same for all; empty answers are failures"
            }
            Preset::Paper => "categories of -C and LP from each model's own list of I0; empty answers are left out",
        };
        write!(
            f,
            "{dataset}, {split} split, leave-one-out, {users} of {users_with_case} users, seeds {seeds:?}, lists of {k} from all {items} items, \
             greedy answers; {categories}; 95 % intervals by {replicates} resamples of the users; {device}"
        )
    }
}
