//! The questions of iteration after iteration, in tokens.

use serde::{Deserialize, Serialize};
use tiller_models::language_model::LanguageModel;

use super::rollout::Prompt;
use crate::instruct::{Example, Instructor, Practice};
use crate::teacher::Scorer;
use crate::{Error, Result};

/// Where in the episodes a training stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Episodes gone by.
    pub episode: u64,
    /// Places of the episode at hand gone by.
    pub place: usize,
}

impl Place {
    /// The next `count` prompts, and the place behind them.
    ///
    /// # Errors
    /// The teacher's device fails, a conversation that the model's template refuses, or a data set that has nothing to ask for.
    pub fn next(
        mut self,
        instructor: &Instructor<impl Scorer>,
        practices: &[Practice],
        model: &LanguageModel,
        count: usize,
    ) -> Result<(Vec<Prompt>, Self)> {
        let mut prompts = Vec::with_capacity(count);
        let mut fruitless = 0;
        while prompts.len() < count {
            let episode = instructor.episode(practices, self.episode)?;
            let end = episode.len().min(self.place + count - prompts.len());
            let found = episode.questions(self.place..end)?;
            fruitless = if found.is_empty() { fruitless + end - self.place } else { 0 };
            if fruitless > episode.len() {
                return Err(nothing_to_ask());
            }
            for (practice, example) in found {
                prompts.push(prompt(practice, example, model)?);
            }
            self.place = end;
            if end == episode.len() {
                self = Self { episode: self.episode + 1, place: 0 };
            }
        }
        Ok((prompts, self))
    }
}

/// The prompt of an example.
///
/// # Errors
/// A conversation that the model's template refuses.
pub fn prompt(practice: Practice, example: Example, model: &LanguageModel) -> Result<Prompt> {
    let tokens = model.encode_chat(&example.messages)?;
    Ok(Prompt { practice, example, tokens })
}

fn nothing_to_ask() -> Error {
    Error::bad_input("practices")
        .expected("something that the data set can be asked about")
        .found("no question in a whole episode")
        .next("choose others with --set practices=…, such as [\"I0\"]")
        .into()
}
