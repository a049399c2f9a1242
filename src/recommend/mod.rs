//! Lists for people: a request becomes a conversation, the model's answer becomes items, and each item is checked.

pub mod answer;
pub mod bench;
pub mod check;
pub mod lookup;
mod order;
pub mod prompt;
pub mod recommender;
#[cfg(test)]
pub(crate) mod testing;
mod wordings;

pub use check::{Checked, Status, check};
pub use order::Order;
