//! A language model that writes and learns no more.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::path::Path;

use burn::tensor::Device;
use tiller_kernels::decode::KvFormat;
use tiller_kernels::device::gpu_of;
use tiller_kernels::quant::Scheme;

use super::{LanguageModel, Words};
use crate::Result;
use crate::engine::{Engine, EngineOptions};
use crate::llama::stored::Stored;
use crate::llama::{self, GenerateOptions, Guide, Llama};
use crate::lora::Adapter;

/// How a [`Speaker`] keeps what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keeping {
    /// How weights are packed; nothing keeps them in the bits that their file has, or on a CPU in floats.
    pub scheme: Option<Scheme>,
    /// How keys and values are kept; in floats on a CPU.
    pub kv: KvFormat,
}

impl Default for Keeping {
    fn default() -> Self {
        Self { scheme: None, kv: KvFormat::F32 }
    }
}

/// A language model for writing alone: on a GPU the decode engine, with weights in the bits of their file and no other copy of them;
/// elsewhere the graph.
pub struct Speaker {
    words: Words,
    voice: Voice,
}

/// What writes.
enum Voice {
    Engine(Box<RefCell<Engine>>),
    Graph(Box<Llama>),
}

impl Speaker {
    /// Loads the Hugging Face folder or .gguf file at `path`, and the PEFT folder `adapter` for it, onto `device`.
    ///
    /// # Errors
    /// As [`LanguageModel::load`], weights that the scheme does not fit, buffers beyond what the device binds.
    pub fn load(path: &Path, adapter: Option<&Path>, keeping: Keeping, device: &Device) -> Result<Self> {
        let stored = Stored::open(path)?;
        let gpu = gpu_of(device).filter(|_| Engine::takes(&stored.config));
        let Some(gpu) = gpu else {
            let LanguageModel { llama, words } = LanguageModel::of_stored(&stored, adapter, keeping.scheme, device)?;
            return Ok(Self { words, voice: Voice::Graph(Box::new(llama)) });
        };
        let words = Words::of(&stored)?;
        let adapter = adapter.map(|folder| Adapter::read(folder, &stored.config.projections(), &Device::flex()));
        let Keeping { scheme, kv } = keeping;
        let options = EngineOptions { kv, scheme, ..EngineOptions::without_room() };
        let engine = Engine::of_stored(&stored, adapter.transpose()?.as_ref(), &gpu, options)?;
        Ok(Self { words, voice: Voice::Engine(Box::new(RefCell::new(engine))) })
    }

    /// How it reads and writes text.
    pub fn words(&self) -> &Words {
        &self.words
    }

    /// The longest sequence that the model reads, in tokens.
    pub fn max_positions(&self) -> usize {
        match &self.voice {
            Voice::Engine(engine) => engine.borrow().config().max_positions,
            Voice::Graph(llama) => llama.config().max_positions,
        }
    }

    /// Continues every prompt along its guide until the model ends its answer or the guide does. The tokens are the same on every device,
    /// as far as the weights are.
    ///
    /// # Errors
    /// As [`llama::generate_guided`]; on a GPU also sequences beyond its buffers.
    pub fn generate_guided<G: Guide>(
        &self,
        prompts: &[Vec<u32>],
        guides: &mut [G],
        options: &GenerateOptions,
        on_token: &mut dyn FnMut(usize, u32) -> ControlFlow<()>,
    ) -> Result<Vec<Vec<u32>>> {
        let stop = self.words.tokenizer.eos_ids();
        match &self.voice {
            Voice::Engine(engine) => engine.borrow_mut().write(prompts, guides, stop, options, on_token),
            Voice::Graph(llama) => llama::generate_guided(llama, prompts, guides, stop, options, on_token),
        }
    }
}
