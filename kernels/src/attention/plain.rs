//! Attention by burn's own operations: for a step behind a cache of keys, and for heads that are too wide for the kernels.

use burn::tensor::{Tensor, activation};

use super::AttentionMask;

/// [`attention`](super::attention()) with all scores in memory.
pub(super) fn attention(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, mask: &AttentionMask) -> Tensor<4> {
    let ([batch, seq, n_heads, head_dim], [_, keys, n_kv_heads, _]) = (q.dims(), k.dims());
    let group = n_heads / n_kv_heads;
    let scale = (head_dim as f64).sqrt().recip();
    let [q, k, v] = [q * scale, k, v].map(|tensor| tensor.swap_dims(1, 2)); // [batch, heads, tokens, head_dim]

    // The heads of a group are stacked as the rows of one matrix, so keys and values are not repeated.
    let mask = mask.mask(&q.device());
    let q = q.reshape([batch, n_kv_heads, group * seq, head_dim]);
    let scores = q.matmul(k.swap_dims(2, 3)).reshape([batch, n_heads, seq, keys]);
    let scores = mask.map_or_else(|| scores.clone(), |mask| scores.clone() + mask);
    let weights = activation::softmax(scores, 3).reshape([batch, n_kv_heads, group * seq, keys]);
    weights.matmul(v).reshape([batch, n_heads, seq, head_dim]).swap_dims(1, 2)
}
