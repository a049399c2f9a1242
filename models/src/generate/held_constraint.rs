//! The constraint of a sequence together with the receiver of its tokens.

use std::ops::{Deref, DerefMut};

use super::TokenConstraint;
use super::continuous::LiveSequence;

/// The constraint of a sequence, and the receiver of its tokens.
pub(super) enum HeldConstraint<'a> {
    /// Those of a prompt in a fixed batch.
    Prompt { constraint: &'a mut dyn TokenConstraint, tokens: &'a mut Vec<u32> },
    /// A sequence of a continuous batch.
    Live(Box<dyn LiveSequence + 'a>),
}

impl HeldConstraint<'_> {
    /// Hands over the new tokens.
    pub(super) fn end(&mut self, new: Vec<u32>) {
        match self {
            Self::Prompt { tokens, .. } => **tokens = new,
            Self::Live(live) => live.end(Ok(new)),
        }
    }
}

impl<'a> Deref for HeldConstraint<'a> {
    type Target = dyn TokenConstraint + 'a;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Prompt { constraint, .. } => &**constraint,
            Self::Live(live) => &**live,
        }
    }
}

impl DerefMut for HeldConstraint<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match self {
            Self::Prompt { constraint, .. } => &mut **constraint,
            Self::Live(live) => &mut **live,
        }
    }
}
