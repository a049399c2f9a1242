//! The sizes of well-known models, for plans and benchmarks that need no weights.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use crate::llama::{LlamaConfig, RopeScaling};
use crate::{Error, Result};

/// A model by its sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelPreset {
    /// The model of `tiller sft --from-scratch tiny`
    Tiny,
    /// The model of `tiller sft --from-scratch small`
    Small,
    /// SmolLM2-135M
    Smol,
    /// TinyLlama-1.1B
    TinyLlama,
    /// Llama-2-7B
    Llama2,
}

impl ModelPreset {
    /// Every preset.
    pub const ALL: [Self; 5] = [Self::Tiny, Self::Small, Self::Smol, Self::TinyLlama, Self::Llama2];

    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tiny => "tiny",
            Self::Small => "small",
            Self::Smol => "smollm2-135m",
            Self::TinyLlama => "tinyllama-1.1b",
            Self::Llama2 => "llama2-7b",
        }
    }

    /// The sizes.
    pub fn llama(self) -> LlamaConfig {
        let [vocab_size, d_model, d_ff, n_layers, n_heads, n_kv_heads, max_positions] = match self {
            Self::Tiny => [4096, 96, 192, 2, 2, 2, 1024],
            Self::Small => [4096, 128, 256, 2, 2, 2, 1024],
            Self::Smol => [49_152, 576, 1536, 30, 9, 3, 4096],
            Self::TinyLlama => [32_000, 2048, 5632, 22, 32, 4, 4096],
            Self::Llama2 => [32_000, 4096, 11_008, 32, 32, 32, 4096],
        };
        LlamaConfig {
            vocab_size,
            d_model,
            d_ff,
            n_layers,
            n_heads,
            n_kv_heads,
            head_dim: d_model / n_heads,
            max_positions,
            rms_eps: 1e-5,
            rope_theta: 10_000.0,
            rope_scaling: RopeScaling::None,
            tied_embeddings: matches!(self, Self::Tiny | Self::Small | Self::Smol),
        }
    }
}

impl Display for ModelPreset {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for ModelPreset {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let known = Self::ALL.into_iter().find(|preset| preset.name() == name);
        known.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::bad_input("model preset").expected(format!("one of {names}")).found(name).into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_presets_have_the_sizes_of_their_names() {
        let expected = [(ModelPreset::Smol, 134.5e6), (ModelPreset::TinyLlama, 1.1e9), (ModelPreset::Llama2, 6.74e9)];
        for (preset, expected) in expected {
            let weights = preset.llama().parameters() as f64;
            assert!((weights / expected - 1.0).abs() < 0.01, "{preset}: {weights}");
            assert_eq!(preset.name().parse::<ModelPreset>().unwrap(), preset);
        }
        assert!("gpt-2".parse::<ModelPreset>().is_err());
    }
}
