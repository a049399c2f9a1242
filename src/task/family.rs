//! The five families of tasks, I0 to I4.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;

/// A family of tasks: the unit that training examples are enumerated by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TaskFamily {
    /// Sequential recommendation: the user's next item.
    I0,
    /// Category control: a list of a category, or without one.
    I1,
    /// Proportion control: a list with at most, at least or about a share of items of a category.
    I2,
    /// Item search: items of a category for no user in particular, and the category of an item.
    I3,
    /// Conversation, which keeps the model's ability to chat.
    I4,
}

impl TaskFamily {
    /// All families, in order.
    pub const ALL: [TaskFamily; 5] = [TaskFamily::I0, TaskFamily::I1, TaskFamily::I2, TaskFamily::I3, TaskFamily::I4];

    /// The names of [`TaskFamily::ALL`].
    pub const NAMES: [&str; 5] = ["I0", "I1", "I2", "I3", "I4"];

    /// Returns true for the families about users, whose labels the teacher gives.
    pub fn needs_teacher(self) -> bool {
        matches!(self, TaskFamily::I0 | TaskFamily::I1 | TaskFamily::I2)
    }
}

impl fmt::Display for TaskFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::NAMES[*self as usize])
    }
}

impl FromStr for TaskFamily {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|family| family.to_string() == text).ok_or_else(|| {
            Error::bad_input("--tasks").expected(Self::NAMES.join(", ")).found(format!("{text:?}")).into()
        })
    }
}
