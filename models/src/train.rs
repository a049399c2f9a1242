//! What a training asks of a [`Llama`]: log-probabilities, entropies and hidden states of the tokens that count.

use std::ops::Range;

use burn::tensor::Tensor;
use tiller_kernels::embedding;
use tiller_kernels::token_scores::TokenScores;

use crate::llama::{Batch, Llama};
pub use crate::lora::Dropout;

/// One sequence, and which of its tokens count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The ids, without padding.
    pub tokens: Vec<u32>,
    /// The positions of the tokens to predict, each from all those before it: not empty, and from 1 on.
    pub scored: Range<usize>,
}

/// How a forward step in training differs from one in use. The default differs in nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forward {
    /// Drops inputs of the low-rank parts.
    pub dropout: Option<Dropout>,
    /// What logits are divided by: scores are those of a policy that draws at this temperature.
    pub temperature: f64,
}

impl Default for Forward {
    fn default() -> Self {
        Self { dropout: None, temperature: 1.0 }
    }
}

/// What a model says about the scored tokens of samples, sample after sample.
#[derive(Debug, Clone)]
pub struct Scores {
    /// log p(token | the tokens before it), in nats: `[sum of scored]`.
    pub log_probs: Tensor<1>,
    /// Entropies of the distributions that the tokens were drawn from, in nats: `[sum of scored]`.
    pub entropies: Tensor<1>,
    /// Scored tokens of each sample.
    pub lengths: Vec<usize>,
}

impl Scores {
    /// The negative log-likelihood: the mean over a sample's tokens, then over samples (method, section 5). `[1]`
    pub fn nll(&self) -> Tensor<1> {
        let samples = self.lengths.len();
        let share = |length: &usize| std::iter::repeat_n(1.0 / (samples * length) as f32, *length);
        let shares: Vec<f32> = self.lengths.iter().flat_map(share).collect();
        let shares = Tensor::<1>::from_data(shares.as_slice(), &self.log_probs.device());
        -(self.log_probs.clone() * shares).sum()
    }
}

impl Llama {
    /// Scores the tokens that count. Shorter samples are padded to the longest, so let `samples` be of like lengths.
    ///
    /// # Panics
    /// A sample whose scored positions are none, begin at 0, or end behind its last token; no samples.
    pub fn score(&self, samples: &[Sample], how: &Forward) -> Scores {
        let hidden = self.hidden_of(samples, how); // [n, d_model]
        // The output projection is linear: what divides the hidden states divides the logits.
        let hidden = if how.temperature == 1.0 { hidden } else { hidden / how.temperature };
        let targets: Vec<u32> =
            samples.iter().flat_map(|sample| &sample.tokens[sample.scored.clone()]).copied().collect();
        let TokenScores { log_probs, entropies, .. } = self.lm_head.token_scores(hidden, &targets, how.dropout);
        Scores { log_probs, entropies, lengths: samples.iter().map(|sample| sample.scored.len()).collect() }
    }

    /// The hidden states behind the final norm that the scored tokens are predicted from, sample after sample:
    /// `[sum of scored, d_model]`. A critic reads its values off them (method, section 7.4).
    ///
    /// # Panics
    /// As [`Llama::score`].
    pub fn hidden_of(&self, samples: &[Sample], how: &Forward) -> Tensor<2> {
        for Sample { tokens, scored } in samples {
            let fits = 1 <= scored.start && scored.start < scored.end && scored.end <= tokens.len();
            assert!(fits, "scored positions {scored:?} of {} tokens", tokens.len());
        }
        // The last scored token is predicted, but nothing is predicted from it or from what follows it.
        let rows: Vec<&[u32]> = samples.iter().map(|sample| &sample.tokens[..sample.scored.end - 1]).collect();
        let batch = Batch::right_padded(&rows);
        let seq = batch.shape()[1];
        let before = |(row, sample): (usize, &Sample)| {
            sample.scored.clone().map(move |position| (row * seq + position - 1) as u32)
        };
        let places: Vec<u32> = samples.iter().enumerate().flat_map(before).collect();
        embedding(self.hidden_in(&batch, how.dropout), &places)
    }
}

#[cfg(test)]
mod tests;
