//! A language model trained from scratch: a tokenizer of the catalogue's own words, and a small Llama that knows nothing yet.
//!
//! It is an ordinary model in an ordinary Hugging Face folder, and needs no download: for trying everything on a machine without a
//! GPU, and for tests.

use std::path::Path;
use std::str::FromStr;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use tiller_models::llama::{Llama, LlamaConfig, RopeScaling};
use tiller_models::tokenizer::{Tokenizer, TokenizerFiles};

use crate::instruct::{ExampleBuilder, ExampleSplit};
use crate::run::config::out_of_range;
use crate::teacher::Scorer;
use crate::{Error, Result};

/// The sizes of a model trained from scratch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FromScratch {
    /// Tokens at most, the bytes and the control tokens included.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub d_model: usize,
    /// Blocks.
    pub n_layers: usize,
    /// Heads of a block; an even part of `d_model` each.
    pub n_heads: usize,
    /// Width of the hidden layer of each MLP.
    pub d_ff: usize,
    /// The longest sequence.
    pub max_positions: usize,
}

impl Default for FromScratch {
    fn default() -> Self {
        ScratchSize::Small.from_scratch()
    }
}

/// Sizes by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScratchSize {
    /// Usable lists of a few hundred items after two minutes on two cores.
    Tiny,
    /// Nearly its teacher's lists after some minutes on two cores.
    Small,
}

impl FromStr for ScratchSize {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "tiny" => Ok(Self::Tiny),
            "small" => Ok(Self::Small),
            _ => Err(Error::bad_input("--from-scratch").expected("tiny or small").found(name).into()),
        }
    }
}

impl ScratchSize {
    /// The sizes.
    pub fn from_scratch(self) -> FromScratch {
        // Titles and turns of phrase end the vocabulary long before its limit, but for catalogues of thousands.
        let small =
            FromScratch { vocab_size: 4096, d_model: 128, n_layers: 2, n_heads: 2, d_ff: 256, max_positions: 1024 };
        match self {
            ScratchSize::Tiny => FromScratch { d_model: 96, d_ff: 192, ..small },
            ScratchSize::Small => small,
        }
    }
}

/// Examples from which the tokenizer learns its words.
const EXAMPLES: usize = 4096;

impl FromScratch {
    /// Writes a model of these sizes to `folder`, with a tokenizer of the words of the example builder's examples and random weights.
    ///
    /// # Errors
    /// Sizes that do not go together, a data set without examples, a full disk.
    pub fn write(
        &self,
        folder: &Path,
        builder: &ExampleBuilder<impl Scorer>,
        seed: u64,
        device: &Device,
    ) -> Result<()> {
        self.llama(self.vocab_size)?;
        let epoch = builder.epoch(ExampleSplit::Training, 0)?;
        let examples = builder.examples(&epoch, 0..epoch.len().min(EXAMPLES))?;
        let texts = examples.into_iter().flat_map(|(_, example)| {
            example.messages.into_iter().map(|message| message.content).chain([example.answer])
        });
        std::fs::create_dir_all(folder).map_err(Error::io(folder, "create"))?;
        let files = TokenizerFiles::train(texts, self.vocab_size)?;
        files.write(folder)?;
        let vocab_size = Tokenizer::from_path(folder)?.vocabulary_size();
        Llama::from_scratch(&self.llama(vocab_size)?, seed, device)?.write_with(&files, folder)
    }

    /// The sizes of the Llama.
    ///
    /// # Errors
    /// Sizes that do not go together, by key.
    pub fn llama(&self, vocab_size: usize) -> Result<LlamaConfig> {
        let &Self { d_model, n_layers, n_heads, d_ff, max_positions, .. } = self;
        let sizes = [("d_model", d_model), ("n_layers", n_layers), ("n_heads", n_heads), ("d_ff", d_ff)];
        for (key, size) in sizes.into_iter().chain([("max_positions", max_positions)]) {
            if size == 0 {
                return Err(out_of_range(&format!("from_scratch.{key}"), "at least 1", 0));
            }
        }
        if !d_model.is_multiple_of(2 * n_heads) {
            let expected = format!("a multiple of {}, for {n_heads} heads of even width", 2 * n_heads);
            return Err(out_of_range("from_scratch.d_model", &expected, d_model));
        }
        Ok(LlamaConfig {
            vocab_size,
            d_model,
            d_ff,
            n_layers,
            n_heads,
            n_kv_heads: n_heads,
            head_dim: d_model / n_heads,
            max_positions,
            rms_eps: 1e-5,
            rope_theta: 10_000.0,
            rope_scaling: RopeScaling::None,
            tied_embeddings: true,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_do_not_go_together_are_refused_by_name() {
        assert!(
            ScratchSize::Tiny.from_scratch().llama(300).is_ok() && ScratchSize::Small.from_scratch().llama(300).is_ok()
        );
        for (key, bad) in [
            ("from_scratch.n_layers", FromScratch { n_layers: 0, ..FromScratch::default() }),
            ("from_scratch.d_model", FromScratch { d_model: 100, n_heads: 8, ..FromScratch::default() }),
        ] {
            let error = bad.llama(300).unwrap_err();
            assert!(error.to_string().starts_with(key) && error.exit_code() == 2, "{error}");
        }
    }
}
