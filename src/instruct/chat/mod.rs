//! I4, conversation: keeps the language model's ability to chat (method §4).

mod read;
mod span;

pub use read::{Conversation, read};
pub(super) use span::example;
