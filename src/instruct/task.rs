//! The tasks (method §4).

use std::fmt;

use serde::{Deserialize, Serialize};

/// What an example teaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
pub enum TaskFamily {
    /// What the user takes next.
    #[value(name = "I0")]
    I0,
    /// A list of a kind, or without a category.
    #[value(name = "I1")]
    I1,
    /// A list with at most, at least or about so many items of a kind.
    #[value(name = "I2")]
    I2,
    /// Items of a kind for nobody in particular, and the kind of an item.
    #[value(name = "I3")]
    I3,
    /// Free conversation, so that it is not forgotten.
    #[value(name = "I4")]
    I4,
}

impl TaskFamily {
    /// All tasks, in order.
    pub const ALL: [TaskFamily; 5] = [TaskFamily::I0, TaskFamily::I1, TaskFamily::I2, TaskFamily::I3, TaskFamily::I4];

    /// Whether its examples are about users, whom the teacher knows.
    pub fn asks_teacher(self) -> bool {
        matches!(self, TaskFamily::I0 | TaskFamily::I1 | TaskFamily::I2)
    }
}

impl fmt::Display for TaskFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}
