//! GEMM with packed weights for training. The matrix products of decoding are in [`decode`](crate::decode);
//! both read the layout of
//! [`quant`](crate::quant).
//!
//! [`linear`] and [`lora_linear`] are operations of burn's graph, with gradients, over a [`PackedWeight`]; a
//! [`GpuWeight`] is the same in buffers of plain wgpu.

pub(crate) mod gpu_weight;
pub(crate) mod launch;
mod layout;
mod linear;
mod weight;

pub(crate) use gpu_weight::{GpuWeight, LowRankBuffers, matmul_steps};
pub(crate) use launch::{Direction, PackedLinear, linear_variants};
pub(crate) use layout::WeightLayout;
pub use linear::{LoraFactors, linear, lora_linear};
pub use weight::PackedWeight;
pub(crate) use weight::Values;

pub(crate) use launch::kernels;

#[cfg(test)]
mod tests;
