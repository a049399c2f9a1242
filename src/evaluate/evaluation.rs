//! The result of an evaluation: the content of eval.json (docs/evaluation.md describes it for readers of other languages).

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tiller_models::atomic::write_atomically;

use super::bootstrap::ConfidenceInterval;
use crate::constrain::{ConstraintStats, GuideWeight, Mode};
use crate::data::protocol::{Protocol, ProtocolRules};
use crate::instruct::Preset;
use crate::recommend::Status;
use crate::run::figures::json_pretty;
use crate::task::{EvalTask, Metric};
use crate::{Error, Result};

/// The version of the format.
pub const SCHEMA: &str = "tiller-eval/1";

/// The metrics of all systems, with the protocol that they were made under.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// [`SCHEMA`].
    pub schema: String,
    /// The evaluation protocol.
    pub protocol: EvalProtocol,
    /// The tasks, in order.
    #[serde(rename = "subjects")]
    pub tasks: Vec<TaskCoverage>,
    /// The groups of users whose figures are told apart, where they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slices: Vec<EvalSlice>,
    /// The systems, in order.
    pub rows: Vec<SystemResult>,
    /// Differences between systems, resampled in pairs.
    pub comparisons: Vec<SystemComparison>,
    /// Their differences in the mean over tasks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mean_comparisons: Vec<MeanComparison>,
}

/// The evaluation protocol, without which a figure says nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvalProtocol {
    /// The data set, split, users and items.
    #[serde(flatten)]
    pub base: Protocol,
    /// The number of users with a case in this split, of whom the users are a sample.
    pub users_with_case: usize,
    /// The number of items of a list, where a task says nothing else.
    pub k: u32,
    /// The sampling rules: the default ones, or the authors' where they differ.
    #[serde(rename = "recipe")]
    pub preset: Preset,
    /// The seeds of wordings and random candidates; a user's figure is the mean over them.
    pub seeds: Vec<u64>,
    /// Resamples of the users, which the 95 % confidence intervals come from.
    pub replicates: usize,
    /// The rules in words.
    #[serde(flatten)]
    pub rules: ProtocolRules,
    /// The source of the categories that −C and LP ask about, and the count of empty answers.
    #[serde(default)]
    pub categories: String,
    /// The choice of tokens.
    #[serde(default)]
    pub answers: String,
    /// The device.
    pub device: String,
    /// The program's version.
    pub version: String,
}

/// The number of users that a task covers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskCoverage {
    /// Its name.
    #[serde(rename = "subject")]
    pub task: EvalTask,
    /// The request in words.
    pub about: String,
    /// Users who were asked.
    pub users: usize,
    /// Users left out, the same for all systems: the catalogue has nothing to ask them for, or no list satisfies it.
    pub left_out: usize,
}

/// A group of the evaluated users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvalSlice {
    /// Its name.
    pub slice: String,
    /// The users in words.
    pub about: String,
    /// Their number.
    pub users: usize,
}

/// The results of one system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SystemResult {
    /// Its name; with the way of decoding it is unique.
    pub name: String,
    /// The constraint mode; none for plain recommenders, which fill lists greedily under the whole request.
    pub decode: Option<Mode>,
    /// The model's part in the choices, where a teacher guides the decoding; of several seeds, their mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guide_weight: Option<GuideWeight>,
    /// The lists are rankings: items by their scores, those that the user took before left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ranked: bool,
    /// The metrics, one for each task.
    #[serde(rename = "subjects")]
    pub tasks: Vec<TaskMetrics>,
    /// The work that the answers took.
    pub speed: Speed,
    /// Perplexity on conversations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat: Option<ChatPerplexity>,
    /// Some of its lists.
    pub samples: Vec<ListSample>,
}

/// The metrics of one system in one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskMetrics {
    /// The task.
    #[serde(rename = "subject")]
    pub task: EvalTask,
    /// Titles taken exactly.
    pub exact: BTreeMap<Metric, ConfidenceInterval>,
    /// Misspelt titles taken for the nearest ones.
    pub fuzzy: BTreeMap<Metric, ConfidenceInterval>,
    /// TCP and CPA of the system's plain list (I0) under this task's request: SR-TCP and SR-CPA (method §10).
    // The alias is the key in reports of earlier builds, which are still read.
    #[serde(alias = "unasked")]
    pub plain_list: BTreeMap<Metric, ConfidenceInterval>,
    /// HR and NDCG of each slice, titles taken exactly.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub slices: BTreeMap<String, BTreeMap<Metric, ConfidenceInterval>>,
}

