//! What a training takes of memory, told before anything is allocated.
//!
//! The figures are estimates from the sizes alone. They count what the graph of a batch keeps for the backward pass, as
//! `models/src/llama` computes it with burn's operations, at the longest samples. `tiller bench train` measures beside them: on the CPU
//! the process held 0.76 to 0.94 of what was planned (adapters and whole models, 0.5 M and 135 M weights, 64 to 512 tokens).

use std::path::Path;

use serde::Serialize;
use tiller_kernels::quant::Scheme;
use tiller_models::files::gguf::Gguf;
use tiller_models::llama::{Llama, LlamaConfig};

use super::memory::in_words;
use super::sft::SftConfig;
use crate::{Error, Result};

/// Bytes of a float.
const F32: u64 = 4;
/// A float's gradient, its two moments, and one step's intermediate results.
const PER_TRAINED: u64 = 5 * F32;
/// Log-probabilities, entropies and what they are made of, for each scored token and each id.
const PER_LOGIT: u64 = 5 * F32;

/// A training's memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The model's own weights.
    pub weights: u64,
    /// Trained weights with gradients and moments.
    pub trained: u64,
    /// What the forward pass of a batch keeps for the backward pass.
    pub activations: u64,
    /// Scores of the answers' tokens.
    pub logits: u64,
    /// All of it.
    pub total: u64,
}

/// The sizes of the model at `path`, from the headers of its files alone.
///
/// # Errors
/// A model that cannot be read.
pub fn sizes_of(path: &Path) -> Result<LlamaConfig> {
    if Llama::is_gguf(path) { LlamaConfig::from_gguf(&Gguf::open(path)?) } else { LlamaConfig::from_huggingface(path) }
}

