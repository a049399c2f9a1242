//! Instructions: from interactions, a catalogue and a teacher to the examples that a language model is tuned on (method §3, method §4).
//!
//! An [`ExampleBuilder`] enumerates an [`Epoch`]: every user once for each of I0, I1 and I2, every item with a category once for I3, and
//! conversations beside them (I4). What is asked about each of them is drawn anew in every epoch, by the rules of a [`Preset`], from a
//! key of its own. The labels are the teacher's: it scores all items after the histories of a whole batch, and
//! [`Epoch::ahead`] does so while the trainer is busy with the batches before.
//!
//! [`Probe`]s are the other side: fixed questions about held-out items, in wordings that no example has. Between the two stand the
//! questions of an [`Episode`], which a policy answers itself in reinforcement learning ([`Task`]).

mod asked;
mod category;
pub mod chat;
mod epoch;
mod example;
mod instructor;
pub mod kinds;
mod practice;
mod probe;
mod proportion;
mod ranking;
mod recipe;
mod search;
mod sequential;
mod stream_key;
mod task;
#[cfg(test)]
mod tests;
mod world;

pub use epoch::{BATCH, Epoch};
pub use example::Example;
pub use instructor::{ExampleBuilder, ExampleConfig, ExampleSplit, QuerySpec};
pub use practice::{Episode, Task};
pub use probe::{Probe, PromptWording};
pub use recipe::{LIST_LENGTH, Preset};
pub use task::TaskFamily;