/// The work that answers took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// Lists.
    pub lists: usize,
    /// Their tokens.
    pub tokens: usize,
    /// Calls of the model for them, each row of a batch counted; a forced token takes none.
    pub steps: usize,
    /// Seconds, without loading.
    pub seconds: f64,
    /// Statistics of constrained decoding, summed; zero without constraints.
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

/// A sample list of a system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ListSample {
    /// The task.
    #[serde(rename = "subject")]
    pub task: EvalTask,
    /// The user's key.
    pub user: String,
    /// The user's last turn.
    pub question: String,
    /// The request in words, in the form of `tiller recommend --json`.
    pub request: Value,
    /// The title of the user's next item.
    pub target: String,
    /// The answer as it was written.
    pub text: String,
    /// Its items.
    pub items: Vec<SampleItem>,
    /// The list satisfies the request.
    #[serde(rename = "obeyed")]
    pub constraints_met: bool,
}

/// An item of a sample list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SampleItem {
    /// The title as the answer has it.
    pub title: String,
    /// The fault of the item, if any.
    pub status: Status,
    /// The rule of the request that an otherwise valid item breaks.
    #[serde(default)]
    pub breaks: Option<String>,
    /// The item is in the request's category; none where the request names none, or where no item has the title.
    pub of_kind: Option<bool>,
    /// The item is the target.
    pub is_target: bool,
}

/// The difference of two systems in one metric, over the users of both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SystemComparison {
    /// The label of a system.
    pub row: String,
    /// The label of the system that is subtracted.
    pub with: String,
    /// The task.
    #[serde(rename = "subject")]
    pub task: EvalTask,
    /// The metric, titles taken exactly.
    pub metric: Metric,
    /// The difference.
    pub difference: ConfidenceInterval,
}

/// The difference of two systems in one metric, in the mean over the tasks that both have; over their users.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeanComparison {
    /// The label of a system.
    pub row: String,
    /// The label of the system that is subtracted.
    pub with: String,
    /// The metric, titles taken exactly.
    pub metric: Metric,
    /// The difference.
    pub difference: ConfidenceInterval,
}

impl Evaluation {
    /// Reads an eval.json.
    ///
    /// # Errors
    /// A file that cannot be read or has another format.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(Error::io(path, "read"))?;
        serde_json::from_str(&text).map_err(|e| {
            Error::bad_input(path.display())
                .expected(format!("an evaluation of the format {SCHEMA}"))
                .found(e)
                .next("make it again with `tiller eval`")
                .into()
        })
    }

    /// Writes an eval.json.
    ///
    /// # Errors
    /// The disk is full or the folder cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        write_atomically(path, |file| file.write_all(&json_pretty(self)?))
    }

    /// Returns the systems that were decoded by `mode`, and those that need no decoding.
    pub fn of_mode(&self, mode: Mode) -> Self {
        let mut part = self.clone();
        part.rows.retain(|row| row.decode.is_none_or(|other| other == mode));
        part
    }

    /// Returns the mean of evaluations of the same systems and tasks; its intervals are the means of theirs. `None` where they
    /// differ, or where there is none.
    pub fn mean(evaluations: &[Evaluation]) -> Option<Self> {
        let mut mean = evaluations.first()?.clone();
        let of_all =
            |at: usize| evaluations.iter().map(move |evaluation| evaluation.rows.get(at)).collect::<Option<Vec<_>>>();
        for (at, row) in mean.rows.iter_mut().enumerate() {
            let rows = of_all(at)?;
            if rows.iter().any(|other| !other.is_of_system(row) || other.tasks.len() != row.tasks.len()) {
                return None;
            }
            row.guide_weight = GuideWeight::mean(rows.iter().filter_map(|other| other.guide_weight));
            row.speed = Speed::default();
            rows.iter().for_each(|other| row.speed.add(other.speed));
            row.chat = ChatPerplexity::mean(rows.iter().map(|other| other.chat));
            for (number, figures) in row.tasks.iter_mut().enumerate() {
                let others = || rows.iter().map(move |row| &row.tasks[number]);
                figures.exact = mean_intervals(others().map(|figures| &figures.exact));
                figures.fuzzy = mean_intervals(others().map(|figures| &figures.fuzzy));
                figures.plain_list = mean_intervals(others().map(|figures| &figures.plain_list));
                for (slice, metrics) in &mut figures.slices {
                    let of_all: Option<Vec<_>> = others().map(|figures| figures.slices.get(slice)).collect();
                    *metrics = mean_intervals(of_all?.into_iter());
                }
            }
        }
        // A difference is one of two trainings, not of their means.
        if evaluations.len() > 1 {
            mean.comparisons.clear();
            mean.mean_comparisons.clear();
        }
        Some(mean)
    }

    /// Returns the system of a label.
    pub fn row(&self, label: &str) -> Option<&SystemResult> {
        self.rows.iter().find(|row| row.label() == label)
    }
}

