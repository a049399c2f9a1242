//! Instruction tuning data: training examples from interactions, a catalogue and a teacher (method §3, method §4).
//!
//! An [`ExampleBuilder`] turns slots into examples. [`Epoch`] is the slot order of one pass over the data: every user once
//! per user task (I0–I2), every categorised item once (I3), and conversations beside them (I4). What a slot asks for is
//! drawn from a random stream of its own under the rules of a [`Preset`]; the labels are the teacher's, which scores all
//! items for a whole batch of histories at once. [`ExampleBuilder::stream`] builds batches ahead of the trainer.
//!
//! Two further kinds of prompts come from the same builder: [`Episode`]s of prompts for alignment, which a policy answers
//! itself, and the fixed queries of evaluations about held-out items ([`QuerySpec`]).

mod alignment;
mod builder;
mod builder_context;
mod category;
pub mod chat;
mod config;
mod epoch;
mod evaluation;
mod example;
pub mod item_filter;
mod preset;
mod proportion;
mod ranking;
mod sample;
mod search;
mod sequential;
mod share_form;
mod stream_key;
#[cfg(test)]
mod tests;
mod user_context;

pub use builder::{BATCH, ExampleBuilder};
pub use config::ExampleConfig;
pub use epoch::{Episode, Epoch, ExampleSplit};
pub use evaluation::QuerySpec;
pub use example::Example;
pub use preset::Preset;
pub use sample::sample;
