//! The logits mask of constrained decoding.

/// The logits mask of the next token of a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowed<'a> {
    /// Every token.
    Any,
    /// One of these tokens, in ascending order: the mask hides the logits of all others.
    OneOf(&'a [u32]),
    /// All of these tokens, in this order. They are appended without being sampled, and the model reads them together in the next step
    /// (jump-forward decoding). An empty run ends the sequence.
    Forced(&'a [u32]),
}
