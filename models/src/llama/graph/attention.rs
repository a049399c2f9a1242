//! Causal self-attention with grouped queries (Ainslie et al. 2023, arXiv 2305.13245).

use burn::module::Module;
use burn::tensor::Tensor;
use tiller_kernels::{attention, rope};

use super::cache::LayerCache;
use super::context::ForwardContext;
use crate::lora::Linear;

/// softmax(q kᵀ / √head_dim + mask) v, for groups of query heads that share a key and value head.
#[derive(Module, Debug)]
pub(in crate::llama) struct Attention {
    pub q_proj: Linear,
    pub k_proj: Linear,
    pub v_proj: Linear,
    pub o_proj: Linear,
    pub n_heads: usize,
    pub n_kv_heads: usize,
    pub head_dim: usize,
}

impl Attention {
    /// `[n, d_model]` to the same. With a cache, the tokens also see those that the cache holds.
    pub(super) fn forward(&self, x: Tensor<2>, context: &ForwardContext, cache: Option<&mut LayerCache>) -> Tensor<2> {
        let ForwardContext { shape: [batch, seq], past, .. } = *context;
        let dropout = context.dropout.as_ref();
        let tokens = x.dims()[0];
        let heads = |y: Tensor<2>, n: usize| y.reshape([tokens, n, self.head_dim]);
        let rows = |y: Tensor<3>, n: usize| context.spread(y).reshape([batch, seq, n, self.head_dim]);
        let q = heads(self.q_proj.forward(x.clone(), dropout), self.n_heads); // [n, n_heads, head_dim]
        let k = heads(self.k_proj.forward(x.clone(), dropout), self.n_kv_heads); // [n, n_kv_heads, head_dim]
        let v = heads(self.v_proj.forward(x, dropout), self.n_kv_heads);

        let q = rows(rope(q, &context.angles), self.n_heads); // [batch, seq, n_heads, head_dim]
        let k = rows(rope(k, &context.angles), self.n_kv_heads); // [batch, seq, n_kv_heads, head_dim]
        let v = rows(v, self.n_kv_heads);
        let (k, v) = match cache {
            Some(cache) => cache.append(past, k, v), // [batch, past + seq, n_kv_heads, head_dim]
            None => (k, v),
        };
        let attn_out = attention(q, k, v, &context.mask); // [batch, seq, n_heads, head_dim]
        let attn_out = context.gather(attn_out.reshape([batch * seq, self.n_heads * self.head_dim])); // [n, n_heads · head_dim]
        self.o_proj.forward(attn_out, dropout)
    }
}
