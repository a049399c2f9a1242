//! One pass over the data: its order, and its examples in batches, made ahead of whoever reads them.

use std::ops::Range;
use std::sync::mpsc::sync_channel;

use super::example::Example;
use super::instructor::{ExampleBuilder, ExampleSplit};
use super::stream_key;
use super::task::TaskFamily;
use crate::Result;
use crate::teacher::Scorer;

/// How many examples are made at a time: one call of the teacher labels them all.
pub const BATCH: usize = 256;
/// How many batches wait for the reader at most.
const BATCHES_AHEAD: usize = 4;

/// What one example is about: the number of a user (I0 to I2), of an item from 0 (I3), or of a conversation (I4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    pub task: TaskFamily,
    pub number: usize,
}

/// The places of one pass in random order. Each holds one example, or none where the catalogue has nothing to ask for.
///
/// An example depends on seed, epoch and place alone, so that a training resumes in the middle of an epoch by its place.
pub struct Epoch<'e, 'a, S> {
    builder: &'e ExampleBuilder<'a, S>,
    part: ExampleSplit,
    number: u64,
    slots: Vec<Slot>,
}

impl<'e, 'a, S: Scorer> Epoch<'e, 'a, S> {
    pub(super) fn new(
        builder: &'e ExampleBuilder<'a, S>,
        part: ExampleSplit,
        number: u64,
        seed: u64,
        mut slots: Vec<Slot>,
    ) -> Self {
        stream_key::order(seed, number).shuffle(&mut slots);
        Self { builder, part, number, slots }
    }

    /// How many places there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The examples of some places, each with its place.
    ///
    /// # Errors
    /// The teacher's device fails.
    ///
    /// # Panics
    /// Where the range is not within [`Epoch::len`].
    pub fn examples(&self, places: Range<usize>) -> Result<Vec<(usize, Example)>> {
        let examples = self.builder.make(self.part, self.number, &self.slots[places.clone()])?;
        Ok(places.zip(examples).filter_map(|(place, example)| Some((place, example?))).collect())
    }

    /// Calls `work` with the examples from a place on, in order, while another thread has the teacher label the next
    /// batches. A failing teacher is the last item.
    pub fn ahead<R>(
        &self,
        from: usize,
        work: impl FnOnce(&mut dyn Iterator<Item = Result<(usize, Example)>>) -> R,
    ) -> R {
        std::thread::scope(|scope| {
            let (sender, batches) = sync_channel(BATCHES_AHEAD);
            scope.spawn(move || {
                for start in (from..self.len()).step_by(BATCH) {
                    let batch = self.examples(start..self.len().min(start + BATCH));
                    let failed = batch.is_err();
                    // An error here means that the reader has had enough.
                    if sender.send(batch).is_err() || failed {
                        break;
                    }
                }
            });
            let mut examples = batches.into_iter().flat_map(|batch| match batch {
                Ok(examples) => examples.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            });
            work(&mut examples)
        })
    }
}
