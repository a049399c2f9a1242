//! Constrained decoding: which tokens may follow, and which are forced.

use super::{Allowed, DraftTokens, LogitBias, TokenLogprob};
use crate::Result;

/// A constraint on the tokens of one sequence. Where it allows some tokens only, it alone ends the sequence: stop ids are for free text.
///
/// ```
/// use tiller_models::{Allowed, Result, TokenConstraint, TokenLogprob};
///
/// /// Allows even token ids only.
/// struct Even(Vec<u32>);
///
/// impl TokenConstraint for Even {
///     fn allowed(&self) -> Allowed<'_> {
///         Allowed::OneOf(&self.0)
///     }
///
///     fn accept(&mut self, _token: u32, _logprob: Option<&TokenLogprob>) -> Result<()> {
///         Ok(())
///     }
/// }
/// ```
pub trait TokenConstraint: Send {
    /// The tokens that may follow now.
    fn allowed(&self) -> Allowed<'_>;

    /// Accepts a token that was appended. `logprob` is given where the token was sampled from all tokens or the constraint
    /// [needs logits](TokenConstraint::needs_logits), but not for forced tokens.
    ///
    /// # Errors
    /// A token that may not follow.
    fn accept(&mut self, token: u32, logprob: Option<&TokenLogprob>) -> Result<()>;

    /// Returns true if [`TokenConstraint::accept`] needs log-probabilities where only some tokens are allowed. That costs the whole output
    /// projection; without it, only the rows of the allowed tokens are computed.
    fn needs_logits(&self) -> bool {
        false
    }

    /// The bias of the next choice, where only some tokens are allowed; `None` for the model's own choice.
    fn logit_bias(&self) -> Option<LogitBias> {
        None
    }

    /// The number of further tokens for which every token is allowed, whatever is sampled. The engine may run that many steps before
    /// the host has seen the tokens.
    fn lookahead(&self) -> usize {
        0
    }

    /// A draft of the next choices for speculative decoding, or an empty list. Called once per step. Drafted tokens that the model does
    /// not sample are discarded.
    fn draft(&mut self) -> Vec<DraftTokens> {
        Vec::new()
    }

    /// The random stream of the sequence, so that its draws do not depend on the rest of the batch; `None` for the number of its prompt.
    fn stream(&self) -> Option<u64> {
        None
    }
}

/// Free generation.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unconstrained {
    /// The random stream; see [`TokenConstraint::stream`].
    pub stream: Option<u64>,
}

impl TokenConstraint for Unconstrained {
    fn allowed(&self) -> Allowed<'_> {
        Allowed::Any
    }

    fn accept(&mut self, _token: u32, _logprob: Option<&TokenLogprob>) -> Result<()> {
        Ok(())
    }

    fn lookahead(&self) -> usize {
        usize::MAX
    }

    fn stream(&self) -> Option<u64> {
        self.stream
    }
}
