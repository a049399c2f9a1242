//! A language model as its users see it: a Llama with the tokenizer and the chat template that belong to it.

use std::ops::ControlFlow;
use std::path::Path;

use burn::tensor::Device;
use tiller_kernels::quant::Scheme;

use crate::Result;
use crate::llama::stored::Stored;
use crate::llama::{GenerateOptions, Guide, Llama, Unguided};
use crate::lora::Adapter;

mod hand;
mod speaker;
mod words;

pub use hand::Hand;
pub use speaker::{Keeping, Speaker};
pub use words::Words;

/// A Llama as a graph, which learns and is scored, and its words. [`Speaker`] is for writing alone.
#[derive(Debug)]
pub struct LanguageModel {
    /// The model, with the adapter that it was loaded with.
    pub llama: Llama,
    /// How it reads and writes text.
    pub words: Words,
}

impl LanguageModel {
    /// Loads the Hugging Face folder or .gguf file at `path`, and the PEFT folder `adapter` for it, onto `device`.
    ///
    /// # Errors
    /// What the parts refuse; a tokenizer with more ids than the model has embeddings.
    pub fn load(path: &Path, adapter: Option<&Path>, device: &Device) -> Result<Self> {
        Self::load_as(path, adapter, None, device)
    }

    /// [`LanguageModel::load`], with the weights of all projections packed by `scheme` where one is given.
    ///
    /// # Errors
    /// As [`LanguageModel::load`], and projections that the scheme does not fit.
    pub fn load_as(path: &Path, adapter: Option<&Path>, scheme: Option<Scheme>, device: &Device) -> Result<Self> {
        Self::of_stored(&Stored::open(path)?, adapter, scheme, device)
    }

    fn of_stored(stored: &Stored, adapter: Option<&Path>, scheme: Option<Scheme>, device: &Device) -> Result<Self> {
        let words = Words::of(stored)?;
        let llama = Llama::of_stored(stored, scheme, device)?;
        let llama = match adapter {
            Some(folder) => llama.with_adapter(&Adapter::read(folder, &stored.config.projections(), device)?)?,
            None => llama,
        };
        Ok(Self { llama, words })
    }

    /// Continues every prompt until the model ends its answer; see [`llama::generate`](crate::llama::generate()).
    ///
    /// # Errors
    /// As [`Hand::generate_guided`].
    pub fn generate(
        &self,
        prompts: &[Vec<u32>],
        options: &GenerateOptions,
        on_token: &mut dyn FnMut(usize, u32) -> ControlFlow<()>,
    ) -> Result<Vec<Vec<u32>>> {
        self.generate_guided(prompts, &mut vec![Unguided::default(); prompts.len()], options, on_token)
    }

    /// [`LanguageModel::generate`] along a guide for each prompt, by a [`Hand`] for this once: who writes again and again keeps one.
    ///
    /// # Errors
    /// As [`Hand::generate_guided`].
    pub fn generate_guided<G: Guide>(
        &self,
        prompts: &[Vec<u32>],
        guides: &mut [G],
        options: &GenerateOptions,
        on_token: &mut dyn FnMut(usize, u32) -> ControlFlow<()>,
    ) -> Result<Vec<Vec<u32>>> {
        let stop = self.words.tokenizer.eos_ids();
        Hand::default().generate_guided(&self.llama, prompts, guides, stop, options, on_token)
    }
}

#[cfg(test)]
mod tests;
