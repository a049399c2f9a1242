//! What decides how prompts are continued.

use super::sampling::Sampling;

/// How prompts are continued.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GenerateOptions {
    /// The most tokens that a row may gain.
    pub max_new_tokens: usize,
    /// How each token is chosen.
    pub sampling: Sampling,
    /// Seeds the random choices; each row draws from a stream of its own ([`TokenConstraint::stream`](super::TokenConstraint::stream)), whatever the other rows do.
    pub seed: u64,
}
