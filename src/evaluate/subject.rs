//! What an evaluation asks about, by name: a probe and its wording.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::metric::Metric;
use crate::Error;
use crate::instruct::{Probe, PromptWording, TaskFamily};

/// A kind of question. Its name is that of its probe, `I0`, `+C`, `LP20`…, with the wording behind a colon where that is not held out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EvalTask {
    /// What is asked.
    pub probe: Probe,
    /// In which words.
    pub wording: PromptWording,
}

/// The subjects whose name is a word, with what they are about.
const WORDS: [(&str, Probe, &str); 10] = [
    ("I0", Probe::Sequential, "the next item"),
    ("ItemCount", Probe::ItemCount, "11 to 15 items"),
    ("Candidates", Probe::Candidates, "the best 5 of 10 candidates"),
    ("+C", Probe::More, "all of the target's category"),
    ("-C", Probe::Less, "none of a category that would be recommended"),
    ("Condition", Probe::Condition, "all with an attribute of the target"),
    ("Conjunction", Probe::Conjunction, "all of the target's category and with an attribute"),
    ("Except", Probe::Except, "all of a category, none of an overlapping one"),
    ("Against", Probe::Against, "all of a category that the user never took"),
    ("Overlap", Probe::Overlap, "at least 60 % each of two overlapping categories"),
];

/// The ends of the names of wordings.
const WORDINGS: [(&str, PromptWording); 2] =
    [(":trained", PromptWording::Trained), (":ambiguous", PromptWording::Ambiguous)];

impl EvalTask {
    /// A probe in held-out words.
    pub const fn of(probe: Probe) -> Self {
        Self { probe, wording: PromptWording::HeldOut }
    }

    /// The paper's own tasks (method §4.1).
    pub fn core() -> Vec<EvalTask> {
        use Probe::{About, AtLeast, AtMost, ItemCount, Less, More, Sequential};
        [Sequential, More, Less, AtMost(20), AtLeast(30), About(30), ItemCount].map(EvalTask::of).into()
    }

    /// All of them: further shares, candidates, attributes, requests that overlap or go against the taste, and other words.
    pub fn all() -> Vec<EvalTask> {
        use Probe::{About, Against, AtLeast, AtMost, Candidates, Condition, Conjunction, Except, Less, More, Overlap};
        let further =
            [AtMost(50), AtLeast(50), About(50), Candidates, Condition, Conjunction, Except, Against, Overlap];
        let trained =
            [More, Less, AtMost(20), AtLeast(30)].map(|probe| Self { probe, wording: PromptWording::Trained });
        let ambiguous = [AtMost(20), AtLeast(30)].map(|probe| Self { probe, wording: PromptWording::Ambiguous });
        [Self::core(), further.map(Self::of).into(), trained.into(), ambiguous.into()].concat()
    }

    /// The metric that says whether the wish was heard: NDCG where there is no wish, TCP of a kind, CPA of a share.
    pub fn key_metric(self) -> Metric {
        match self.probe.family() {
            TaskFamily::I2 => Metric::CPA,
            TaskFamily::I1 => Metric::TCP,
            _ => Metric::NDCG,
        }
    }

    /// Whether a high figure of a metric is a good one. Of −C, TCP is about what is not wanted.
    pub fn prefers_high(self, metric: Metric) -> bool {
        match metric {
            Metric::RepeatItem | Metric::NonExist | Metric::InHistory | Metric::NotInCandidates | Metric::Empty => {
                false
            }
            Metric::TCP | Metric::TCPDistinct | Metric::TCPValid => self.probe != Probe::Less,
            _ => true,
        }
    }

    /// What it is about, in words.
    pub fn description(self) -> String {
        let about = match self.probe {
            Probe::AtMost(percent) => format!("at most {percent} % of a category that would be recommended"),
            Probe::AtLeast(percent) => format!("at least {percent} % of the target's category"),
            Probe::About(percent) => format!("about {percent} % of the target's category"),
            probe => {
                let word = WORDS.iter().find(|(_, other, _)| *other == probe);
                word.map_or_else(String::new, |(.., about)| (*about).to_owned())
            }
        };
        match self.wording {
            PromptWording::HeldOut => about,
            PromptWording::Trained => format!("{about}, in words of the training"),
            PromptWording::Ambiguous => format!("{about}, in words that tell an opposite feeling"),
        }
    }
}

impl fmt::Display for EvalTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.probe {
            Probe::AtMost(percent) => write!(f, "LP{percent}"),
            Probe::AtLeast(percent) => write!(f, "MP{percent}"),
            Probe::About(percent) => write!(f, "EP{percent}"),
            probe => {
                let word = WORDS.iter().find(|(_, other, _)| *other == probe);
                f.write_str(word.map_or("", |(name, ..)| name))
            }
        }?;
        let wording = WORDINGS.iter().find(|(_, wording)| *wording == self.wording);
        f.write_str(wording.map_or("", |(name, _)| name))
    }
}

impl FromStr for EvalTask {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let of_wording = |(end, wording): &(&str, PromptWording)| Some((text.strip_suffix(end)?, *wording));
        let (name, wording) = WORDINGS.iter().find_map(of_wording).unwrap_or((text, PromptWording::HeldOut));
        let word = WORDS.iter().find(|(word, ..)| word.eq_ignore_ascii_case(name)).map(|(_, probe, _)| *probe);
        let share = |prefix: &str, probe: fn(u32) -> Probe| {
            let percent = name.strip_prefix(prefix)?.parse().ok().filter(|percent| (1..=100).contains(percent))?;
            Some(probe(percent))
        };
        let probe = word
            .or_else(|| share("LP", Probe::AtMost))
            .or_else(|| share("MP", Probe::AtLeast))
            .or_else(|| share("EP", Probe::About));
        let probe = probe.filter(|probe| wording != PromptWording::Ambiguous || probe.family() == TaskFamily::I2);
        probe.map(|probe| Self { probe, wording }).ok_or_else(|| {
            let words = WORDS.map(|(name, ..)| name).join(", ");
            Error::bad_input("--tasks")
                .expected(format!("{words}, or LP, MP or EP with a percentage, such as LP20"))
                .found(format!("{text:?}"))
                .next("behind it may stand :trained, and behind a share :ambiguous; core and all are sets of tasks")
                .into()
        })
    }
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
    fn names_are_read_back_and_tell_all_subjects_apart() {
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
