//! Where the randomness of an example comes from: its own key, and one stream for each purpose.
//!
//! The key is seed, epoch, task and number, so that every epoch draws anew, examples can be made in any order or in parallel, and a
//! rule that draws more often shifts no other rule's draws.

use super::task::TaskFamily;
use crate::data::rng::SeededRng;

/// The random decisions of one example.
#[derive(Debug, Clone, Copy)]
pub struct StreamKey {
    key: [u64; 4],
}

/// What a draw decides; each purpose has its own stream of ChaCha8.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    /// The order of an epoch.
    Order,
    /// Where the history starts and ends.
    History,
    /// Generation or candidates; more or less; the form of a share.
    Form,
    /// What the request is about.
    Kind,
    /// How many items, and how many of a kind.
    Count,
    /// Items that are not the teacher's choice.
    Items,
    /// The candidates and their order.
    Candidates,
    /// The wording.
    Phrasing,
    /// Which conversation, and which part of it.
    Chat,
}

impl StreamKey {
    /// The decisions of example `number` of `task` in an epoch.
    pub fn new(seed: u64, epoch: u64, task: TaskFamily, number: usize) -> Self {
        Self::of_stream(seed, epoch, task as u64, number)
    }

    /// The decisions of number `number` of whatever has the key `stream`.
    pub(super) fn of_stream(seed: u64, epoch: u64, stream: u64, number: usize) -> Self {
        Self { key: [seed, epoch, stream, number as u64] }
    }

    /// The stream of a purpose, from its beginning.
    pub(super) fn rng(&self, purpose: Purpose) -> SeededRng {
        SeededRng::from_key(self.key, purpose as u64)
    }
}

/// The stream that orders an epoch.
pub(super) fn order(seed: u64, epoch: u64) -> SeededRng {
    SeededRng::from_key([seed, epoch, u64::MAX, 0], Purpose::Order as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_the_key_and_every_purpose_draws_for_itself() {
        let first = |stream: StreamKey, purpose| stream.rng(purpose).below(1 << 60);
        let base = || StreamKey::new(1, 2, TaskFamily::I1, 3);
        let mut draws = vec![
            first(base(), Purpose::Kind),
            first(base(), Purpose::Count),
            first(StreamKey::new(9, 2, TaskFamily::I1, 3), Purpose::Kind),
            first(StreamKey::new(1, 9, TaskFamily::I1, 3), Purpose::Kind),
            first(StreamKey::new(1, 2, TaskFamily::I2, 3), Purpose::Kind),
            first(StreamKey::new(1, 2, TaskFamily::I1, 9), Purpose::Kind),
        ];
        assert_eq!(draws[0], first(base(), Purpose::Kind));
        draws.sort_unstable();
        draws.dedup();
        assert_eq!(draws.len(), 6);
    }
}
