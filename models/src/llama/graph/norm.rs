//! Root-mean-square normalisation (Zhang & Sennrich 2019, arXiv 1910.07467).

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use tiller_kernels::rms_norm;

/// y = x / √(mean(x²) + ε) · w.
#[derive(Module, Debug)]
pub(in crate::llama) struct RmsNorm {
    /// w, `[d_model]`; frozen, unless the whole model is trained.
    pub weight: Param<Tensor<1>>,
    /// ε.
    pub eps: f64,
}

impl RmsNorm {
    /// `[n, d_model]` to the same.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        rms_norm(x, self.weight.val(), self.eps)
    }
}
