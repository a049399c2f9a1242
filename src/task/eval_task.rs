//! Tasks as evaluations name them: with a share and a wording.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::family::TaskFamily;
use super::table::Task;
use crate::Error;

/// A task of an evaluation. Its name is the task's code, with the percentage of a share (`LP20`), and with the wording
/// behind a colon where that is not the held-out one (`LP20:ambiguous`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EvalTask {
    /// The task.
    pub task: Task,
    /// The share, in percent; none for a task without one.
    pub percent: Option<u32>,
    /// The wording of the prompt.
    pub wording: PromptWording,
}

/// The phrasings that prompts are drawn from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum PromptWording {
    /// Phrasings that no training example has; of shares, the plain ones.
    #[default]
    HeldOut,
    /// Phrasings of training examples; of shares, the plain ones.
    Trained,
    /// Held-out phrasings with a sentiment against the share ("fond as I am of it, stop at 20 %").
    Ambiguous,
}

/// The suffixes of names.
const WORDINGS: [(&str, PromptWording); 2] =
    [(":trained", PromptWording::Trained), (":ambiguous", PromptWording::Ambiguous)];

impl EvalTask {
    /// A task with its validation share, in held-out phrasings.
    pub fn of(task: Task) -> Self {
        Self { task, percent: task.validation_percent(), wording: PromptWording::HeldOut }
    }

    /// A task with a share, in held-out phrasings.
    pub fn with_share(task: Task, percent: u32) -> Self {
        Self { percent: Some(percent), ..Self::of(task) }
    }

    /// The tasks of the method (method §4.1).
    pub fn core() -> Vec<EvalTask> {
        use Task::{About, AtLeast, AtMost, ExcludeCategory, IncludeCategory, ItemCount, Sequential};
        let plain = [Sequential, IncludeCategory, ExcludeCategory].map(Self::of);
        let shares = [(AtMost, 20), (AtLeast, 30), (About, 30)].map(|(task, percent)| Self::with_share(task, percent));
        [&plain[..], &shares, &[Self::of(ItemCount)]].concat()
    }

    /// All tasks: those of the method, further shares, candidates, attributes, overlapping requests, requests against
    /// the user's taste, and other wordings.
    pub fn all() -> Vec<EvalTask> {
        use Task::{About, AtLeast, AtMost, ExcludeCategory, IncludeCategory};
        let shares = [AtMost, AtLeast, About].map(|task| Self::with_share(task, 50));
        let further = Task::all().skip_while(|&task| task != Task::Candidates).map(Self::of);
        let worded = |wording| move |task| Self { wording, ..Self::of(task) };
        let trained = [IncludeCategory, ExcludeCategory, AtMost, AtLeast].map(worded(PromptWording::Trained));
        let ambiguous = [AtMost, AtLeast].map(worded(PromptWording::Ambiguous));
        Self::core().into_iter().chain(shares).chain(further).chain(trained).chain(ambiguous).collect()
    }

    /// Returns the request in words.
    pub fn description(self) -> String {
        let wording = self.task.wording(self.percent);
        match self.wording {
            PromptWording::HeldOut => wording,
            PromptWording::Trained => format!("{wording}, in words of the training"),
            PromptWording::Ambiguous => format!("{wording}, in words that tell an opposite feeling"),
        }
    }
}

impl fmt::Display for EvalTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.task.code())?;
        self.percent.map_or(Ok(()), |percent| write!(f, "{percent}"))?;
        let suffix = WORDINGS.iter().find(|(_, wording)| *wording == self.wording);
        f.write_str(suffix.map_or("", |(suffix, _)| suffix))
    }
}

impl FromStr for EvalTask {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let suffixed = |(suffix, wording): &(&'static str, PromptWording)| Some((text.strip_suffix(suffix)?, *wording));
        let (name, wording) = WORDINGS.iter().find_map(suffixed).unwrap_or((text, PromptWording::HeldOut));
        let found = Task::all().find_map(|task| Some(Self { wording, ..parse_plain(task, name)? }));
        found.filter(|found| wording != PromptWording::Ambiguous || found.task.family() == TaskFamily::I2).ok_or_else(
            || {
                let names: Vec<&str> =
                    Task::all().filter(|task| task.validation_percent().is_none()).map(Task::code).collect();
                Error::bad_input("--tasks")
                    .expected(format!("{}, or LP, MP or EP with a percentage, such as LP20", names.join(", ")))
                    .found(format!("{text:?}"))
                    .next("append :trained, or :ambiguous after a share; core and all are sets of tasks")
                    .into()
            },
        )
    }
}

/// The task of a name without its wording, if it is `task`.
fn parse_plain(task: Task, name: &str) -> Option<EvalTask> {
    if task.validation_percent().is_none() {
        return name.eq_ignore_ascii_case(task.code()).then(|| EvalTask::of(task));
    }
    let percent = name.strip_prefix(task.code())?.parse().ok().filter(|percent| (1..=100).contains(percent))?;
    Some(EvalTask::with_share(task, percent))
}

impl TryFrom<String> for EvalTask {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<EvalTask> for String {
    fn from(task: EvalTask) -> String {
        task.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_tell_all_tasks_apart() {
        let all = EvalTask::all();
        let mut names: Vec<String> = all.iter().map(EvalTask::to_string).collect();
        assert!(all.iter().zip(&names).all(|(task, name)| name.parse::<EvalTask>().unwrap() == *task));
        assert!(all.iter().all(|task| !task.description().is_empty()));
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all.len());
        assert!(["LP20", "+C:trained", "EP50", "MP30:ambiguous"].iter().all(|name| names.contains(&name.to_string())));
        for wrong in ["", "LP", "LP0", "LP101", "C", "+C:ambiguous", "I0:", "XP20"] {
            assert_eq!(wrong.parse::<EvalTask>().unwrap_err().exit_code(), 2, "{wrong}");
        }
    }
}
