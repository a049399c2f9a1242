//! The sizes of a Llama, read from either file format and checked before anything is allocated by them.

pub(crate) mod gguf;
mod huggingface;
mod keys;

use std::path::Path;

use self::keys::Keys;
use crate::Result;
use crate::files::gguf::Gguf;

/// The sizes of a Llama (Touvron et al. 2023, arXiv 2302.13971; grouped queries: Ainslie et al. 2023, arXiv 2305.13245).
#[derive(Debug, Clone, PartialEq)]
pub struct LlamaConfig {
    /// Rows of the embedding: token ids run from 0 to `vocab_size − 1`.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub d_model: usize,
    /// Width of the hidden layer of each MLP.
    pub d_ff: usize,
    /// Number of blocks.
    pub n_layers: usize,
    /// Query heads per block.
    pub n_heads: usize,
    /// Key and value heads per block; divides `n_heads`.
    pub n_kv_heads: usize,
    /// Width of a head; even. `n_heads · head_dim` need not be `d_model`.
    pub head_dim: usize,
    /// The longest sequence that the model was trained for, in tokens.
    pub max_positions: usize,
    /// Added to the mean square in every RMS norm.
    pub rms_eps: f64,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
    /// The scaling of the rotary frequencies for longer sequences.
    pub rope_scaling: RopeScaling,
    /// True if the output projection is the embedding itself.
    pub tied_embeddings: bool,
}

impl LlamaConfig {
    /// The sizes of the model at `path`, a Hugging Face folder or a GGUF file, from its headers alone. Whether a tied model has an output
    /// projection of its own nevertheless shows when it is loaded.
    ///
    /// # Errors
    /// A model that cannot be read.
    pub fn read(path: &Path) -> Result<Self> {
        if Gguf::is_path(path) { Self::from_gguf(&Gguf::open(path)?) } else { Self::from_huggingface(path) }
    }

    /// The projections of a block: name, rows and columns of the weight.
    pub fn block_projections(&self) -> [(&'static str, usize, usize); 7] {
        let &LlamaConfig { d_model, d_ff, n_heads, n_kv_heads, head_dim, .. } = self;
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

    /// Weights of the matrices of a block.
    pub fn parameters_of_layer(&self) -> usize {
        let &LlamaConfig { d_model, d_ff, n_heads, n_kv_heads, head_dim, .. } = self;
        d_model * (2 * (n_heads + n_kv_heads) * head_dim + 3 * d_ff)
    }

    /// Weights of all matrices, a shared one once.
    pub fn parameters(&self) -> usize {
        let tables = if self.tied_embeddings { 1 } else { 2 };
        self.n_layers * self.parameters_of_layer() + tables * self.vocab_size * self.d_model
    }
}

/// A scaling of the rotary frequencies. Other kinds (yarn, dynamic, longrope) are refused by name.
#[derive(Debug, Clone, PartialEq)]
pub enum RopeScaling {
    /// No scaling.
    None,
    /// Every frequency divided by `factor` (Chen et al. 2023, arXiv 2306.15595).
    Linear {
        /// The factor by which sequences may become longer.
        factor: f64,
    },
    /// Llama 3.1: low frequencies divided by `factor`, high ones kept, those between blended.
    Llama3 {
        /// Divisor of the low frequencies.
        factor: f64,
        /// Wavelengths beyond `original_max_positions / low_freq_factor` are divided.
        low_freq_factor: f64,
        /// Wavelengths below `original_max_positions / high_freq_factor` are kept.
        high_freq_factor: f64,
        /// The longest sequence before the stretch, in tokens.
        original_max_positions: usize,
    },
    /// One divisor per frequency, `[head_dim / 2]`, as GGUF files store Llama 3.1's scaling.
    Divisors(Vec<f32>),
}

/// Upper bounds that no Llama comes near, so that a damaged header cannot ask for memory.
mod limit {
    pub(super) const VOCAB: usize = 1 << 22;
    pub(super) const WIDTH: usize = 1 << 20;
    pub(super) const LAYERS: usize = 1 << 10;
    pub(super) const HEADS: usize = 1 << 10;
    pub(super) const HEAD_DIM: usize = 1 << 10;
    pub(super) const POSITIONS: usize = 1 << 26;
    pub(super) const EPS: f64 = 0.1;
    pub(super) const THETA: f64 = 1e12;
    pub(super) const FACTOR: f64 = 1e6;
}

/// The keys of the sizes in a file format.
struct Names {
    d_model: &'static str,
    d_ff: &'static str,
    n_layers: &'static str,
    n_heads: &'static str,
    n_kv_heads: &'static str,
    head_dim: &'static str,
    max_positions: &'static str,
    rms_eps: &'static str,
}

/// Reads every size but those of the vocabulary and the rotary embedding, with the defaults of transformers' `LlamaConfig`.
fn read_sizes(keys: &dyn Keys, names: &Names, vocab_size: usize) -> Result<LlamaConfig> {
    let d_model = keys.size(names.d_model, limit::WIDTH, None)?;
    let n_heads = keys.size(names.n_heads, limit::HEADS, None)?;
    let n_kv_heads = keys.size(names.n_kv_heads, limit::HEADS, Some(n_heads))?;
    if !n_heads.is_multiple_of(n_kv_heads) {
        return Err(keys
            .at(names.n_kv_heads)
            .expected(format!("a divisor of {n_heads} heads"))
            .found(n_kv_heads)
            .into());
    }
    let even_split = d_model.is_multiple_of(n_heads).then_some(d_model / n_heads);
    let head_dim = keys.size(names.head_dim, limit::HEAD_DIM, even_split)?;
    if !head_dim.is_multiple_of(2) {
        let expected = "an even width, for the rotation of pairs";
        return Err(keys.at(names.head_dim).expected(expected).found(head_dim).into());
    }
    Ok(LlamaConfig {
        vocab_size,
        d_model,
        d_ff: keys.size(names.d_ff, limit::WIDTH, None)?,
        n_layers: keys.size(names.n_layers, limit::LAYERS, None)?,
        n_heads,
        n_kv_heads,
        head_dim,
        max_positions: keys.size(names.max_positions, limit::POSITIONS, Some(2048))?,
        // Kernels have it in 32 bits, where it must not vanish.
        rms_eps: keys.number(names.rms_eps, f32::MIN_POSITIVE.into(), limit::EPS, Some(1e-6))?,
        rope_theta: 10_000.0,
        rope_scaling: RopeScaling::None,
        tied_embeddings: false,
    })
}

#[cfg(test)]
mod tests;
