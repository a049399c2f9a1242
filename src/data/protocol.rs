//! The evaluation protocol: leave-one-out over the users of a data set.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::split::{HISTORY_LENGTH, Split};

/// The part of an evaluation protocol that every evaluation states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protocol {
    /// The name of the data set.
    pub dataset: String,
    /// The split: "test" (the last item of each user) or "validation" (the one before it).
    pub split: Split,
    /// The number of users who are counted.
    pub users: usize,
    /// The number of items, all of which are ranked or recommended from.
    pub items: usize,
}

/// The rules of a protocol in words, so that a report explains itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ProtocolRules {
    /// The held-out items.
    pub held_out: String,
    /// The items that targets compete with.
    pub candidates: String,
    /// The items that cannot be recommended.
    pub masked: String,
    /// The order of equal scores.
    pub ties: String,
}

impl ProtocolRules {
    /// The rules of a ranking of every item.
    pub fn of_rankings() -> Self {
        Self::new("every item: full ranking, no sampled negatives", "the user's earlier items masked")
    }

    /// The rules of lists after histories as prompts show them.
    pub fn of_lists() -> Self {
        let masked = format!("the history masked, the newest {HISTORY_LENGTH} items; older ones count as new");
        Self::new("every item of the catalogue", &masked)
    }

    fn new(candidates: &str, masked: &str) -> Self {
        Self {
            held_out: "leave-one-out: a user's last item tests, the one before it validates, the others train".into(),
            candidates: candidates.to_owned(),
            masked: masked.to_owned(),
            ties: "equal scores by item id".into(),
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} split, leave-one-out", self.dataset, self.split)
    }
}
