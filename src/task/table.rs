//! The table of tasks.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::family::TaskFamily;
use super::metric::Metric;
use crate::Error;

/// The number of items in the longest list of a task, and in the list of a share.
pub const LIST_LENGTH: usize = 10;

/// A task: one kind of request for a list.
///
/// The first six are trained and aligned ([`Task::TRAINED`]); the others are only evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Task {
    /// I0: the next item.
    Sequential,
    /// +C: items of the target's category.
    IncludeCategory,
    /// −C: no item of a category that the teacher would recommend and the target is not in.
    ExcludeCategory,
    /// LP: at most a share of a category as for −C.
    AtMost,
    /// MP: at least a share of the target's category.
    AtLeast,
    /// EP: about a share of the target's category.
    About,
    /// I0 with 11 to 15 items, which are lengths that training never asks for.
    ItemCount,
    /// I0 restricted to candidates: the best 5 of the target and 9 random other items.
    Candidates,
    /// An attribute condition that the target satisfies.
    Condition,
    /// The target's category and an attribute condition together.
    Conjunction,
    /// +C and −C together: the target's category without an overlapping one.
    Except,
    /// +C against the user's taste: a category that nothing of the history is in.
    Against,
    /// At least 60 % each of two overlapping categories, so that some items have to be in both.
    Overlap,
}

/// The control that a task asks for. Rewards score it, and the key metric measures it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Control {
    /// Every item is in the set (+C).
    Include,
    /// No item is in the set (−C).
    Exclude,
    /// At most a number of items are in the set (LP).
    AtMost,
    /// At least a number of items are in the set (MP).
    AtLeast,
    /// About a number of items are in the set (EP).
    About,
}

/// A row of the table.
struct Row {
    task: Task,
    code: &'static str,
    family: TaskFamily,
    control: Option<Control>,
    /// The share in validations, in percent.
    percent: Option<u32>,
    /// The wording in reports; `{}` is the percentage.
    wording: &'static str,
}

const fn row(
    task: Task,
    code: &'static str,
    family: TaskFamily,
    control: Option<Control>,
    percent: Option<u32>,
    wording: &'static str,
) -> Row {
    Row { task, code, family, control, percent, wording }
}

use Control::{About, AtLeast, AtMost, Exclude, Include};
use TaskFamily::{I0, I1, I2};

#[rustfmt::skip]
const TABLE: [Row; 13] = [
    row(Task::Sequential,      "I0",          I0, None,          None,     "the next item"),
    row(Task::IncludeCategory, "+C",          I1, Some(Include), None,     "all of the target's category"),
    row(Task::ExcludeCategory, "-C",          I1, Some(Exclude), None,     "none of a category that would be recommended"),
    row(Task::AtMost,          "LP",          I2, Some(AtMost),  Some(20), "at most {} % of a category that would be recommended"),
    row(Task::AtLeast,         "MP",          I2, Some(AtLeast), Some(30), "at least {} % of the target's category"),
    row(Task::About,           "EP",          I2, Some(About),   Some(50), "about {} % of the target's category"),
    row(Task::ItemCount,       "ItemCount",   I0, None,          None,     "11 to 15 items"),
    row(Task::Candidates,      "Candidates",  I0, None,          None,     "the best 5 of 10 candidates"),
    row(Task::Condition,       "Condition",   I1, Some(Include), None,     "all with an attribute of the target"),
    row(Task::Conjunction,     "Conjunction", I1, Some(Include), None,     "all of the target's category and with an attribute"),
    row(Task::Except,          "Except",      I1, Some(Include), None,     "all of a category, none of an overlapping one"),
    row(Task::Against,         "Against",     I1, Some(Include), None,     "all of a category that the user never took"),
    row(Task::Overlap,         "Overlap",     I2, Some(AtLeast), None,     "at least 60 % each of two overlapping categories"),
];

impl Task {
    /// The tasks that models are trained, validated and aligned on, in the method's order.
    pub const TRAINED: [Task; 6] =
        [Task::Sequential, Task::IncludeCategory, Task::ExcludeCategory, Task::AtMost, Task::AtLeast, Task::About];

    /// Returns every task, in the order of the table.
    pub fn all() -> impl Iterator<Item = Task> {
        TABLE.iter().map(|row| row.task)
    }

    fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// Returns the name in settings, flags and reports: `I0`, `+C`, `LP`, `Overlap` and so on.
    pub fn code(self) -> &'static str {
        self.row().code
    }

    /// Returns the family that the task belongs to.
    pub fn family(self) -> TaskFamily {
        self.row().family
    }

    /// Returns the control that the task asks for; none where the history alone decides.
    pub fn control(self) -> Option<Control> {
        self.row().control
    }

    /// Returns the share that validations ask for, in percent; none where the task has no share to choose.
    pub fn validation_percent(self) -> Option<u32> {
        self.row().percent
    }

    /// Returns the metric that tells whether the request was followed: NDCG without control, TCP of a category,
    /// CPA of a share.
    pub fn key_metric(self) -> Metric {
        match self.control() {
            None => Metric::NDCG,
            Some(Include | Exclude) => Metric::TCP,
            Some(AtMost | AtLeast | About) => Metric::CPA,
        }
    }

    /// Returns the metrics that reports show of the task, the most telling first.
    pub fn report_metrics(self) -> [Metric; 3] {
        match (self, self.key_metric()) {
            (Task::Candidates, _) => [Metric::HR, Metric::NDCG, Metric::NotInCandidates],
            (_, Metric::NDCG) => [Metric::HR, Metric::NDCG, Metric::ConstraintsMet],
            (_, control) => [control, Metric::NDCG, Metric::ConstraintsMet],
        }
    }

    /// Returns true where a high value of the metric is good. Of −C, TCP counts items that are not wanted.
    pub fn prefers_high(self, metric: Metric) -> bool {
        let counts_unwanted = self.control() == Some(Exclude);
        match metric {
            Metric::TCP | Metric::TCPDistinct | Metric::TCPValid => !counts_unwanted,
            metric => !metric.counts_errors(),
        }
    }

    /// Returns the request in words, with a share of `percent`.
    pub(super) fn wording(self, percent: Option<u32>) -> String {
        self.row().wording.replace("{}", &percent.unwrap_or_default().to_string())
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl FromStr for Task {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::all().find(|task| task.code().eq_ignore_ascii_case(text)).ok_or_else(|| {
            let codes: Vec<&str> = Self::all().map(Task::code).collect();
            Error::bad_input("task").expected(codes.join(", ")).found(format!("{text:?}")).into()
        })
    }
}

impl TryFrom<String> for Task {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Task> for String {
    fn from(task: Task) -> String {
        task.code().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_has_its_own_row_and_is_found_by_its_code() {
        for (number, task) in Task::all().enumerate() {
            assert_eq!(task as usize, number, "{task}");
            assert_eq!(task.code().parse::<Task>().unwrap(), task);
            assert_eq!(task.validation_percent().is_some(), task.row().wording.contains("{}"), "{task}");
        }
        assert!("C".parse::<Task>().is_err());
    }
}
