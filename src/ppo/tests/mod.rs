//! The parts together, on a model small enough to train in a test.

mod golden;
mod losses;
mod runs;
mod sampling;
mod sft_mixin;
pub(crate) mod toy;
