//! Layer norm (Ba, Kiros and Hinton 2016, arXiv 1607.06450).

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use tiller_kernels::layer_norm;

use super::config::LAYER_NORM_EPSILON;

/// y = (x - mean(x)) / √(var(x) + ε) · gamma + beta.
#[derive(Module, Debug)]
pub(super) struct LayerNorm {
    /// The scale, [d_model].
    gamma: Param<Tensor<1>>,
    /// The shift, [d_model].
    beta: Param<Tensor<1>>,
}

impl LayerNorm {
    /// Scale 1 and shift 0.
    pub(super) fn new(d_model: usize, device: &Device) -> Self {
        let gamma = Param::from_data(vec![1f32; d_model].as_slice(), device);
        let beta = Param::from_data(vec![0f32; d_model].as_slice(), device);
        Self { gamma, beta }
    }

    /// [batch, seq, d_model] to the same.
    pub(super) fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        layer_norm(x, self.gamma.val(), self.beta.val(), LAYER_NORM_EPSILON)
    }
}
