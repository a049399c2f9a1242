//! A language model for its users: a Llama with its tokenizer and its chat template.

mod backend;
mod inference_model;
mod item_tokens;
mod text_codec;

use std::path::Path;

use burn::tensor::Device;
use tiller_kernels::quant::QuantScheme;

pub use backend::{Backend, StorageOptions};
pub use inference_model::InferenceModel;
pub use text_codec::TextCodec;

use crate::Result;
use crate::generate::GenerateRequest;
use crate::item_tokens::ItemTokens;
use crate::llama::{Llama, LlamaConfig, ModelFiles};
use crate::lora::Adapter;

/// A Llama as a graph, for training and scoring, with its tokenizer. [`InferenceModel`] is for generation alone.
#[derive(Debug)]
pub struct LanguageModel {
    /// The model, with the adapter that it was loaded with.
    pub llama: Llama,
    /// The tokenizer and the chat template.
    pub codec: TextCodec,
    /// The item tokens, with the rows that they were loaded with.
    items: Option<ItemTokens>,
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
        let (files, adapter) = open(path, adapter, |_| device.clone())?;
        Self::from_files(&files, adapter, quant, device)
    }

    fn from_files(
        files: &ModelFiles,
        adapter: Option<Adapter>,
        quant: Option<QuantScheme>,
        device: &Device,
    ) -> Result<Self> {
        let codec = TextCodec::from_files(files)?;
        let llama = Llama::from_files(files, quant, device)?;
        Ok(match adapter {
            Some(adapter) => Self { llama: llama.with_adapter(&adapter)?, codec, items: adapter.items },
            None => Self { llama, codec, items: None },
        })
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

/// Opens the model at `path` with the item tokens of the PEFT folder `adapter`, which is read onto the device for a model of these sizes.
fn open(
    path: &Path,
    adapter: Option<&Path>,
    device: impl FnOnce(&LlamaConfig) -> Device,
) -> Result<(ModelFiles, Option<Adapter>)> {
    let files = ModelFiles::open(path)?;
    let Some(folder) = adapter else { return Ok((files, None)) };
    let adapter = Adapter::read(folder, &files.config.projections(), &device(&files.config))?;
    let files = match &adapter.items {
        Some(items) => files.with_items(items.rows.clone(), folder)?,
        None => files,
    };
    Ok((files, Some(adapter)))
}

#[cfg(test)]
mod tests;
