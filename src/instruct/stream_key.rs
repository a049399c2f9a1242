//! The random streams of an example: one key per example, and one stream of ChaCha8 per purpose.
//!
//! The key is seed, epoch, task and number. Every epoch draws anew, examples can be built in any order or in parallel,
//! and a rule that draws more often shifts no other rule's draws.

use crate::data::rng::SeededRng;
use crate::task::TaskFamily;

/// The key of the random draws of one example.
#[derive(Debug, Clone, Copy)]
pub struct StreamKey {
    key: [u64; 4],
}

/// The purpose of a draw; each has its own stream.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    /// The order of an epoch.
    Order,
    /// The start and end of the history.
    History,
    /// Generation or candidates; with or without a category; the form of a share.
    Form,
    /// The filter of the request.
    Filter,
    /// The number of items, and of items of a filter.
    Count,
    /// Items that are not the teacher's choice.
    Items,
    /// The candidates and their order.
    Candidates,
    /// The phrasing.
    Phrasing,
    /// The conversation, and the part of it.
    Chat,
}

impl StreamKey {
    /// The key of example `number` of a task family in an epoch.
    pub fn new(seed: u64, epoch: u64, family: TaskFamily, number: usize) -> Self {
        Self::of_stream(seed, epoch, family as u64, number)
    }

    /// The key of number `number` of another stream.
    pub(super) fn of_stream(seed: u64, epoch: u64, stream: u64, number: usize) -> Self {
        Self { key: [seed, epoch, stream, number as u64] }
    }

    /// The stream of a purpose, from its beginning.
    pub(super) fn rng(&self, purpose: Purpose) -> SeededRng {
        SeededRng::from_key(self.key, purpose as u64)
    }
}

/// The generator that shuffles an epoch.
pub(super) fn shuffle_rng(seed: u64, epoch: u64) -> SeededRng {
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
            first(base(), Purpose::Filter),
            first(base(), Purpose::Count),
            first(StreamKey::new(9, 2, TaskFamily::I1, 3), Purpose::Filter),
            first(StreamKey::new(1, 9, TaskFamily::I1, 3), Purpose::Filter),
            first(StreamKey::new(1, 2, TaskFamily::I2, 3), Purpose::Filter),
            first(StreamKey::new(1, 2, TaskFamily::I1, 9), Purpose::Filter),
        ];
        assert_eq!(draws[0], first(base(), Purpose::Filter));
        draws.sort_unstable();
        draws.dedup();
        assert_eq!(draws.len(), 6);
    }
}
