//! The factors of a low-rank adapter (LoRA: Hu et al., 2021).

use burn::tensor::Tensor;

/// A low-rank adapter of one layer.
#[derive(Debug, Clone)]
pub struct LoraFactors {
    /// `[rank, in]`
    pub a: Tensor<2>,
    /// `[out, rank]`
    pub b: Tensor<2>,
    /// s, usually alpha / rank.
    pub scale: f32,
}