/// The projections of a block: name, rows and columns of the weight.
pub fn projections(llama: &LlamaConfig) -> [(&'static str, usize, usize); 7] {
    let &LlamaConfig { d_model, d_ff, n_heads, n_kv_heads, head_dim, .. } = llama;
    let (q_width, kv_width) = (n_heads * head_dim, n_kv_heads * head_dim);
    [
        ("q_proj", q_width, d_model),
        ("k_proj", kv_width, d_model),
        ("v_proj", kv_width, d_model),
        ("o_proj", d_model, q_width),
        ("gate_proj", d_ff, d_model),
        ("up_proj", d_ff, d_model),
        ("down_proj", d_model, d_ff),
    ]
}

/// Whether the projections of this name have an adapter.
pub fn is_target(config: &SftConfig, name: &str) -> bool {
    let all = name != "lm_head" && config.lora.targets.iter().any(|target| target == "all-linear");
    all || config.lora.targets.iter().any(|target| target == name)
}

impl Plan {
    /// The plan of a training of `llama`, whose projections are packed by `scheme`, with the longest samples of `config`, and with so many
    /// of its batches `at_once`.
    pub fn new(llama: &LlamaConfig, scheme: Option<Scheme>, config: &SftConfig, at_once: usize) -> Self {
        let &LlamaConfig { vocab_size, d_model, d_ff, n_layers, n_heads, n_kv_heads, head_dim, .. } = llama;
        let (q_width, kv_width) = (n_heads * head_dim, n_kv_heads * head_dim);
        let seq = config.max_tokens.min(llama.max_positions);

        let linears = projections(llama);
        let in_block: usize = linears.iter().map(|(_, d_out, d_in)| d_out * d_in).sum();
        // Where projections are packed, the embedding stays in floats and is no longer the output projection itself.
        let tables = if llama.tied_embeddings && scheme.is_none() { 1 } else { 2 };
        let bytes = |d_out: usize, d_in: usize| scheme.unwrap_or(Scheme::F32).bytes(d_out, d_in);
        let packed: usize = linears.iter().map(|(_, d_out, d_in)| bytes(*d_out, *d_in)).sum();
        let embedding = ((tables - 1) * vocab_size * d_model) as u64 * F32;
        let weights = (n_layers * packed + bytes(vocab_size, d_model)) as u64 + embedding;

        let trained = if config.full {
            n_layers * in_block + tables * vocab_size * d_model
        } else {
            let targets = linears.iter().filter(|(name, ..)| is_target(config, name));
            let in_block: usize = targets.map(|(_, d_out, d_in)| d_out + d_in).sum();
            let head = if is_target(config, "lm_head") { vocab_size + d_model } else { 0 };
            config.lora.rank * (n_layers * in_block + head)
        };
        // An adapter's own weights come on top; those of a full training are the model's.
        let trained = trained as u64 * if config.full { PER_TRAINED } else { PER_TRAINED + F32 };

        // Of each token in a block: the residual stream and its norms; queries, keys and values before and behind their
        // rotation; the mixed values; gate, up and their product; and a row of attention scores, masked and normalised.
        let kept = 10 * d_model + 6 * q_width + 6 * kv_width + 5 * d_ff + 4 * n_heads * seq;
        let tokens = config.batch * config.accumulate.min(at_once) * seq;
        // Recomputed, one block's at a time, and what enters each of the others.
        let in_all = if config.activation_checkpointing { kept + n_layers * d_model } else { n_layers * kept };
        let activations = (tokens * in_all) as u64 * F32;
        let logits = (tokens / 2 * vocab_size) as u64 * PER_LOGIT;
        Self { weights, trained, activations, logits, total: weights + trained + activations + logits }
    }

    /// Refuses a training that `available` bytes of memory cannot hold.
    ///
    /// # Errors
    /// [`Error::DoesNotFit`], with the parts and the flags that make them smaller.
    pub fn check(&self, available: Option<u64>) -> Result<()> {
        let Some(available) = available.filter(|&available| available < self.total) else { return Ok(()) };
        let Self { weights, trained, activations, logits, total } = self;
        Err(Error::DoesNotFit(format!(
            "the training does not fit: it takes about {} (weights {}, trained ones with optimiser {}, activations of a batch {}, \
             its scores {}), and {} are free\n  next: try --activation-checkpointing, a smaller --batch with a larger --accumulate, \
             a smaller --max-tokens, --quantise q4, or a smaller --rank",
            in_words(*total),
            in_words(*weights),
            in_words(*trained),
            in_words(*activations),
            in_words(*logits),
            in_words(available)
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tiller_models::llama::RopeScaling;

    /// SmolLM2-135M.
    fn smol() -> LlamaConfig {
        LlamaConfig {
            vocab_size: 49152,
            d_model: 576,
            d_ff: 1536,
            n_layers: 30,
            n_heads: 9,
            n_kv_heads: 3,
            head_dim: 64,
            max_positions: 8192,
            rms_eps: 1e-5,
            rope_theta: 1e5,
            rope_scaling: RopeScaling::None,
            tied_embeddings: true,
        }
    }

    #[test]
    fn weights_and_trained_parts_are_counted_exactly() {
        let full = SftConfig { full: true, ..SftConfig::default() };
        let plan = Plan::new(&smol(), None, &full, 1);
        // 134 515 008 weights, 35 136 of them in norms, which no plan needs to know of.
        assert_eq!(plan.weights, (134_515_008 - 35_136) * F32);
        assert_eq!(plan.trained, (134_515_008 - 35_136) * PER_TRAINED);
        let adapter = Plan::new(&smol(), Some(Scheme::Q4), &SftConfig::default(), 1);
        let parts = 30 * (2 * 1152 + 2 * 768 + 3 * 2112) + 49152 + 576;
        assert_eq!(adapter.trained, 16 * parts * (PER_TRAINED + F32));
        assert!(adapter.weights < plan.weights / 2);
    }

    #[test]
    fn what_asks_for_less_takes_less_and_what_does_not_fit_is_refused() {
        let plan = |config: SftConfig| Plan::new(&smol(), None, &config, 1);
        let usual = plan(SftConfig::default());
        assert!(Plan::new(&smol(), None, &SftConfig::default(), 2).activations == 2 * usual.activations);
        assert!(plan(SftConfig { batch: 4, ..SftConfig::default() }).activations == usual.activations / 2);
        let recomputed = plan(SftConfig { activation_checkpointing: true, ..SftConfig::default() });
        assert!(recomputed.activations < usual.activations / 20 && recomputed.logits == usual.logits);
        assert!(plan(SftConfig { max_tokens: 512, ..SftConfig::default() }).total < usual.total / 2);
        assert!(usual.check(None).is_ok() && usual.check(Some(usual.total)).is_ok());
        let error = usual.check(Some(usual.total - 1)).unwrap_err();
        assert_eq!(error.exit_code(), 3);
        assert!(error.to_string().contains("--batch"), "{error}");
    }
}
