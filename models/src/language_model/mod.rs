//! A language model for its users: a Llama with its tokenizer and its chat template.

mod backend;
mod inference_model;
mod text_codec;

use std::path::Path;

use burn::tensor::Device;
use tiller_kernels::quant::QuantScheme;

pub use backend::{Backend, StorageOptions};
pub use inference_model::InferenceModel;
pub use text_codec::TextCodec;

use crate::Result;
use crate::generate::GenerateRequest;
use crate::llama::{Llama, ModelFiles};
use crate::lora::Adapter;

/// A Llama as a graph, for training and scoring, with its tokenizer. [`InferenceModel`] is for generation alone.
#[derive(Debug)]
pub struct LanguageModel {
    /// The model, with the adapter that it was loaded with.
    pub llama: Llama,
    /// The tokenizer and the chat template.
    pub codec: TextCodec,
}

impl LanguageModel {
    /// Loads the Hugging Face folder or .gguf file at `path`, and the PEFT folder `adapter` for it, onto `device`.
    ///
    /// # Errors
    /// Files that are missing, damaged or not a Llama's; a tokenizer with more ids than the model has embeddings.
    pub fn load(path: &Path, adapter: Option<&Path>, device: &Device) -> Result<Self> {
        Self::load_quantized(path, adapter, None, device)
    }

    /// [`LanguageModel::load`], with the weights of all projections quantized if a scheme is given.
    ///
    /// # Errors
    /// As [`LanguageModel::load`], and projections that the scheme does not fit.
    pub fn load_quantized(
        path: &Path,
        adapter: Option<&Path>,
        quant: Option<QuantScheme>,
        device: &Device,
    ) -> Result<Self> {
        Self::from_files(&ModelFiles::open(path)?, adapter, quant, device)
    }

    fn from_files(
        files: &ModelFiles,
        adapter: Option<&Path>,
        quant: Option<QuantScheme>,
        device: &Device,
    ) -> Result<Self> {
        let codec = TextCodec::from_files(files)?;
        let llama = Llama::from_files(files, quant, device)?;
        let llama = match adapter {
            Some(folder) => llama.with_adapter(&Adapter::read(folder, &files.config.projections(), device)?)?,
            None => llama,
        };
        Ok(Self { llama, codec })
    }

    /// Runs a request until the model ends each answer: its stop ids are those of the tokenizer. For repeated generation, keep a
    /// [`Backend`] or an [`InferenceModel`].
    ///
    /// # Errors
    /// As [`Generator::generate`](crate::generate::Generator::generate).
    pub fn generate<'a>(&'a self, request: GenerateRequest<'a>) -> Result<Vec<Vec<u32>>> {
        Backend::new(&self.llama)?.generator().generate(request.stop_at(self.codec.tokenizer.eos_ids()))
    }
}

#[cfg(test)]
mod tests;
