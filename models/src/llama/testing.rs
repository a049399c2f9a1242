//! Small models for the tests of this crate.

use std::path::Path;

use burn::tensor::Device;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Allowed, DraftTokens, Llama, LlamaConfig, RopeScaling, TokenConstraint, TokenLogprob};
use crate::Result;
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

/// Chooses from a short list again and again, with a token behind each choice that has no alternative; and drafts the choices to come.
#[derive(Debug, Clone)]
pub(crate) struct Drafting {
    /// What is expected of the choices, from the first one on.
    expected: Vec<u32>,
    /// How many choices a draft has.
    ahead: usize,
    needs_logits: bool,
    made: Vec<u32>,
    /// How often a draft was asked for, which is once for each step.
    pub steps: usize,
}

const LIST: [u32; 5] = [2, 7, 11, 30, 38];

impl Drafting {
    pub fn new(expected: Vec<u32>, ahead: usize, needs_logits: bool) -> Self {
        Self { expected, ahead, needs_logits, made: Vec::new(), steps: 0 }
    }
}

impl TokenConstraint for Drafting {
    fn allowed(&self) -> Allowed<'_> {
        if self.made.len() % 2 == 1 { Allowed::Forced(&[1]) } else { Allowed::OneOf(&LIST) }
    }

    fn accept(&mut self, token: u32, logprob: Option<&TokenLogprob>) -> Result<()> {
        assert_eq!(logprob.is_some(), self.needs_logits && self.made.len().is_multiple_of(2));
        self.made.push(token);
        Ok(())
    }

    fn needs_logits(&self) -> bool {
        self.needs_logits
    }

    fn draft(&mut self) -> Vec<DraftTokens> {
        self.steps += 1;
        let ahead = self.expected[self.made.len() / 2..].iter().take(self.ahead);
        let draft_tokens = |run: Vec<u32>| DraftTokens { allowed: Some(LIST.to_vec()), tokens: run };
        ahead.map(|token| draft_tokens(vec![*token, 1])).chain([draft_tokens(Vec::new())]).collect()
    }
}
