//! What the model says of a given text.

use tiller_kernels::decode::{LogitsRequest, TokenSource, TokenSpan};

use super::Engine;
use crate::llama::Sampling;
use crate::{Error, Result};

impl Engine {
    /// The log-probability of every token but the first, given those before it.
    ///
    /// # Errors
    /// A text longer than the engine has room for, tokens beyond the vocabulary, a device that fails.
    pub fn log_probs(&mut self, tokens: &[u32]) -> Result<Vec<f64>> {
        let beyond = tokens.iter().any(|token| *token as usize >= self.config.vocab_size);
        if tokens.len() > self.options.max_tokens || beyond {
            return Err(Error::bad_input("the text")
                .expected(format!("at most {} tokens of the model's vocabulary", self.options.max_tokens))
                .found(format!("{} tokens{}", tokens.len(), if beyond { ", some beyond it" } else { "" }))
                .into());
        }
        let mut table = Vec::new();
        self.pages.allocate(&mut table, tokens.len());
        let scored = self.log_probs_in(tokens, &table);
        self.pages.free(table);
        scored
    }

    fn log_probs_in(&mut self, tokens: &[u32], table: &[u32]) -> Result<Vec<f64>> {
        let mut log_probs = Vec::with_capacity(tokens.len());
        let (asked, followers) = (tokens.len().saturating_sub(1), tokens.get(1..).unwrap_or(&[]));
        let chunk = self.buffers.sizes.questions;
        for start in (0..asked).step_by(chunk) {
            let count = chunk.min(asked - start);
            let sources: Vec<TokenSource> =
                tokens[start..][..count].iter().map(|token| TokenSource::Id(*token)).collect();
            // The answer can only be the token that follows: what is wanted is what was said of it.
            let question = |i: usize| {
                let list = Some(&followers[start + i..][..1]);
                LogitsRequest { token: i, slot: i, list, full: true, chance: 0.0 }
            };
            let questions: Vec<LogitsRequest> = (0..count).map(question).collect();
            let run = TokenSpan { tokens: &sources, position: start, pages: table, adapter: self.first_adapter() };
            let pending = self.step(&[run], &questions, Sampling::Greedy).expect("there are questions");
            let answers = self.runner.wait(pending).map_err(Error::Failed)?;
            log_probs.extend(answers[..count].iter().map(|answer| f64::from(answer.logit - answer.log_sum)));
        }
        Ok(log_probs)
    }
}
