//! Products with packed weights: many rows at once for training and prefill, few columns for decoding.
//!
//! [`linear`] and [`lora_linear`] stand in burn's graph, with gradients; [`PackedWeight`] is the frozen matrix on a device.

mod launch;
mod linear;
mod weight;

pub use linear::{Lora, linear, lora_linear};
pub use weight::PackedWeight;

pub(crate) use launch::kernels;

#[cfg(test)]
mod tests;
