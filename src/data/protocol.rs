//! The evaluation protocol: leave-one-out over the users of a data set.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::split::Split;

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

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} split, leave-one-out", self.dataset, self.split)
    }
}
