//! Lists, written by the decode engine on a GPU, which has the weights alone, or by the graph on a CPU.

use tiller_kernels::quant::QuantScheme;
use tiller_models::engine::{Engine, EngineOptions};
use tiller_models::llama::LlamaConfig;

use super::{DeviceMemory, MemoryEstimate, PlanSettings};
use crate::Result;

/// Bytes of a float.
const F32: usize = 4;

/// `tiller recommend`.
pub(super) fn estimate(llama: &LlamaConfig, setting: &PlanSettings, place: &DeviceMemory) -> Result<MemoryEstimate> {
    let mut estimate = if place.gpu { engine(llama, setting)? } else { graph(llama, setting) };
    estimate.total = estimate.weights + estimate.cache + estimate.activations + estimate.workspace;
    Ok(estimate)
}

/// What the engine takes.
fn engine(llama: &LlamaConfig, setting: &PlanSettings) -> Result<MemoryEstimate> {
    let &PlanSettings { quant, kv, batch, tokens, .. } = setting;
    let options = EngineOptions {
        max_batch: batch,
        max_tokens: tokens,
        kv_dtype: kv,
        quant: Some(quant),
        ..EngineOptions::default()
    };
    let (weights, footprint) = Engine::estimate_memory(llama, &options)?;
    Ok(MemoryEstimate {
        weights: weights as u64,
        cache: (footprint.cache_of_layer * footprint.layers) as u64,
        activations: footprint.activations as u64,
        largest: footprint.largest as u64,
        ..MemoryEstimate::default()
    })
}

/// What the graph takes: weights, its cache, and what lies within a block while the prompts are read.
fn graph(llama: &LlamaConfig, setting: &PlanSettings) -> MemoryEstimate {
    let &LlamaConfig { vocab_size, d_model, d_ff, n_layers, n_heads, n_kv_heads, head_dim, .. } = llama;
    let &PlanSettings { batch, tokens: seq, .. } = setting;
    let cache = 2 * batch * seq * n_layers * n_kv_heads * head_dim;
    // Beside the residual stream: queries and keys, and scores before and behind the softmax; or gate, up and their product.
    let attention = 3 * n_heads * head_dim + 3 * n_heads * seq;
    let activations = batch * seq * (3 * d_model + attention.max(3 * d_ff));
    let bytes = |floats: usize| (F32 * floats) as u64;
    MemoryEstimate {
        weights: weights(llama, setting.quant) as u64,
        cache: bytes(cache),
        activations: bytes(activations),
        workspace: bytes(2 * batch * vocab_size),
        ..MemoryEstimate::default()
    }
}

/// Bytes of the weights of the graph: beside packed projections the embedding stays in floats, for rows are looked up in it.
fn weights(llama: &LlamaConfig, scheme: QuantScheme) -> usize {
    if scheme == QuantScheme::F32 {
        return F32 * llama.parameters();
    }
    let projections = llama.projections();
    let numbers: usize = projections.values().map(|[rows, cols]| rows * cols).sum();
    let head = if llama.tied_embeddings { llama.vocab_size * llama.d_model } else { 0 };
    let packed: usize = projections.values().map(|&[rows, cols]| scheme.bytes(rows, cols)).sum();
    F32 * (llama.parameters() + head - numbers) + packed
}
