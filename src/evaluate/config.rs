//! The settings of an evaluation.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::data::split::Split;
use crate::instruct::{ExampleConfig, Preset};
use crate::task::{EvalTask, LIST_LENGTH, Task};

/// The settings of an evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvalConfig {
    /// The tasks.
    pub tasks: Vec<EvalTask>,
    /// The number of users; all of them by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<usize>,
    /// The keys of the users to draw from; all users by default.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub user_keys: Vec<String>,
    /// Use the last item but one of each user as the target, instead of the last.
    pub validation: bool,
    /// The length of the lists.
    pub k: u32,
    /// The sampling rules.
    pub preset: Preset,
    /// The seeds of wordings and random candidates.
    pub seeds: Vec<u64>,
    /// Bootstrap resamples of the users for confidence intervals.
    pub replicates: usize,
    /// Sample lists kept per system and task.
    pub samples: usize,
}

impl Default for EvalConfig {
    fn default() -> Self {
        Self {
            tasks: EvalTask::all(),
            users: None,
            user_keys: Vec::new(),
            validation: false,
            k: LIST_LENGTH as u32,
            preset: Preset::Default,
            seeds: vec![ExampleConfig::default().seed],
            replicates: 1000,
            samples: 2,
        }
    }
}

impl EvalConfig {
    /// Each task once, I0 first: other figures are made with its lists, and the authors' rules need them.
    pub(super) fn tasks_in_order(&self) -> Vec<EvalTask> {
        let plain = EvalTask::of(Task::Sequential);
        let first = (self.tasks.contains(&plain) || self.preset == Preset::Paper).then_some(plain);
        let mut seen = BTreeSet::new();
        let mut is_new = |task: &EvalTask| seen.insert(task.to_string());
        first.into_iter().chain(self.tasks.iter().copied()).filter(|task| is_new(task)).collect()
    }

    /// The split whose items are predicted.
    pub(super) fn split(&self) -> Split {
        if self.validation { Split::Validation } else { Split::Test }
    }
}
