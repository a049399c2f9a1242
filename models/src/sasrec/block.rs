//! One transformer layer: attention and feed-forward network, each followed by residual sum and layer norm.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor, TensorData};
use tiller_kernels::gelu;

use super::config::{INITIAL_DEVIATION, SasRecConfig};
use super::norm::LayerNorm;
use crate::random::{Noise, Normal};

/// A post-norm layer (method §2.1): a = LN(r + drop(Wo·attention)), y = LN(a + drop(W2·gelu(W1·a))).
#[derive(Module, Debug)]
pub(super) struct SasRecBlock {
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    attention_norm: LayerNorm,
    expand: Linear,
    contract: Linear,
    inner_norm: LayerNorm,
    n_heads: usize,
}

impl SasRecBlock {
    pub(super) fn new(config: &SasRecConfig, normal: &mut Normal, device: &Device) -> Self {
        let SasRecConfig { d_model, d_ff, .. } = *config;
        Self {
            query: linear(d_model, d_model, normal, device),
            key: linear(d_model, d_model, normal, device),
            value: linear(d_model, d_model, normal, device),
            output: linear(d_model, d_model, normal, device),
            attention_norm: LayerNorm::new(d_model, device),
            expand: linear(d_model, d_ff, normal, device),
            contract: linear(d_ff, d_model, normal, device),
            inner_norm: LayerNorm::new(d_model, device),
            n_heads: config.n_heads,
        }
    }

    /// The layer's output at the positions of `rows`, which are among those of `x`.
    ///
    /// `x` is [batch, seq, d_model], `rows` [batch, rows, d_model], `hidden` [batch, 1, rows, seq] and added to the
    /// attention scores.
    pub(super) fn forward(&self, x: Tensor<3>, rows: Tensor<3>, hidden: Tensor<4>, noise: &mut Noise) -> Tensor<3> {
        let branch = project(&self.output, self.attend(x, rows.clone(), hidden, noise));
        let a = self.attention_norm.forward(rows + noise.drop(branch));
        let branch = project(&self.contract, gelu(project(&self.expand, a.clone())));
        self.inner_norm.forward(a + noise.drop(branch))
    }

    fn attend(&self, x: Tensor<3>, rows: Tensor<3>, hidden: Tensor<4>, noise: &mut Noise) -> Tensor<3> {
        let [batch, n_rows, d_model] = rows.dims();
        let head_dim = d_model / self.n_heads;
        // [batch, seq, d_model] -> [batch, heads, seq, head_dim]
        let by_head = |t: Tensor<3>| {
            let [_, seq, _] = t.dims();
            t.reshape([batch, seq, self.n_heads, head_dim]).swap_dims(1, 2)
        };
        let q = by_head(project(&self.query, rows)) / (head_dim as f64).sqrt();
        let k = by_head(project(&self.key, x.clone()));
        let v = by_head(project(&self.value, x));
        let weights = softmax(q.matmul(k.swap_dims(2, 3)) + hidden, 3); // [batch, heads, rows, seq]
        noise.drop(weights).matmul(v).swap_dims(1, 2).reshape([batch, n_rows, d_model])
    }
}

/// The linear map of every row: [batch, seq, from] to [batch, seq, to].
///
/// The rows go in as one matrix: in three dimensions burn would form the weight's gradient once per batch entry.
fn project(map: &Linear, x: Tensor<3>) -> Tensor<3> {
    let [batch, seq, from] = x.dims();
    map.forward(x.reshape([batch * seq, from])).reshape([batch as i64, seq as i64, -1])
}

/// Normal(0, 0.02) weights and zero biases.
fn linear(from: usize, to: usize, normal: &mut Normal, device: &Device) -> Linear {
    let weight = TensorData::new(normal.draw(from * to, INITIAL_DEVIATION), [from, to]);
    let bias = TensorData::new(vec![0f32; to], [to]);
    Linear { weight: Param::from_data(weight, device), bias: Some(Param::from_data(bias, device)) }
}
