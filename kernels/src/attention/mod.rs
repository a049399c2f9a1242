//! Causal attention with grouped heads, for training and for prefill: o = softmax(q kᵀ /
//! √head_dim) v.
//!
//! Steps that bring all their keys are fused (flash attention: Dao, 2023): nothing as large as seq · seq is in
//! memory. On a GPU that is one launch forward and three backward. With a KV cache it is burn's own operations.

mod check;
mod cpu;
mod fused;
mod launch;
mod mask;
mod plain;
#[cfg(test)]
mod tests;

use burn::tensor::Tensor;

pub(crate) use check::check;
pub(crate) use launch::{bench_cases, kernels};
pub use mask::AttentionMask;

use crate::device::gpu_of;

/// Mixes the values that each token sees, by the softmax of its query's products with their keys. Heads of
/// queries come in groups that share a head of keys and values (Ainslie et al., 2023, arXiv 2305.13245).
///
/// The result of a token that sees nothing, which is padding, has no meaning.
///
/// # Shapes
/// q `[batch, seq, n_heads, head_dim]`, k and v `[batch, keys, n_kv_heads, head_dim]`, where the last seq
/// keys are those of the queries' tokens; result as q. All f32.
///
/// # Panics
/// Shapes that do not fit each other or `mask`.
pub fn attention(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, mask: &AttentionMask) -> Tensor<4> {
    let ([batch, seq, n_heads, head_dim], [_, keys, n_kv_heads, _]) = (q.dims(), k.dims());
    assert_eq!(k.dims(), v.dims(), "attention: k and v have to be of one shape");
    assert_eq!(
        [k.dims()[0], k.dims()[3]],
        [batch, head_dim],
        "attention: q and k have to be of one batch and head_dim"
    );
    assert_eq!(n_heads % n_kv_heads, 0, "attention: the heads of q have to come in groups");
    assert_eq!([batch, seq, keys], mask.shape(), "attention: q and k must have the shape of the mask");
    match mask.padding_alone() {
        Some(padding) if head_dim <= launch::WIDEST || gpu_of(&q.device()).is_none() => {
            fused::attention(q, k, v, padding)
        }
        _ => plain::attention(q, k, v, mask),
    }
}
