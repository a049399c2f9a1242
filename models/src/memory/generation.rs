//! The graph that writes text on a CPU.

use tiller_kernels::quant::QuantScheme;

use super::{F32, MemoryEstimate};
use crate::llama::LlamaConfig;

/// Memory of a Llama whose weights are packed by `quant` and that writes `batch` texts side by side, of `seq` tokens at most, prompt
/// included.
pub fn generation(llama: &LlamaConfig, quant: QuantScheme, batch: usize, seq: usize) -> MemoryEstimate {
    let &LlamaConfig { vocab_size, d_model, d_ff, n_heads, head_dim, .. } = llama;
    // Beside the residual stream: queries and keys, and scores before and behind the softmax; or gate, up and their product.
    let attention = 3 * n_heads * head_dim + 3 * n_heads * seq;
    let activations = batch * seq * (3 * d_model + attention.max(3 * d_ff));
    let mut estimate = MemoryEstimate {
        weights: weights(llama, quant),
        cache: kv_cache(llama, batch, seq),
        activations: F32 * activations as u64,
        workspace: F32 * (2 * batch * vocab_size) as u64,
        ..MemoryEstimate::default()
    };
    estimate.total = estimate.weights + estimate.cache + estimate.activations + estimate.workspace;
    estimate
}

/// Bytes of the keys and values of `batch` sequences of `seq` tokens.
pub fn kv_cache(llama: &LlamaConfig, batch: usize, seq: usize) -> u64 {
    F32 * (2 * batch * seq * llama.n_layers * llama.n_kv_heads * llama.head_dim) as u64
}

/// Bytes of the weights of the graph: beside packed projections the embedding stays in floats, since rows are looked up in it.
fn weights(llama: &LlamaConfig, quant: QuantScheme) -> u64 {
    if quant == QuantScheme::F32 {
        return F32 * llama.parameters() as u64;
    }
    let projections = llama.projections();
    let numbers: usize = projections.values().map(|[rows, cols]| rows * cols).sum();
    let head = if llama.tied_embeddings { llama.vocab_size * llama.d_model } else { 0 };
    let packed: usize = projections.values().map(|&[rows, cols]| quant.bytes(rows, cols)).sum();
    F32 * (llama.parameters() + head - numbers) as u64 + packed as u64
}
