//! The leave-one-out split (method §1.5): a user's last item is the test target, the one before it the validation
//! target, and the rest is training data.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::dataset::{ItemId, User};

/// The number of history items that the language model and the teacher see.
pub const HISTORY_LENGTH: usize = 10;

/// The held-out item of each user's sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// The last but one item.
    Validation,
    /// The last item.
    Test,
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Split::Validation => "validation",
            Split::Test => "test",
        })
    }
}

/// A next-item prediction: a history and the item that follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextItemCase<'a> {
    /// The items before the target, oldest first.
    pub history: &'a [ItemId],
    /// The next item.
    pub target: ItemId,
}

impl<'a> NextItemCase<'a> {
    /// The newest items of the history, [`HISTORY_LENGTH`] at most, oldest first.
    pub fn recent(&self) -> &'a [ItemId] {
        recent(self.history)
    }

    /// The case with its history truncated to the [`HISTORY_LENGTH`] newest items, the H of method §1.5. Older items
    /// count as new (method B32), because a model cannot avoid items it was not shown.
    pub fn truncated(self) -> Self {
        Self { history: self.recent(), ..self }
    }
}

/// The newest items of a history, [`HISTORY_LENGTH`] at most, oldest first.
pub fn recent(history: &[ItemId]) -> &[ItemId] {
    &history[history.len().saturating_sub(HISTORY_LENGTH)..]
}

/// The user's held-out case in a split; `None` if the sequence is too short.
pub fn held_out(user: &User, split: Split) -> Option<NextItemCase<'_>> {
    let from_end = match split {
        Split::Test => 1,
        Split::Validation => 2,
    };
    let at = user.items.len().checked_sub(from_end).filter(|&at| at > 0)?;
    Some(NextItemCase { history: &user.items[..at], target: user.items[at] })
}

/// The training items of a user: all but the last two.
pub fn training_items(user: &User) -> &[ItemId] {
    &user.items[..user.items.len().saturating_sub(2)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(length: u32) -> User {
        let items: Vec<_> = (1..=length).map(ItemId).collect();
        User { key: "u".into(), timestamps: vec![0; items.len()], items }
    }

    #[test]
    fn the_last_item_tests_and_the_one_before_validates() {
        let user = user(13);
        let test = held_out(&user, Split::Test).unwrap();
        let validation = held_out(&user, Split::Validation).unwrap();
        assert_eq!((test.target, validation.target), (ItemId(13), ItemId(12)));
        assert_eq!(test.recent(), (3..=12).map(ItemId).collect::<Vec<_>>());
        assert_eq!(test.truncated(), NextItemCase { history: test.recent(), target: ItemId(13) });
        assert_eq!(training_items(&user).last(), Some(&ItemId(11)));
    }

    #[test]
    fn a_sequence_too_short_has_no_case() {
        assert!(held_out(&user(1), Split::Test).is_none());
        assert!(held_out(&user(2), Split::Validation).is_none());
        assert!(training_items(&user(2)).is_empty());
    }
}
