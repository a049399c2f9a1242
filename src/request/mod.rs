//! What is asked of a recommender: for whom, how many items, and which.
//!
//! One [`Request`] goes everywhere: prompts say it, decoding obeys it, checks, rewards and metrics judge by it. Its parts read and
//! name themselves: [`predicate`] is a condition on an item, [`share`] how many items of a kind there shall be.

pub mod ask;
pub mod flags;
pub mod names;
pub mod predicate;
pub mod share;
pub mod words;

pub use predicate::Predicate;
pub use share::{Amount, Bound, Relation, Share};
pub use words::InWords;

use crate::data::{CategoryId, ItemId};

/// A structured request for a list.
///
/// With nothing but `k` and `history` it asks for what every list should be: real items, none twice, none taken before.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    /// How many items.
    pub k: u32,
    /// What the user took before, oldest first. The prompt shows the newest of it; none of it is a valid answer.
    pub history: Vec<ItemId>,
    /// Items that must not be in the list.
    pub excluded: Vec<ItemId>,
    /// Items that must be in the list.
    pub mandatory: Vec<ItemId>,
    /// Choose from these items alone.
    pub candidates: Option<Vec<ItemId>>,
    /// +C (task I1, method §4): every item lies in every one of these.
    pub all_in: Vec<CategoryId>,
    /// −C: no item lies in any of these.
    pub none_in: Vec<CategoryId>,
    /// Every item satisfies every one of these.
    pub conditions: Vec<Predicate>,
    /// How many items shall be of a kind (task I2).
    pub shares: Vec<Share>,
}

impl Request {
    /// Whether more is asked than a list in keeping with the history: what the method calls an intention.
    pub fn has_intention(&self) -> bool {
        !(self.excluded.is_empty()
            && self.mandatory.is_empty()
            && self.all_in.is_empty()
            && self.none_in.is_empty()
            && self.conditions.is_empty()
            && self.shares.is_empty())
    }
}
