//! Continuous batches: sequences join while others are being continued, and each one ends by itself.

use super::{Sampling, TokenConstraint};
use crate::Result;

/// A sequence of a continuous batch: its constraint, which sees every token, and the receiver of its end.
pub trait LiveSequence: TokenConstraint {
    /// Takes the new tokens once the sequence has ended, or the error that ended it. Called once.
    fn end(&mut self, tokens: Result<Vec<u32>>);
}

/// A prompt that joins a continuous batch.
pub struct NewSequence<'a> {
    /// The prompt, in token ids.
    pub prompt: Vec<u32>,
    /// The maximum number of new tokens.
    pub max_new_tokens: usize,
    /// The constraint, and the receiver of the end.
    pub live: Box<dyn LiveSequence + 'a>,
}

/// The sequences that wait to join a continuous batch.
pub trait SequenceSource<'a> {
    /// Takes up to `free` sequences, which join now. The decode engine calls it before every step, also without a free slot; the graph,
    /// whose batches are static, calls it between two batches. The batch ends where there are none and none runs.
    fn next(&mut self, free: usize) -> Vec<NewSequence<'a>>;
}

/// A batch that sequences join while it runs. Each generates the tokens that it would generate alone, and leaves when it ends.
///
/// An error that concerns one sequence, such as a prompt that is too long, ends that one alone.
pub struct ContinuousBatch<'b, 'a> {
    /// The sequences that wait.
    pub source: &'b mut dyn SequenceSource<'a>,
    /// The largest number of sequences that run at once.
    pub max_batch: usize,
    /// The choice of each token.
    pub sampling: Sampling,
    /// Seed of the random choices; see [`GenerateOptions::seed`](super::GenerateOptions). A sequence without a random stream of its own has
    /// that of its place in the order of arrivals.
    pub seed: u64,
    /// Tokens that end free text; see [`GenerateRequest::stop_ids`](super::GenerateRequest).
    pub stop_ids: &'a [u32],
}

impl<'b, 'a> ContinuousBatch<'b, 'a> {
    /// A batch of at most `max_batch` sequences at once with greedy decoding, without stop ids.
    pub fn new(source: &'b mut dyn SequenceSource<'a>, max_batch: usize) -> Self {
        Self { source, max_batch, sampling: Sampling::Greedy, seed: 0, stop_ids: &[] }
    }

    /// Adds tokens that end free text.
    pub fn stop_at(self, stop_ids: &'a [u32]) -> Self {
        Self { stop_ids, ..self }
    }
}
