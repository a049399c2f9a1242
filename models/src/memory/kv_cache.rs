//! The KV cache of the graph, which generates for models in training on a CPU.

use super::F32;
use crate::llama::LlamaConfig;

/// Bytes of the keys and values of `batch` sequences of `seq` tokens.
pub fn kv_cache(llama: &LlamaConfig, batch: usize, seq: usize) -> u64 {
    F32 * (2 * batch * seq * llama.n_layers * llama.n_kv_heads * llama.head_dim) as u64
}
