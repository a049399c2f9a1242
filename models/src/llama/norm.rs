//! Root-mean-square normalisation (Zhang & Sennrich 2019, arXiv 1910.07467).

use burn::module::Module;
use burn::tensor::Tensor;

/// y = x / √(mean(x²) + ε) · w.
#[derive(Module, Debug)]
pub(super) struct RmsNorm {
    /// w, `[d_model]`, without gradient.
    pub weight: Tensor<1>,
    /// ε.
    pub eps: f64,
}

impl RmsNorm {
    /// `[n, d_model]` to the same.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let mean_square = x.clone().square().mean_dim(1); // [n, 1]
        x / (mean_square + self.eps).sqrt() * self.weight.clone().unsqueeze::<2>()
    }
}
