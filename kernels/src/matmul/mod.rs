//! Products with packed weights: many rows at once for training and prefill, few columns for decoding.
//!
//! [`linear`] and [`lora_linear`] stand in burn's graph, with gradients, over a [`PackedWeight`]. [`gemv`] and
//! [`linear_steps`] are [`Step`]s of plain wgpu, over a [`GpuWeight`]. Both read the layout of [`quant`](crate::quant).
//!
//! [`Step`]: crate::pipelines::Step

mod form;
pub(crate) mod gemv;
pub(crate) mod launch;
mod linear;
pub(crate) mod plain;
mod weight;

pub(crate) use form::Form;
pub use gemv::{MAX_COLUMNS, gemv};
pub(crate) use launch::Direction;
pub(crate) use linear::Linear;
pub use linear::{Lora, linear, lora_linear};
pub use plain::{GpuWeight, LowRank, linear_steps};
pub use weight::PackedWeight;
pub(crate) use weight::Values;

use crate::Kernel;

/// Every variant of every kernel here.
pub(crate) fn kernels() -> Vec<Kernel> {
    [gemv::kernels(), launch::kernels()].concat()
}

#[cfg(test)]
mod tests;
