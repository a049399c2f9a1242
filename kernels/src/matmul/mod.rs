//! GEMM with packed weights for training. The matrix products of decoding are in [`decode`](crate::decode);
//! both read the layout of
//! [`quant`](crate::quant).
//!
//! [`linear`] and [`lora_linear`] are operations of burn's graph, with gradients, over a [`PackedWeight`]; a
//! [`GpuWeight`] is the same in buffers of plain wgpu.

mod dense;
pub(crate) mod gpu_weight;
pub(crate) mod launch;
mod layout;
mod linear;
mod lora_factors;
mod weight;

pub use dense::{FEW_ROWS, dense_linear, dense_lora_linear};
pub(crate) use gpu_weight::{GpuWeight, LowRankBuffers, matmul_steps};
pub(crate) use launch::{Direction, PackedLinear, linear_variants};
pub(crate) use layout::WeightLayout;
pub use linear::{linear, lora_linear};
pub use lora_factors::LoraFactors;
pub use weight::PackedWeight;
pub(crate) use weight::Values;

pub(crate) use launch::kernels;

#[cfg(test)]
mod tests;
