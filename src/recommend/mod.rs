//! Lists for people: a request becomes a conversation, the model's answer becomes items, and each item is checked.

pub mod answer;
pub mod check;
mod prepared;
pub mod prompt;
pub mod recommender;
pub mod record;
#[cfg(test)]
pub(crate) mod testing;
pub mod trace;
mod wordings;

pub use check::{CheckedItem, Status, check};
pub use prepared::PreparedRequest;
