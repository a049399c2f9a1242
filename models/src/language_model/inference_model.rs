//! A language model that writes and learns no more.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::path::Path;

use burn::tensor::Device;
use tiller_kernels::decode::KvFormat;
use tiller_kernels::device::gpu_of;
use tiller_kernels::quant::QuantScheme;

use super::{LanguageModel, TextCodec};
use crate::Result;
use crate::engine::{Engine, EngineOptions};
use crate::llama::model_files::ModelFiles;
use crate::llama::{self, GenerateOptions, Llama, TokenConstraint};
use crate::lora::Adapter;

/// How an [`InferenceModel`] keeps what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorageOptions {
    /// How weights are packed; nothing keeps them in the bits that their file has, or on a CPU in floats.
    pub scheme: Option<QuantScheme>,
    /// How keys and values are kept; in floats on a CPU.
    pub kv: KvFormat,
}

impl Default for StorageOptions {
    fn default() -> Self {
        Self { scheme: None, kv: KvFormat::F32 }
    }
}

/// A language model for writing alone: on a GPU the decode engine, with weights in the bits of their file and no other copy of them;
/// elsewhere the graph.
pub struct InferenceModel {
    codec: TextCodec,
    backend: Backend,
}

/// The implementation that generates: the decode engine on a GPU, the graph elsewhere.
enum Backend {
    Engine(Box<RefCell<Engine>>),
    Graph(Box<Llama>),
}

impl InferenceModel {
    /// Loads the Hugging Face folder or .gguf file at `path`, and the PEFT folder `adapter` for it, onto `device`.
    ///
    /// # Errors
    /// As [`LanguageModel::load`], weights that the scheme does not fit, buffers beyond what the device binds.
    pub fn load(path: &Path, adapter: Option<&Path>, storage: StorageOptions, device: &Device) -> Result<Self> {
        let files = ModelFiles::open(path)?;
        let gpu = gpu_of(device).filter(|_| Engine::supports(&files.config));
        let Some(gpu) = gpu else {
            let LanguageModel { llama, codec } = LanguageModel::from_files(&files, adapter, storage.scheme, device)?;
            return Ok(Self { codec, backend: Backend::Graph(Box::new(llama)) });
        };
        let codec = TextCodec::of(&files)?;
        let adapter = adapter.map(|folder| Adapter::read(folder, &files.config.projections(), &Device::flex()));
        let StorageOptions { scheme, kv } = storage;
        let options = EngineOptions { kv, scheme, ..EngineOptions::without_room() };
        let engine = Engine::from_files(&files, adapter.transpose()?.as_ref(), &gpu, options)?;
        Ok(Self { codec, backend: Backend::Engine(Box::new(RefCell::new(engine))) })
    }

    /// How it reads and writes text.
    pub fn codec(&self) -> &TextCodec {
        &self.codec
    }

    /// The longest sequence that the model reads, in tokens.
    pub fn max_positions(&self) -> usize {
        match &self.backend {
            Backend::Engine(engine) => engine.borrow().config().max_positions,
            Backend::Graph(llama) => llama.config().max_positions,
        }
    }

    /// Continues every prompt along its constraint until the model ends its answer or the constraint does. The tokens are the same on every device,
    /// as far as the weights are.
    ///
    /// # Errors
    /// As [`llama::generate_constrained`]; on a GPU also sequences beyond its buffers.
    pub fn generate_constrained<G: TokenConstraint>(
        &self,
        prompts: &[Vec<u32>],
        constraints: &mut [G],
        options: &GenerateOptions,
        on_token: &mut dyn FnMut(usize, u32) -> ControlFlow<()>,
    ) -> Result<Vec<Vec<u32>>> {
        let stop = self.codec.tokenizer.eos_ids();
        match &self.backend {
            Backend::Engine(engine) => engine.borrow_mut().write(prompts, constraints, stop, options, on_token),
            Backend::Graph(llama) => llama::generate_constrained(llama, prompts, constraints, stop, options, on_token),
        }
    }
}
