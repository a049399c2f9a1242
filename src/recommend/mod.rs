//! Lists for people: a request becomes a conversation, the model's answer becomes items, and each item is checked.

pub mod answer;
pub mod check;
pub mod lookup;
pub mod prompt;
pub mod recommender;
pub mod request;
#[cfg(test)]
mod testing;

pub use check::{Checked, Status, check};
pub use request::{Request, Wish};
