//! Steering a generation: which tokens may follow in a row, and which follow without being asked for.

use crate::Result;

/// What may follow in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next<'a> {
    /// Whatever the model likes.
    Any,
    /// One of these tokens, in ascending order.
    OneOf(&'a [u32]),
    /// All of these tokens, in this order: they are appended unasked, and the model reads them together with its next
    /// question ("jump-forward"). An empty run ends the row.
    Run(&'a [u32]),
}

/// What steers one row.
pub trait Guide {
    /// What may follow now.
    fn next(&self) -> Next<'_>;

    /// A token was appended: the next of a run, or one that was chosen by these `logits`, `[vocab_size]`.
    ///
    /// # Errors
    /// A token that may not follow.
    fn take(&mut self, token: u32, logits: Option<&[f32]>) -> Result<()>;

    /// Which stream of random numbers the row draws from, so that what is drawn does not depend on who else is in the batch; the row's place
    /// in the batch where it is all the same.
    fn stream(&self) -> Option<u64> {
        None
    }
}

/// No guidance at all.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unguided {
    /// The stream of random numbers, as [`Guide::stream`] says.
    pub stream: Option<u64>,
}

impl Guide for Unguided {
    fn next(&self) -> Next<'_> {
        Next::Any
    }

    fn take(&mut self, _token: u32, _logits: Option<&[f32]>) -> Result<()> {
        Ok(())
    }

    fn stream(&self) -> Option<u64> {
        self.stream
    }
}
