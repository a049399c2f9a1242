//! A language model as its users see it: a Llama with the tokenizer and the chat template that belong to it.

use std::ops::ControlFlow;
use std::path::Path;

use burn::tensor::Device;
use tiller_kernels::quant::QuantScheme;

use crate::Result;
use crate::llama::model_files::ModelFiles;
use crate::llama::{GenerateOptions, Llama, TokenConstraint, Unconstrained};
use crate::lora::Adapter;

mod engine_cache;
mod inference_model;
mod text_codec;

pub use engine_cache::EngineCache;
pub use inference_model::{InferenceModel, StorageOptions};
pub use text_codec::TextCodec;

/// A Llama as a graph, which learns and is scored, and its words. [`InferenceModel`] is for writing alone.
#[derive(Debug)]
pub struct LanguageModel {
    /// The model, with the adapter that it was loaded with.
    pub llama: Llama,
    /// How it reads and writes text.
    pub codec: TextCodec,
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
    pub fn load_as(path: &Path, adapter: Option<&Path>, scheme: Option<QuantScheme>, device: &Device) -> Result<Self> {
        Self::from_files(&ModelFiles::open(path)?, adapter, scheme, device)
    }

    fn from_files(
        files: &ModelFiles,
        adapter: Option<&Path>,
        scheme: Option<QuantScheme>,
        device: &Device,
    ) -> Result<Self> {
        let codec = TextCodec::of(files)?;
        let llama = Llama::from_files(files, scheme, device)?;
        let llama = match adapter {
            Some(folder) => llama.with_adapter(&Adapter::read(folder, &files.config.projections(), device)?)?,
            None => llama,
        };
        Ok(Self { llama, codec })
    }

    /// Continues every prompt until the model ends its answer; see [`llama::generate`](crate::llama::generate()).
    ///
    /// # Errors
    /// As [`EngineCache::generate_constrained`].
    pub fn generate(
        &self,
        prompts: &[Vec<u32>],
        options: &GenerateOptions,
        on_token: &mut dyn FnMut(usize, u32) -> ControlFlow<()>,
    ) -> Result<Vec<Vec<u32>>> {
        self.generate_constrained(prompts, &mut vec![Unconstrained::default(); prompts.len()], options, on_token)
    }

    /// [`LanguageModel::generate`] along a constraint for each prompt, by an [`EngineCache`] for this once: who writes again and again keeps one.
    ///
    /// # Errors
    /// As [`EngineCache::generate_constrained`].
    pub fn generate_constrained<G: TokenConstraint>(
        &self,
        prompts: &[Vec<u32>],
        constraints: &mut [G],
        options: &GenerateOptions,
        on_token: &mut dyn FnMut(usize, u32) -> ControlFlow<()>,
    ) -> Result<Vec<Vec<u32>>> {
        let stop = self.codec.tokenizer.eos_ids();
        EngineCache::default().generate_constrained(&self.llama, prompts, constraints, stop, options, on_token)
    }
}

#[cfg(test)]
mod tests;
