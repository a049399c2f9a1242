//! Answers of every iteration, to be read by people: what a reward says is one thing, what a list looks like another.

use std::path::Path;

use serde_json::json;

use super::rollout::{Prompt, Rollout};
use crate::Result;
use crate::data::Catalogue;
use crate::reward::Rewards;
use crate::run::json_lines::JsonLines;

/// The file of a run that has them.
const FILE: &str = "samples.jsonl";

/// samples.jsonl: of each task, the first answer of every iteration.
pub struct SampleLog(JsonLines);

impl SampleLog {
    /// The file in the folder of a run, whose lines are good up to iteration `last`; `None` drops all.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn open(run: &Path, last: Option<u64>) -> Result<Self> {
        let mut lines = JsonLines::append(&run.join(FILE))?;
        lines.retain(|line| line["step"].as_u64().is_some_and(|step| Some(step) <= last))?;
        Ok(Self(lines))
    }

    /// Appends the first answer of each task.
    ///
    /// # Errors
    /// The disk is full or the folder has gone.
    pub fn write(
        &mut self,
        step: u64,
        prompts: &[Prompt],
        rollouts: &[Rollout],
        rewards: &[Rewards],
        catalogue: &Catalogue,
    ) -> Result<()> {
        let mut seen = Vec::new();
        for (rollout, rewards) in rollouts.iter().zip(rewards) {
            let Prompt { task, example, .. } = &prompts[rollout.prompt];
            if seen.contains(task) {
                continue;
            }
            seen.push(*task);
            self.0.write(&json!({
                "step": step,
                "practice": task,
                "request": example.request.as_ref().map(|request| request.in_words(catalogue)),
                "target": example.target.map(|target| catalogue.title(target)),
                "answer": rollout.text,
                "statuses": rollout.list.iter().map(|line| line.status).collect::<Vec<_>>(),
                "items": rewards.items,
                "list": rewards.list,
            }))?;
        }
        Ok(())
    }
}
