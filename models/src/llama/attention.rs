//! Causal self-attention with grouped queries (Ainslie et al. 2023, arXiv 2305.13245).

use burn::module::Module;
use burn::tensor::{Tensor, activation};
use tiller_kernels::rope;

use super::cache::LayerCache;
use super::frame::Frame;
use crate::lora::Linear;

/// softmax(q kᵀ / √head_dim + mask) v, for groups of query heads that share a key and value head.
#[derive(Module, Debug)]
pub(super) struct Attention {
    pub q_proj: Linear,
    pub k_proj: Linear,
    pub v_proj: Linear,
    pub o_proj: Linear,
    pub n_heads: usize,
    pub n_kv_heads: usize,
    pub head_dim: usize,
}

impl Attention {
    /// `[batch · seq, d_model]` to the same. With a cache, the tokens also see those that the cache holds.
    pub fn forward(&self, x: Tensor<2>, frame: &Frame, cache: Option<&mut LayerCache>) -> Tensor<2> {
        let Frame { shape: [batch, seq], dropout, .. } = *frame;
        let heads = |y: Tensor<2>, n: usize| y.reshape([batch * seq, n, self.head_dim]);
        let rows = |y: Tensor<3>| y.reshape([batch as i64, seq as i64, -1, self.head_dim as i64]).swap_dims(1, 2);
        let q = heads(self.q_proj.forward(x.clone(), dropout), self.n_heads); // [batch · seq, n_heads, head_dim]
        let k = heads(self.k_proj.forward(x.clone(), dropout), self.n_kv_heads); // [batch · seq, n_kv_heads, head_dim]
        let v = heads(self.v_proj.forward(x, dropout), self.n_kv_heads);

        let q = rows(rope(q, &frame.angles)) * (self.head_dim as f64).sqrt().recip(); // [batch, n_heads, seq, head_dim]
        let k = rows(rope(k, &frame.angles)); // [batch, n_kv_heads, seq, head_dim]
        let v = rows(v);
        let (k, v) = match cache {
            Some(cache) => cache.append(frame.past, k, v), // [batch, n_kv_heads, past + seq, head_dim]
            None => (k, v),
        };

        // The heads of a group stand below one another as the rows of one matrix, so keys and values are not repeated.
        let keys = frame.past + seq;
        let group = self.n_heads / self.n_kv_heads;
        let q = q.reshape([batch, self.n_kv_heads, group * seq, self.head_dim]);
        let scores = q.matmul(k.swap_dims(2, 3)).reshape([batch, self.n_heads, seq, keys]);
        let weights = activation::softmax(frame.masked(scores), 3).reshape([batch, self.n_kv_heads, group * seq, keys]);
        let mixed = weights.matmul(v).reshape([batch, self.n_heads, seq, self.head_dim]);
        let mixed = mixed.swap_dims(1, 2).reshape([batch * seq, self.n_heads * self.head_dim]);
        self.o_proj.forward(mixed, dropout)
    }
}
