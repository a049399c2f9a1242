//! Lists, written by the decode engine on a GPU, which has the weights alone, or by the graph on a CPU.

use tiller_kernels::quant::Scheme;
use tiller_models::engine::{Engine, EngineOptions};
use tiller_models::llama::LlamaConfig;

use super::{Need, Place, Setting};
use crate::Result;

/// Bytes of a float.
const F32: usize = 4;

/// `tiller recommend`.
pub(super) fn need(llama: &LlamaConfig, setting: &Setting, place: &Place) -> Result<Need> {
    let mut need = if place.gpu { engine(llama, setting)? } else { graph(llama, setting) };
    need.total = need.weights + need.cache + need.activations + need.workspace;
    Ok(need)
}

/// What the engine takes.
fn engine(llama: &LlamaConfig, setting: &Setting) -> Result<Need> {
    let &Setting { quantise, kv, batch, tokens, .. } = setting;
    let options =
        EngineOptions { rows: batch, max_tokens: tokens, kv, scheme: Some(quantise), ..EngineOptions::default() };
    let (weights, footprint) = Engine::foresee(llama, &options)?;
    Ok(Need {
        weights: weights as u64,
        cache: (footprint.cache_of_layer * footprint.layers) as u64,
        activations: footprint.activations as u64,
        largest: footprint.largest as u64,
        ..Need::default()
    })
}

/// What the graph takes: weights, its cache, and what lies within a block while the prompts are read.
fn graph(llama: &LlamaConfig, setting: &Setting) -> Need {
    let &LlamaConfig { vocab_size, d_model, d_ff, n_layers, n_heads, n_kv_heads, head_dim, .. } = llama;
    let &Setting { batch, tokens: seq, .. } = setting;
    let cache = 2 * batch * seq * n_layers * n_kv_heads * head_dim;
    // Beside the residual stream: queries and keys, and scores before and behind the softmax; or gate, up and their product.
    let attention = 3 * n_heads * head_dim + 3 * n_heads * seq;
    let activations = batch * seq * (3 * d_model + attention.max(3 * d_ff));
    let bytes = |floats: usize| (F32 * floats) as u64;
    Need {
        weights: weights(llama, setting.quantise) as u64,
        cache: bytes(cache),
        activations: bytes(activations),
        workspace: bytes(2 * batch * vocab_size),
        ..Need::default()
    }
}

/// Bytes of the weights of the graph: beside packed projections the embedding stays in floats, for rows are looked up in it.
fn weights(llama: &LlamaConfig, scheme: Scheme) -> usize {
    if scheme == Scheme::F32 {
        return F32 * llama.parameters();
    }
    let projections = llama.projections();
    let numbers: usize = projections.values().map(|[rows, cols]| rows * cols).sum();
    let head = if llama.tied_embeddings { llama.vocab_size * llama.d_model } else { 0 };
    let packed: usize = projections.values().map(|&[rows, cols]| scheme.bytes(rows, cols)).sum();
    F32 * (llama.parameters() + head - numbers) + packed
}
