//! The logits of the next token.

use crate::{Error, Result};

/// The logits of the next token: of the whole vocabulary, or of the allowed tokens.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Logits<'a> {
    /// `[vocab_size]`
    All(&'a [f32]),
    /// Tokens in ascending order, and a logit for each.
    Some(&'a [u32], &'a [f32]),
}

impl<'a> Logits<'a> {
    /// The logits of the whole vocabulary.
    ///
    /// # Errors
    /// Logits of some tokens only.
    pub(crate) fn all(self) -> Result<&'a [f32]> {
        match self {
            Self::All(logits) => Ok(logits),
            Self::Some(..) => Err(Error::Failed("a constraint allows more tokens than its draft said".into())),
        }
    }

    /// The logits of `tokens`, in their order.
    ///
    /// # Errors
    /// A token without a logit.
    pub(crate) fn of(self, tokens: &[u32]) -> Result<Vec<f32>> {
        let of = |token: &u32| match self {
            Self::All(logits) => logits.get(*token as usize).copied(),
            Self::Some(known, logits) => known.binary_search(token).ok().map(|at| logits[at]),
        };
        let unknown = |token| {
            Error::bad_input("the constraint")
                .expected("tokens of the model's vocabulary")
                .found(token)
                .next("use the tokenizer that belongs to this model")
                .into()
        };
        tokens.iter().map(|token| of(token).ok_or_else(|| unknown(token))).collect()
    }
}
