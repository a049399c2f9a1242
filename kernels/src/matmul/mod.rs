//! Products with packed weights for training. Those of decoding are in [`decode`](crate::decode); both read the layout of
//! [`quant`](crate::quant).
//!
//! [`linear`] and [`lora_linear`] stand in burn's graph, with gradients, over a [`PackedWeight`]; a [`GpuWeight`] is the same in buffers
//! of plain wgpu.

mod form;
pub(crate) mod launch;
mod linear;
pub(crate) mod plain;
mod weight;

pub(crate) use form::Form;
pub(crate) use launch::Direction;
pub(crate) use linear::Linear;
pub use linear::{Lora, linear, lora_linear};
pub(crate) use plain::{GpuWeight, LowRank, product_steps};
pub use weight::PackedWeight;
pub(crate) use weight::Values;

pub(crate) use launch::kernels;

#[cfg(test)]
mod tests;
