//! Small models for the tests of this crate.

use std::path::Path;

use burn::tensor::Device;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Llama, LlamaConfig, RopeScaling};
use crate::files::safetensors;

/// A named tensor on the host.
pub(crate) struct Weight {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f32>,
}

/// Two blocks, four query heads over two key and value heads.
pub(crate) fn tiny_config() -> LlamaConfig {
    LlamaConfig {
        vocab_size: 40,
        d_model: 16,
        d_ff: 24,
        n_layers: 2,
        n_heads: 4,
        n_kv_heads: 2,
        head_dim: 4,
        max_positions: 64,
        rms_eps: 1e-5,
        rope_theta: 10_000.0,
        rope_scaling: RopeScaling::None,
        tied_embeddings: true,
    }
}

/// config.json for `config`, without its rotary scaling.
pub(crate) fn json(config: &LlamaConfig) -> Value {
    json!({
        "model_type": "llama", "vocab_size": config.vocab_size, "hidden_size": config.d_model,
        "intermediate_size": config.d_ff, "num_hidden_layers": config.n_layers, "num_attention_heads": config.n_heads,
        "num_key_value_heads": config.n_kv_heads, "head_dim": config.head_dim, "rms_norm_eps": config.rms_eps,
        "max_position_embeddings": config.max_positions, "rope_theta": config.rope_theta,
        "tie_word_embeddings": config.tied_embeddings,
    })
}

/// Random weights under their Hugging Face names, always the same ones.
pub(crate) fn weights(config: &LlamaConfig) -> Vec<Weight> {
    let mut rng = ChaCha8Rng::seed_from_u64(17);
    let weight = |(name, shape): (String, Vec<usize>)| {
        let values = (0..shape.iter().product()).map(|_| rng.random_range(-0.5f32..0.5)).collect();
        Weight { name: format!("{name}.weight"), shape, values }
    };
    config.modules().into_iter().map(weight).collect()
}

pub(crate) fn write_weights(path: &Path, weights: &[Weight]) {
    let tensors = weights.iter().map(|w| (w.name.as_str(), w.shape.as_slice(), w.values.as_slice()));
    safetensors::write(path, tensors, &[("format", "pt")]).unwrap();
}

/// A Hugging Face folder with the model of `config`, but no tokenizer.
pub(crate) fn folder(config: &LlamaConfig) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.json"), json(config).to_string()).unwrap();
    write_weights(&folder.path().join("model.safetensors"), &weights(config));
    folder
}

pub(crate) fn tiny_llama(device: &Device) -> Llama {
    Llama::load(folder(&tiny_config()).path(), device).unwrap()
}
