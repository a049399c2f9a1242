//! I4: free conversation, so that the language model does not forget how to talk (method §4).

mod read;
mod span;

pub use read::{Conversation, read};
pub(super) use span::example;
