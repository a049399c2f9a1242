//! The log-probabilities of continuations with burn's graph: a prompt is read once, and its continuations are read whole behind copies of
//! its cache. The engine, which reads common beginnings once, is faster; the graph serves the models that it does not take.

use super::GraphGenerator;
use super::logits::{LogitsAt, StepLogits};
use crate::Result;
use crate::generate::{Allowed, TokenLogprob};
use crate::llama::KvCache;

/// Continuations that are read at once.
const ROWS: usize = 32;

impl GraphGenerator {
    /// The log-probability of every continuation of every prompt, given the prompt.
    ///
    /// # Errors
    /// A device that fails.
    pub(crate) fn score_continuations(
        &self,
        prompts: &[Vec<u32>],
        continuations: &[Vec<Vec<u32>>],
    ) -> Result<Vec<Vec<f64>>> {
        prompts.iter().zip(continuations).map(|(prompt, texts)| self.score_behind(prompt, texts)).collect()
    }

    fn score_behind(&self, prompt: &[u32], texts: &[Vec<u32>]) -> Result<Vec<f64>> {
        let model = &self.llama;
        let mut cache = KvCache::new(model.config(), 1, prompt.len(), &model.device());
        let prompt_hidden = model.extend(&cache.next(&[prompt]), &mut cache);
        let at = |row| LogitsAt { row, allowed: None };
        let first = StepLogits::compute(model, &prompt_hidden, &[at(prompt.len() - 1)])?;
        let mut scores = Vec::with_capacity(texts.len());
        for texts in texts.chunks(ROWS) {
            // Behind the last token of a text nothing follows.
            let runs: Vec<&[u32]> = texts.iter().map(|text| &text[..text.len().saturating_sub(1)]).collect();
            let tokens: usize = runs.iter().map(|run| run.len()).sum();
            let mut rows = cache.with_rows(&vec![0; texts.len()]);
            let hidden = match tokens {
                0 => prompt_hidden.clone(),
                _ => model.extend(&rows.next(&runs), &mut rows),
            };
            let logits = StepLogits::compute(model, &hidden, &(0..tokens).map(at).collect::<Vec<_>>())?;
            let mut behind = (0..tokens).map(|row| logits.get(row));
            for text in texts {
                let mut score = 0.0;
                for (at, &token) in text.iter().enumerate() {
                    let logits = if at == 0 { Some(first.get(0)) } else { behind.next() };
                    let logits = logits.expect("logits behind every token but the last").all()?;
                    score += TokenLogprob::of(logits, token, Allowed::Any).log_prob;
                }
                scores.push(score);
            }
        }
        Ok(scores)
    }
}
