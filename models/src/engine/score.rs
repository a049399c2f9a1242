//! The log-probabilities of a given text.

use tiller_kernels::decode::{LogitsRequest, TokenSource, TokenSpan};

use super::Engine;
use crate::generate::Sampling;
use crate::{Error, Result};

impl Engine {
    /// The log-probability of every token but the first, given those before it.
    ///
    /// # Errors
    /// A text longer than the engine has reserved memory for, tokens outside of the vocabulary, a device that fails.
    pub fn log_probs(&mut self, tokens: &[u32]) -> Result<Vec<f64>> {
        let beyond = tokens.iter().any(|token| *token as usize >= self.config.vocab_size);
        if tokens.len() > self.options.max_tokens || beyond {
            return Err(Error::bad_input("the text")
                .expected(format!("at most {} tokens of the model's vocabulary", self.options.max_tokens))
                .found(format!("{} tokens{}", tokens.len(), if beyond { ", some beyond it" } else { "" }))
                .into());
        }
        let mut table = Vec::new();
        self.cache.allocate(&mut table, tokens.len());
        let scored = self.log_probs_in(tokens, &table);
        self.cache.free(table);
        scored
    }

    fn log_probs_in(&mut self, tokens: &[u32], table: &[u32]) -> Result<Vec<f64>> {
        let mut log_probs = Vec::with_capacity(tokens.len());
        let (scored, followers) = (tokens.len().saturating_sub(1), tokens.get(1..).unwrap_or(&[]));
        let chunk = self.executor.limits().requests;
        for start in (0..scored).step_by(chunk) {
            let count = chunk.min(scored - start);
            let sources: Vec<TokenSource> =
                tokens[start..][..count].iter().map(|token| TokenSource::Id(*token)).collect();
            // Only the token that follows is allowed: its log-probability is what is wanted.
            let request = |i: usize| {
                let list = Some(&followers[start + i..][..1]);
                LogitsRequest { token: i, slot: i, list, bias: None, full: true, uniform: 0.0 }
            };
            let requests: Vec<LogitsRequest> = (0..count).map(request).collect();
            let span = TokenSpan { tokens: &sources, position: start, pages: table, adapter: self.first_adapter() };
            let pending = self.executor.step(&[span], &requests, Sampling::Greedy).expect("there are requests");
            let sampled = self.executor.wait(pending)?;
            log_probs.extend(sampled[..count].iter().map(|token| f64::from(token.logit - token.log_sum)));
        }
        Ok(log_probs)
    }
}
