//! A language model made from nothing: a tokenizer of the catalogue's own words, and a small Llama that knows nothing yet.
//!
//! It is an ordinary model in an ordinary Hugging Face folder, and needs no download: for trying everything on a machine without a
//! GPU, and for tests.

use std::path::Path;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use tiller_models::llama::{Llama, LlamaConfig, RopeScaling};
use tiller_models::optim::AdamWConfig;
use tiller_models::tokenizer::{Tokenizer, TokenizerFiles};

use super::schedule::Schedule;
use super::sft::SftConfig;
use super::validation::ValidationConfig;
use crate::instruct::{Instructor, Part};
use crate::run::config::out_of_range;
use crate::teacher::Scorer;
use crate::{Error, Result};

/// The sizes of a model from nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scratch {
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

impl Default for Scratch {
    fn default() -> Self {
        Size::Small.scratch()
    }
}

/// Sizes by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Size {
    /// Usable lists of a few hundred items after two minutes on two cores
    Tiny,
    /// Nearly its teacher's lists after some minutes on two cores
    Small,
}

impl Size {
    /// The sizes.
    pub fn scratch(self) -> Scratch {
        // Titles and turns of phrase end the vocabulary long before its limit, but for catalogues of thousands.
        let small = Scratch { vocab_size: 4096, d_model: 128, n_layers: 2, n_heads: 2, d_ff: 256, max_positions: 1024 };
        match self {
            Size::Tiny => Scratch { d_model: 96, d_ff: 192, ..small },
            Size::Small => small,
        }
    }

    /// The settings with which a model of this size learns from nothing.
    pub fn config(self) -> SftConfig {
        let (epochs, users) = match self {
            Size::Tiny => (6, 16),
            Size::Small => (25, 32),
        };
        SftConfig {
            full: true,
            epochs,
            batch: 16,
            accumulate: 2,
            max_tokens: 512,
            // A title in a history weighs about as much as one in an answer.
            history_weight: 0.3,
            schedule: Schedule { lr: 3e-3, warm_up: 0.02, power: 1.0, ..Schedule::default() },
            // Gradients of a rare title are small beside the method's 1e-5, which is meant for adapters.
            optimiser: AdamWConfig { epsilon: 1e-8, ..AdamWConfig::default() },
            validation: ValidationConfig { users, trained_wordings: true, ..ValidationConfig::default() },
            scratch: Some(self.scratch()),
            ..SftConfig::default()
        }
    }
}

/// Examples from which the tokenizer learns its words.
const EXAMPLES: usize = 4096;

impl Scratch {
    /// Writes a model of these sizes to `folder`, with a tokenizer of the words of the instructor's examples and random weights.
    ///
    /// # Errors
    /// Sizes that do not go together, a data set without examples, a full disk.
    pub fn write(&self, folder: &Path, instructor: &Instructor<impl Scorer>, seed: u64, device: &Device) -> Result<()> {
        self.llama(self.vocab_size)?;
        let epoch = instructor.epoch(Part::Training, 0)?;
        let examples = epoch.examples(0..epoch.len().min(EXAMPLES))?;
        let texts = examples.into_iter().flat_map(|(_, example)| {
            example.messages.into_iter().map(|message| message.content).chain([example.answer])
        });
        std::fs::create_dir_all(folder).map_err(Error::io(folder, "create"))?;
        TokenizerFiles::train(texts, self.vocab_size)?.write(folder)?;
        let vocab_size = Tokenizer::from_path(folder)?.vocabulary_size();
        Llama::fresh(&self.llama(vocab_size)?, seed, device)?.write(folder)
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
                return Err(out_of_range(&format!("scratch.{key}"), "at least 1", 0));
            }
        }
        if !d_model.is_multiple_of(2 * n_heads) {
            let expected = format!("a multiple of {}, for {n_heads} heads of even width", 2 * n_heads);
            return Err(out_of_range("scratch.d_model", &expected, d_model));
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
        assert!(Size::Tiny.scratch().llama(300).is_ok() && Size::Small.scratch().llama(300).is_ok());
        for (key, bad) in [
            ("scratch.n_layers", Scratch { n_layers: 0, ..Scratch::default() }),
            ("scratch.d_model", Scratch { d_model: 100, n_heads: 8, ..Scratch::default() }),
        ] {
            let error = bad.llama(300).unwrap_err();
            assert!(error.to_string().starts_with(key) && error.exit_code() == 2, "{error}");
        }
    }
}
