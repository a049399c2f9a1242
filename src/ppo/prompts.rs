//! The questions of iteration after iteration, in tokens.

use serde::{Deserialize, Serialize};
use tiller_models::language_model::LanguageModel;

use super::rollout::Prompt;
use crate::constrain::Grammar;
use crate::data::Catalogue;
use crate::instruct::{Example, ExampleBuilder};
use crate::task::Task;
use crate::teacher::Scorer;
use crate::{Error, Result};

/// A position in the episodes of prompts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpisodeCursor {
    /// Episodes gone by.
    pub episode: u64,
    /// Places of the episode at hand gone by.
    pub place: usize,
}

impl EpisodeCursor {
    /// The next `count` prompts, and the place behind them.
    ///
    /// # Errors
    /// The teacher's device fails, a conversation that the model's template refuses, or a data set that has nothing to ask for.
    pub fn next(
        mut self,
        builder: &ExampleBuilder<impl Scorer>,
        tasks: &[Task],
        encoder: &PromptEncoder,
        count: usize,
    ) -> Result<(Vec<Prompt>, Self)> {
        let mut prompts = Vec::with_capacity(count);
        let mut fruitless = 0;
        while prompts.len() < count {
            let episode = builder.episode(tasks, self.episode)?;
            let end = episode.len().min(self.place + count - prompts.len());
            let found = builder.prompts(&episode, self.place..end)?;
            fruitless = if found.is_empty() { fruitless + end - self.place } else { 0 };
            if fruitless > episode.len() {
                return Err(nothing_to_ask());
            }
            for (task, example) in found {
                prompts.push(encoder.prompt(task, example)?);
            }
            self.place = end;
            if end == episode.len() {
                self = Self { episode: self.episode + 1, place: 0 };
            }
        }
        Ok((prompts, self))
    }
}

/// Tokens that an answer may have beyond the longest list that was asked for: enough to see that it does not end there.
const OVERTIME: usize = 8;

/// Encodes prompts into tokens.
#[derive(Clone, Copy)]
pub struct PromptEncoder<'a> {
    /// The tokenizer and the template.
    pub model: &'a LanguageModel,
    /// The lists of the catalogue.
    pub grammar: &'a Grammar,
    /// The items.
    pub catalogue: &'a Catalogue,
    /// The most tokens of prompt and answer together.
    pub max_tokens: usize,
}

impl PromptEncoder<'_> {
    /// The prompt of an example. One that is too long loses its beginning (method §3.4); half of all tokens are the answer's if it needs
    /// them.
    ///
    /// # Errors
    /// A conversation that the model's template refuses.
    pub fn prompt(&self, task: Task, example: Example) -> Result<Prompt> {
        let most = self.max_tokens.min(self.model.llama.config().max_positions);
        let asked = example.request.as_ref().map_or(1, |request| request.k);
        let max_answer_tokens = (self.grammar.longest(asked as usize) + OVERTIME).min(most / 2);
        let mut tokens = self.model.codec.encode_chat(&example.messages)?;
        tokens.drain(..tokens.len().saturating_sub(most - max_answer_tokens));
        let request = example.compile(self.catalogue);
        Ok(Prompt { task, example, request, tokens, max_answer_tokens })
    }
}

fn nothing_to_ask() -> Error {
    Error::bad_input("tasks")
        .expected("something that the data set can be asked about")
        .found("no question in a whole episode")
        .next("choose others with --set tasks=…, such as [\"I0\"]")
        .into()
}
