//! A language model for generation.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use burn::tensor::Device;

use super::{Backend, StorageOptions, TextCodec};
use crate::Result;
use crate::generate::{ContinuousBatch, GenerateRequest};
use crate::llama::Llama;

/// A language model for generation alone.
pub struct InferenceModel {
    codec: Arc<TextCodec>,
    backend: RefCell<Backend>,
    max_positions: usize,
}

impl InferenceModel {
    /// Loads the Hugging Face folder or .gguf file at `path`, and the PEFT folder `adapter` for it, onto `device`.
    ///
    /// # Errors
    /// As [`LanguageModel::load`](super::LanguageModel::load); weights that the quantization does not fit, buffers beyond what the device
    /// binds.
    pub fn load(path: &Path, adapter: Option<&Path>, storage: StorageOptions, device: &Device) -> Result<Self> {
        let (files, adapter) = super::open(path, adapter, |config| Backend::adapter_device(config, device))?;
        let codec = Arc::new(TextCodec::from_files(&files)?);
        let backend = RefCell::new(Backend::from_files(&files, adapter.as_ref(), storage, device)?);
        Ok(Self { codec, backend, max_positions: files.config.max_positions })
    }

    /// The tokenizer and the chat template, which other threads may share.
    pub fn codec(&self) -> &Arc<TextCodec> {
        &self.codec
    }

    /// The context window of the model, in tokens.
    pub fn max_positions(&self) -> usize {
        self.max_positions
    }

    /// Loads the adapter of `llama`, in place of the one before; none where it has none. `llama` is this model.
    ///
    /// # Errors
    /// A device that fails, low-rank matrices that are not finite.
    pub fn load_adapter(&self, llama: &Llama) -> Result<()> {
        self.backend.borrow_mut().generator().load_adapter(llama)
    }

    /// Runs a request until the model ends each answer: its stop ids are those of the tokenizer. The tokens are the same on every device,
    /// as far as the weights are.
    ///
    /// # Errors
    /// As [`Generator::generate`](crate::generate::Generator::generate).
    pub fn generate<'a>(&'a self, request: GenerateRequest<'a>) -> Result<Vec<Vec<u32>>> {
        self.backend.borrow_mut().generator().generate(request.stop_at(self.codec.tokenizer.eos_ids()))
    }

    /// Runs a continuous batch until none of its sequences waits or runs; the stop ids are those of the tokenizer.
    ///
    /// # Errors
    /// As [`Generator::run_continuous`](crate::generate::Generator::run_continuous).
    pub fn run_continuous<'a>(&'a self, batch: ContinuousBatch<'_, 'a>) -> Result<()> {
        self.backend.borrow_mut().generator().run_continuous(batch.stop_at(self.codec.tokenizer.eos_ids()))
    }

    /// The log-probability of every continuation of every prompt, given the prompt, in nats.
    ///
    /// # Errors
    /// As [`Backend::score_continuations`].
    pub fn score_continuations(&self, prompts: &[Vec<u32>], continuations: &[Vec<Vec<u32>>]) -> Result<Vec<Vec<f64>>> {
        self.backend.borrow_mut().score_continuations(prompts, continuations)
    }
}
