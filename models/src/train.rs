//! Scores and gradients of a [`Llama`]: log-probabilities, entropies and hidden states of the tokens in the loss.

use std::collections::BTreeMap;
use std::ops::Range;

use burn::tensor::Tensor;
use tiller_kernels::cross_entropy::{CrossEntropy, SoftTargets};
use tiller_kernels::embedding;

use crate::llama::{Batch, Llama};
pub use crate::lora::Dropout;
use crate::lora::RowDropout;
use crate::optim::Gradients;
pub use tiller_kernels::cross_entropy::TargetShare;

/// One sequence, and its tokens in the loss.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The ids, without padding.
    pub tokens: Vec<u32>,
    /// The positions of the tokens to predict, each from all those before it: not empty, and from 1 on.
    pub scored: Range<usize>,
}

/// A training example: one sequence, and the weights of some of its tokens in the loss. A token is predicted as it stands, or replaced by
/// a distribution over tokens that may stand there (soft targets).
#[derive(Debug, Clone, PartialEq)]
pub struct WeightedExample {
    /// The ids, without padding.
    pub tokens: Vec<u32>,
    /// Positions of tokens to predict, ascending and from 1 on, with their weights: at least one.
    pub weights: Vec<(usize, f32)>,
    /// The distributions to predict at some of these positions: distinct ids each, whose shares sum to 1.
    pub soft: BTreeMap<usize, Vec<TargetShare>>,
}

impl WeightedExample {
    /// The scored tokens of `sample`, each with the weight of a mean.
    pub fn of(sample: Sample) -> Self {
        let Sample { tokens, scored } = sample;
        let share = 1.0 / scored.len() as f32;
        Self { tokens, weights: scored.map(|position| (position, share)).collect(), soft: BTreeMap::new() }
    }

    /// Adds the targets of the weighted positions.
    fn push_targets(&self, targets: &mut SoftTargets) {
        for (position, _) in &self.weights {
            match self.soft.get(position) {
                Some(shares) => targets.push(shares.iter().copied()),
                None => targets.push_id(self.tokens[*position]),
            }
        }
    }

    fn positions(&self) -> (&[u32], Vec<usize>) {
        (&self.tokens, self.weights.iter().map(|(position, _)| *position).collect())
    }
}

/// The options of a forward step. The default is that of inference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ForwardOptions {
    /// Drops inputs of the low-rank parts.
    pub dropout: Option<Dropout>,
    /// Divides the logits: scores are those of a policy that samples at this temperature.
    pub temperature: f64,
}

impl Default for ForwardOptions {
    fn default() -> Self {
        Self { dropout: None, temperature: 1.0 }
    }
}

/// The scores of the scored tokens, sample after sample.
#[derive(Debug, Clone)]
pub struct SequenceScores {
    /// log p(token | the tokens before it), in nats: `[sum of scored]`.
    pub log_probs: Tensor<1>,
    /// Entropies of the distributions that the tokens were drawn from, in nats: `[sum of scored]`.
    pub entropies: Tensor<1>,
    /// Scored tokens of each sample.
    pub lengths: Vec<usize>,
}

impl SequenceScores {
    /// The cross-entropy loss (negative log-likelihood): the mean over the tokens of a sample, then over samples (method §5). `[1]`
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
    pub fn score(&self, samples: &[Sample], how: &ForwardOptions) -> SequenceScores {
        let read = Read::of_samples(samples, how);
        let hidden = self.hidden_at(&read); // [n, d_model]
        // The output projection is linear: what divides the hidden states divides the logits.
        let hidden = if how.temperature == 1.0 { hidden } else { hidden / how.temperature };
        let targets: SoftTargets =
            samples.iter().flat_map(|sample| &sample.tokens[sample.scored.clone()]).copied().collect();
        let CrossEntropy { log_probs, entropies, .. } =
            self.cross_entropy(hidden, &targets, read.head_dropout().as_ref());
        SequenceScores { log_probs, entropies, lengths: samples.iter().map(|sample| sample.scored.len()).collect() }
    }

