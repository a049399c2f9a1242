//! A request for a list: for whom, how many items, and which.
//!
//! One [`Request`] goes everywhere: prompts state it, and its compiled form ([`CompiledRequest`]) is what constrained decoding, the check of
//! a list, rewards and metrics read. [`predicate`] is a condition on an item, [`share`] a bound on the number of items of a kind.

pub mod ask;
pub mod compiled;
pub mod flags;
pub mod names;
pub mod predicate;
mod said_back;
pub mod share;
pub mod words;

pub use compiled::{CompiledRequest, CountRule, Counter, ItemRule, RuleKind};
pub use predicate::Predicate;
pub use said_back::SaidBack;
pub use share::{Amount, Bound, Relation, Share};
pub use words::InWords;

use crate::data::{CategoryId, ItemId};

/// A structured request for a list.
///
/// With nothing but `k` and `history` it asks for what every list should be: real items, none twice, none taken before.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    /// The length of the list.
    pub k: u32,
    /// The items that the user took before, oldest first. The prompt shows the newest of them; none of them is a valid answer.
    pub history: Vec<ItemId>,
    /// Items that must not be in the list.
    pub excluded: Vec<ItemId>,
    /// Items that must be in the list.
    pub mandatory: Vec<ItemId>,
    /// The only items to choose from. A rule, but no intention: see [`compiled`].
    pub candidates: Option<Vec<ItemId>>,
    /// +C (task I1, method §4): every item lies in every one of these.
    pub all_in: Vec<CategoryId>,
    /// −C: no item lies in any of these.
    pub none_in: Vec<CategoryId>,
    /// Every item satisfies every one of these.
    pub conditions: Vec<Predicate>,
    /// Bounds on the number of items of a kind (task I2).
    pub shares: Vec<Share>,
}

impl Request {
    /// True where more is asked for than a list in keeping with the history: the method's intention. Candidates are none.
    pub fn has_intention(&self) -> bool {
        !(self.excluded.is_empty()
            && self.mandatory.is_empty()
            && self.all_in.is_empty()
            && self.none_in.is_empty()
            && self.conditions.is_empty()
            && self.shares.is_empty())
    }

    /// The request with everything that `more` asks for beside it. The length stays; what `more` has as history counts as taken earlier.
    pub fn and(self, more: Request) -> Self {
        Self {
            k: self.k,
            history: [more.history, self.history].concat(),
            excluded: [more.excluded, self.excluded].concat(),
            mandatory: [more.mandatory, self.mandatory].concat(),
            candidates: more.candidates.or(self.candidates),
            all_in: [more.all_in, self.all_in].concat(),
            none_in: [more.none_in, self.none_in].concat(),
            conditions: [more.conditions, self.conditions].concat(),
            shares: [more.shares, self.shares].concat(),
        }
    }
}
