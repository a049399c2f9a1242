//! The `llama.*` metadata of a GGUF file.

mod rope;

use super::keys::{Found, Keys};
use super::{LlamaConfig, Names, RopeScaling, limit, read_sizes};
use crate::files::TensorSource;
use crate::files::gguf::{Gguf, Value};
use crate::{Error, Result};

const NAMES: Names = Names {
    d_model: "llama.embedding_length",
    d_ff: "llama.feed_forward_length",
    n_layers: "llama.block_count",
    n_heads: "llama.attention.head_count",
    n_kv_heads: "llama.attention.head_count_kv",
    head_dim: "llama.attention.key_length",
    max_positions: "llama.context_length",
    rms_eps: "llama.attention.layer_norm_rms_epsilon",
};

const EMBEDDING: &str = "token_embd.weight";
const OUTPUT: &str = "output.weight";
/// One divisor of every rotary frequency, `[head_dim / 2]`.
pub(crate) const ROPE_DIVISORS: &str = "rope_freqs.weight";

/// Keys with which a file that calls itself a llama is another architecture: a mixture of experts, or other factors.
const FOREIGN: [&str; 11] = [
    "llama.expert_count",
    "llama.use_parallel_residual",
    "llama.attention.scale",
    "llama.attention.clamp_kqv",
    "llama.attention.max_alibi_bias",
    "llama.attn_logit_softcapping",
    "llama.final_logit_softcapping",
    "llama.logit_scale",
    "llama.embedding_scale",
    "llama.residual_scale",
    "llama.rope.scaling.attn_factor",
];

impl LlamaConfig {
    /// Reads the sizes of the Llama in `gguf`: its metadata, the rows of its embedding, whether it has an output projection of its
    /// own, and its rotary divisors.
    ///
    /// # Errors
    /// Another architecture; a missing, impossible or unsupported value, by key.
    pub fn from_gguf(gguf: &Gguf) -> Result<Self> {
        let keys = Metadata(gguf);
        keys.require("general.architecture", "llama")?;
        FOREIGN.iter().try_for_each(|key| keys.refuse_foreign(key))?;
        let embedding = gguf.shape(EMBEDDING).unwrap_or_default();
        let vocab_size = match embedding.first() {
            Some(rows) if (1..=limit::VOCAB).contains(rows) => *rows,
            _ => {
                return Err(Error::bad_input(format!("{}: tensor {EMBEDDING}", gguf.place().display()))
                    .expected(format!("1 to {} rows", limit::VOCAB))
                    .found(format!("shape {embedding:?}"))
                    .into());
            }
        };
        let sizes = read_sizes(&keys, &NAMES, vocab_size)?;
        keys.refuse_window("llama.attention.sliding_window", sizes.max_positions)?;
        for (key, what) in [("llama.rope.dimension_count", "rotated"), ("llama.attention.value_length", "value")] {
            let width = keys.size(key, limit::HEAD_DIM, Some(sizes.head_dim))?;
            if width != sizes.head_dim {
                let expected = format!("a {what} width of {}, that of the keys", sizes.head_dim);
                return Err(keys.at(key).expected(expected).found(width).into());
            }
        }
        Ok(Self {
            rope_theta: keys.number("llama.rope.freq_base", 1.0, limit::THETA, Some(10_000.0))?,
            rope_scaling: rope::scaling(&keys, sizes.head_dim)?,
            tied_embeddings: gguf.shape(OUTPUT).is_none(),
            ..sizes
        })
    }
}

impl LlamaConfig {
    /// The metadata with these sizes; the rest of the rotary scaling is [`LlamaConfig::rope_divisors`].
    pub(crate) fn to_gguf(&self) -> Vec<(String, Value)> {
        let sizes = [
            ("llama.vocab_size", self.vocab_size),
            (NAMES.max_positions, self.max_positions),
            (NAMES.d_model, self.d_model),
            (NAMES.n_layers, self.n_layers),
            (NAMES.d_ff, self.d_ff),
            (NAMES.n_heads, self.n_heads),
            (NAMES.n_kv_heads, self.n_kv_heads),
            (NAMES.head_dim, self.head_dim),
            ("llama.attention.value_length", self.head_dim),
            ("llama.rope.dimension_count", self.head_dim),
        ];
        let mut numbers = vec![(NAMES.rms_eps, self.rms_eps), ("llama.rope.freq_base", self.rope_theta)];
        let mut texts = Vec::new();
        if let RopeScaling::Linear { factor } = self.rope_scaling {
            numbers.push((rope::FACTOR, factor));
            texts.push((rope::KIND, "linear"));
        }
        let sizes = sizes.into_iter().map(|(key, size)| (key, Value::Unsigned(size as u64)));
        let numbers = numbers.into_iter().map(|(key, number)| (key, Value::Float(number)));
        let texts = texts.into_iter().map(|(key, text)| (key, Value::String(text.to_owned())));
        sizes.chain(numbers).chain(texts).map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

struct Metadata<'a>(&'a Gguf);

impl Keys for Metadata<'_> {
    fn find(&self, key: &str) -> Option<Found<'_>> {
        Some(match self.0.metadata(key)? {
            Value::Unsigned(n) => Found::Unsigned(*n),
            Value::Signed(n) => u64::try_from(*n).map_or_else(|_| Found::Number(*n as f64), Found::Unsigned),
            Value::Float(x) => Found::Number(*x),
            Value::Bool(flag) => Found::Flag(*flag),
            Value::String(text) => Found::Text(text),
            other => Found::Other(other.to_string()),
        })
    }

    fn place(&self, key: &str) -> String {
        format!("{}: key {key}", self.0.place().display())
    }
}