    /// The hidden states behind the final norm that the scored tokens are predicted from, sample after sample:
    /// `[sum of scored, d_model]`. A critic reads its values off them (method §7.4).
    ///
    /// # Panics
    /// As [`Llama::score`].
    pub fn hidden_of(&self, samples: &[Sample], how: &ForwardOptions) -> Tensor<2> {
        self.hidden_at(&Read::of_samples(samples, how))
    }

    /// The hidden states from which the tokens at some positions of each row are predicted: `[sum of positions, d_model]`.
    fn hidden_at(&self, read: &Read) -> Tensor<2> {
        embedding(self.hidden_in(&read.batch, read.dropout.clone()), &read.places)
    }

    /// The cross-entropy of the weighted tokens, each times its weight and `share`, summed over `examples`, `[1]`; its
    /// gradient comes first. Shorter examples are padded to the longest. `recompute` turns on gradient checkpointing: blocks are
    /// computed a second time in the backward pass instead of being kept in memory.
    ///
    /// # Panics
    /// An example without weights, or with one at a position that is none of its tokens' from 1 on; no examples.
    pub fn gradient(
        &self,
        examples: &[WeightedExample],
        share: f32,
        how: &ForwardOptions,
        recompute: bool,
    ) -> (Gradients, Tensor<1>) {
        let rows: Vec<_> = examples.iter().map(WeightedExample::positions).collect();
        let read = Read::of(&rows, how);
        let loss = |hidden: Tensor<2>| {
            let mut targets = SoftTargets::default();
            examples.iter().for_each(|example| example.push_targets(&mut targets));
            let weights = examples.iter().flat_map(|example| &example.weights);
            let weights: Vec<f32> = weights.map(|(_, weight)| weight * share).collect();
            let hidden = embedding(hidden, &read.places); // [weights, d_model]
            let CrossEntropy { log_probs, .. } = self.cross_entropy(hidden, &targets, read.head_dropout().as_ref());
            let weights = Tensor::<1>::from_data(weights.as_slice(), &log_probs.device());
            -(log_probs * weights).sum()
        };
        if recompute {
            return self.recomputed(&read.batch, read.dropout.clone(), loss);
        }
        let loss = loss(self.hidden_in(&read.batch, read.dropout.clone()));
        (Gradients::of(loss.clone(), self), loss.without_autodiff())
    }
}

/// The input that predicts the tokens at some positions of rows.
struct Read {
    batch: Batch,
    /// Rows of the hidden states, `[batch · seq, d_model]`, that the tokens are predicted from, row after row.
    places: Vec<u32>,
    /// Of the batch's low-rank parts.
    dropout: Option<RowDropout>,
}

impl Read {
    /// For the scored tokens of samples.
    fn of_samples(samples: &[Sample], how: &ForwardOptions) -> Self {
        for Sample { tokens, scored } in samples {
            let fits = 1 <= scored.start && scored.start < scored.end && scored.end <= tokens.len();
            assert!(fits, "scored positions {scored:?} of {} tokens", tokens.len());
        }
        let rows = samples.iter().map(|sample| (sample.tokens.as_slice(), sample.scored.clone().collect()));
        Self::of(&rows.collect::<Vec<_>>(), how)
    }

    fn of(rows: &[(&[u32], Vec<usize>)], how: &ForwardOptions) -> Self {
        // The last of the tokens is predicted, but nothing is predicted from it or from what follows it.
        let read = |(tokens, positions): &(&[u32], Vec<usize>)| tokens[..positions[positions.len() - 1]].to_vec();
        let batch = Batch::right_padded(&rows.iter().map(read).collect::<Vec<_>>());
        let seq = batch.shape()[1];
        let before = |(row, (_, positions)): (usize, &(&[u32], Vec<usize>))| {
            positions.iter().map(|position| (row * seq + position - 1) as u32).collect::<Vec<_>>()
        };
        let dropout = how.dropout.map(|dropout| dropout.of_batch(batch.shape()));
        Self { places: rows.iter().enumerate().flat_map(before).collect(), batch, dropout }
    }

    /// The dropout of the output projection, whose input has the rows at `places` alone.
    fn head_dropout(&self) -> Option<RowDropout> {
        self.dropout.as_ref().map(|dropout| dropout.select(&self.places))
    }
}

#[cfg(test)]
mod tests;
