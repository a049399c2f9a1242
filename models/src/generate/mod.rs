//! Generation: prompts are continued token by token, freely or under constraints.
//!
//! A [`GenerateRequest`] is a batch of prompts with everything that decides their continuations. A [`Generator`] runs it. There are two
//! implementations, which generate the same tokens: [`GraphGenerator`] on any device, and the decode engine
//! ([`Engine`](crate::engine::Engine)) on a GPU. [`Backend`](crate::language_model::Backend) chooses between them.
//!
//! - [`constraint`]: constrained decoding. A [`TokenConstraint`] gives the logits mask of every step, and forced tokens (jump-forward
//!   decoding).
//! - [`continuous`]: continuous batching. Sequences join a [`ContinuousBatch`] while it runs, and each one ends by itself.
//! - [`draft`]: speculative decoding. A constraint may propose [`DraftTokens`], which the model verifies in one step.
//! - [`logit_bias`]: guided decoding. A constraint may add scores of its own to the logits of the allowed tokens.
//! - [`logprob`], [`logits`]: the logits of a step, and the log-probability of the sampled token.
//! - [`continuations`]: the log-probabilities of given texts behind a prompt.
//! - [`sampling`]: greedy, temperature, top-k and top-p (nucleus) sampling.
//! - [`sequence`]: the state of one sequence, which both implementations share.
//! - [`graph`]: generation with burn's graph and a KV cache.

mod allowed;
pub(crate) mod arrivals;
pub mod constraint;
pub(crate) mod continuations;
pub mod continuous;
pub mod draft;
mod generator;
pub mod graph;
mod held_constraint;
pub mod logit_bias;
pub(crate) mod logits;
pub mod logprob;
pub(crate) mod request;
pub mod sampling;
pub(crate) mod sequence;
#[cfg(test)]
pub(crate) mod testing;

pub use allowed::Allowed;
pub use constraint::{TokenConstraint, Unconstrained};
pub use continuous::{ContinuousBatch, LiveSequence, NewSequence, SequenceSource};
pub use draft::DraftTokens;
pub use generator::Generator;
pub use graph::GraphGenerator;
pub use logit_bias::LogitBias;
pub use logprob::TokenLogprob;
pub use request::{GenerateOptions, GenerateRequest, OnToken};
pub use sampling::Sampling;
