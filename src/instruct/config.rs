//! The settings of training examples.

use serde::{Deserialize, Serialize};

use super::preset::Preset;
use crate::task::TaskFamily;
use crate::{Error, Result};

/// The settings of training examples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExampleConfig {
    /// The task families.
    pub tasks: Vec<TaskFamily>,
    /// The sampling rules.
    pub preset: Preset,
    /// The seed of every random draw.
    pub seed: u64,
    /// Conversations per example of another task.
    pub chat_ratio: f64,
    /// True if I3 asks for items by their titles, too: for models with item tokens, which must learn what these are called.
    pub by_title: bool,
}

impl Default for ExampleConfig {
    fn default() -> Self {
        Self {
            tasks: TaskFamily::ALL[..4].into(),
            preset: Preset::Default,
            seed: 2024,
            chat_ratio: 0.5,
            by_title: false,
        }
    }
}

impl ExampleConfig {
    /// Checks the settings against the number of conversations at hand.
    ///
    /// # Errors
    /// I4 without conversations, a chat ratio out of its range.
    pub fn validate(&self, conversations: usize) -> Result<()> {
        if self.tasks.contains(&TaskFamily::I4) && conversations == 0 {
            return Err(Error::bad_input("task I4")
                .expected("conversations")
                .found("none")
                .next("name a file of them with --chat, or leave I4 out")
                .into());
        }
        if !(0.0..=100.0).contains(&self.chat_ratio) {
            return Err(Error::bad_input("--chat-ratio")
                .expected("a number from 0 to 100")
                .found(self.chat_ratio)
                .next("0.5 gives one conversation for every two other examples")
                .into());
        }
        Ok(())
    }
}