impl SystemResult {
    /// Returns the name, followed by the way of decoding.
    pub fn label(&self) -> String {
        format!("{} {}", self.name, self.decoding()).trim_end().to_owned()
    }

    /// Returns the way of decoding, such as "strict", "strict guided 0.2" or "rank"; empty for the filled lists of plain recommenders.
    pub fn decoding(&self) -> String {
        let mode = self.decode.map(|mode| mode.to_string());
        let guided = self.guide_weight.map(|weight| format!("guided {weight}"));
        let ranked = self.ranked.then(|| "rank".to_owned());
        mode.into_iter().chain(guided).chain(ranked).collect::<Vec<_>>().join(" ")
    }

    /// Returns true if the other row is of the same system, whatever its guide weight.
    fn is_of_system(&self, other: &Self) -> bool {
        let system = |row: &Self| (row.name.clone(), row.decode, row.guide_weight.is_some(), row.ranked);
        system(self) == system(other)
    }

    /// Returns the metrics of a task.
    pub fn figures(&self, task: EvalTask) -> Option<&TaskMetrics> {
        self.tasks.iter().find(|figures| figures.task == task)
    }
}

/// The means of intervals, for the metrics that all have.
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
    /// Returns the geometric mean, if all have one.
    fn mean(chats: impl Iterator<Item = Option<ChatPerplexity>>) -> Option<Self> {
        let chats = chats.collect::<Option<Vec<_>>>()?;
        let logarithm = chats.iter().map(|chat| chat.perplexity.ln()).sum::<f64>() / chats.len() as f64;
        Some(Self { perplexity: logarithm.exp(), ..*chats.first()? })
    }
}

impl Speed {
    /// Adds the work of further answers.
    pub fn add(&mut self, other: Speed) {
        self.lists += other.lists;
        self.tokens += other.tokens;
        self.steps += other.steps;
        self.seconds += other.seconds;
        self.guidance.add(other.guidance);
    }

    /// Returns the lists per second.
    pub fn lists_per_second(&self) -> f64 {
        if self.seconds > 0.0 { self.lists as f64 / self.seconds } else { 0.0 }
    }
}

/// The source of the categories that −C and LP ask about, in words.
pub fn asked_categories(preset: Preset) -> &'static str {
    match preset {
        Preset::Default => {
            "categories of -C and LP from the teacher's lists, the same for all; empty answers are failures"
        }
        Preset::Paper => "categories of -C and LP from each model's own list of I0; empty answers are left out",
    }
}

impl fmt::Display for EvalProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { base, users_with_case, k, preset, seeds, replicates, device, .. } = self;
        let Protocol { users, items, .. } = base;
        let categories = asked_categories(*preset);
        write!(
            f,
            "{base}, {users} of {users_with_case} users, seeds {seeds:?}, lists of {k} from all {items} items, \
             greedy answers; {categories}; 95 % intervals by {replicates} resamples of the users; {device}"
        )
    }
}
