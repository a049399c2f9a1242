//! The choice of the generator.

use burn::tensor::Device;
use tiller_kernels::decode::KvFormat;
use tiller_kernels::device::gpu_of;
use tiller_kernels::quant::QuantScheme;

use crate::download::download;
use crate::engine::{Engine, EngineOptions, max_batch};
use crate::generate::continuations::check_continuations;
use crate::generate::{Generator, GraphGenerator};
use crate::llama::{Llama, LlamaConfig, ModelFiles};
use crate::lora::Adapter;
use crate::memory::ComputeDevice;
use crate::train::{ForwardOptions, Sample};
use crate::{Error, Result};

/// The formats of weights and cache in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorageOptions {
    /// The quantization of the weights; `None` for the format of their file.
    pub quant: Option<QuantScheme>,
    /// The format of the KV cache.
    pub kv_dtype: KvFormat,
    /// Multiplies quantized weights with floats on a CPU too, where activations are rounded to 16 bits otherwise.
    pub exact: bool,
}

impl Default for StorageOptions {
    fn default() -> Self {
        Self { quant: None, kv_dtype: KvFormat::F32, exact: false }
    }
}

/// The generator of a model: the decode engine, or the graph for models in training on a CPU and for heads that the engine does not
/// support. This is the only place that chooses.
pub enum Backend {
    /// The decode engine.
    Engine(Box<Engine>),
    /// burn's graph.
    Graph(Box<GraphGenerator>),
}

impl Backend {
    /// A generator with the weights and the adapter that `llama` has now, on its device.
    ///
    /// # Errors
    /// Weights that do not fit into the buffers of the device.
    pub fn new(llama: &Llama) -> Result<Self> {
        let device = llama.device();
        if gpu_of(&device).is_some() && Engine::supports(llama.config(), &device) {
            return Ok(Self::Engine(Box::new(Engine::from_llama(llama, EngineOptions::growing())?)));
        }
        Ok(Self::Graph(Box::new(GraphGenerator::new(llama))))
    }

    /// The device from which a generator on `device` takes an adapter: the engine copies it from the host.
    pub(super) fn adapter_device(config: &LlamaConfig, device: &Device) -> Device {
        if Engine::supports(config, device) { Device::flex() } else { device.clone() }
    }

    /// A generator with the weights of a model on disk, and an adapter for it. The engine holds the weights in the bits of
    /// their file and no other copy of them.
    pub(super) fn from_files(
        files: &ModelFiles,
        adapter: Option<&Adapter>,
        StorageOptions { quant, kv_dtype, exact }: StorageOptions,
        device: &Device,
    ) -> Result<Self> {
        if Engine::supports(&files.config, device) {
            let integer_products = gpu_of(device).is_none() && !exact;
            let options = EngineOptions { kv_dtype, quant, integer_products, ..EngineOptions::growing() };
            return Ok(Self::Engine(Box::new(Engine::from_files(files, adapter, device, options)?)));
        }
        let llama = Llama::from_files(files, quant, device)?;
        let llama = adapter.map_or(Ok(llama.clone()), |adapter| llama.with_adapter(adapter))?;
        Ok(Self::Graph(Box::new(GraphGenerator::new(&llama))))
    }

    /// The memory of a GPU's generator, for as long as it lives, for a batch of `sequences` sequences of at most `max_tokens` by a model of
    /// these sizes: bytes of its weights, and of everything else. `None` where the graph generates.
    ///
    /// # Errors
    /// Heads that the engine does not support.
    pub fn estimate_memory(
        llama: &LlamaConfig,
        quant: Option<QuantScheme>,
        sequences: usize,
        max_tokens: usize,
    ) -> Result<Option<(usize, usize)>> {
        let options = EngineOptions { max_batch: max_batch(sequences), max_tokens, quant, ..EngineOptions::default() };
        let estimate = Engine::estimate_memory(llama, &options, ComputeDevice::Gpu).ok();
        Ok(estimate.map(|(weights, footprint)| (weights, footprint.bytes())))
    }

    /// Splits batches into parts that run in parallel, where the graph generates; a GPU is parallel within.
    pub fn with_shards(self, shards: usize) -> Self {
        match self {
            Self::Graph(graph) => Self::Graph(Box::new(graph.with_shards(shards))),
            engine => engine,
        }
    }

    /// The generator.
    pub fn generator(&mut self) -> &mut dyn Generator {
        match self {
            Self::Engine(engine) => engine.as_mut(),
            Self::Graph(graph) => graph.as_mut(),
        }
    }

    /// The log-probability of every token of a text but the first, given those before it, in nats.
    ///
    /// # Errors
    /// Ids beyond the vocabulary, a text longer than the engine has reserved memory for, a device that fails.
    pub fn log_probs(&mut self, tokens: &[u32]) -> Result<Vec<f64>> {
        let vocabulary = self.config().vocab_size;
        if let Some(beyond) = tokens.iter().find(|token| **token as usize >= vocabulary) {
            return Err(Error::bad_input("the text")
                .expected(format!("ids below {vocabulary}, the rows of the model's embedding"))
                .found(format!("the id {beyond}"))
                .next("use the tokenizer that belongs to this model")
                .into());
        }
        let llama = match self {
            Self::Engine(engine) => return engine.log_probs(tokens),
            Self::Graph(graph) => graph.llama(),
        };
        let samples = [Sample { tokens: tokens.to_vec(), scored: 1..tokens.len() }];
        let log_probs = llama.score(&samples, &ForwardOptions::default()).log_probs;
        Ok(download(log_probs, "the log-probabilities")?.into_iter().map(f64::from).collect())
    }

    /// The log-probability of every continuation of every prompt, given the prompt, in nats. `continuations` has a list for each prompt; those
    /// that begin alike share their beginnings.
    ///
    /// # Errors
    /// An empty prompt, a token outside the vocabulary, a sequence too long for the model's context window, a device that fails.
    ///
    /// # Panics
    /// Another number of lists than of prompts.
    pub fn score_continuations(
        &mut self,
        prompts: &[Vec<u32>],
        continuations: &[Vec<Vec<u32>>],
    ) -> Result<Vec<Vec<f64>>> {
        let longest = check_continuations(self.config(), prompts, continuations)?;
        match self {
            Self::Engine(engine) => engine.score_continuations(prompts, continuations, longest),
            Self::Graph(graph) => graph.score_continuations(prompts, continuations),
        }
    }

    /// The sizes of the model.
    pub fn config(&self) -> &LlamaConfig {
        match self {
            Self::Engine(engine) => engine.config(),
            Self::Graph(graph) => graph.config(),
        }
    }
}
