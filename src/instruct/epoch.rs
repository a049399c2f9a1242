//! Slot orders: the order of one pass over the data, and of one episode of alignment. They hold no examples; the example
//! builder builds those of any range of slots.

use super::stream_key::shuffle_rng;
use crate::task::{Task, TaskFamily};

/// The split that examples are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExampleSplit {
    /// Training items with the teacher's labels, drawn anew each epoch.
    Training,
    /// The last item but one of each user as the only label, in held-out wordings.
    Validation,
}

/// The subject of one example: the number of a user (I0 to I2), of an item from 0 (I3), or of a conversation (I4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    pub family: TaskFamily,
    pub number: usize,
}

/// The slots of one pass over the data, in random order. Each holds one example, or none where the catalogue has nothing
/// to ask for.
///
/// An example depends on seed, epoch and slot alone, so a training resumes in the middle of an epoch by its slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epoch {
    pub(super) split: ExampleSplit,
    pub(super) number: u64,
    pub(super) slots: Vec<Slot>,
}

impl Epoch {
    pub(super) fn new(split: ExampleSplit, number: u64, seed: u64, mut slots: Vec<Slot>) -> Self {
        shuffle_rng(seed, number).shuffle(&mut slots);
        Self { split, number, slots }
    }

    /// Returns the number of slots.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Returns true where there is no slot.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}

/// The slots of one episode of alignment, in random order: every task once for every user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Episode {
    pub(super) number: u64,
    /// The task, and the number of the user.
    pub(super) slots: Vec<(Task, usize)>,
}

impl Episode {
    pub(super) fn new(number: u64, seed: u64, mut slots: Vec<(Task, usize)>) -> Self {
        shuffle_rng(seed, number).shuffle(&mut slots);
        Self { number, slots }
    }

    /// Returns the number of slots.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Returns true where there is no slot.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}
