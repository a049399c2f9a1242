//! The decode engine: a Llama on quantized weights, with the results of burn's graph, which is for training.
//!
//! One engine decodes on every device. What differs is the [`executor`] of its steps:
//!
//! - `gpu`: launches of plain wgpu over buffers that are planned before they are allocated.
//! - `cpu`: products of packed weights on all cores.
//!
//! Common to both are:
//!
//! - `source`, `file`, `weights`, `adapters`: the weights and the LoRA adapters, in the row order of the steps.
//! - `paged_kv_cache`, `free_queue`: the paged KV cache, its block tables and its prefix cache.
//! - `generator`, `scheduler`, `sequence`, `choices`: continuous batching, chunked prefill and speculative decoding.
//! - `score`: log-probabilities of a given text.
//! - `continuations`: log-probabilities of many texts behind one prompt.
//! - `self_check`: the engine against the graph, on any machine.

mod adapters;
mod choices;
mod continuations;
mod cpu;
mod executor;
mod file;
mod free_queue;
mod generator;
mod gpu;
mod options;
mod paged_kv_cache;
mod scheduler;
mod score;
mod self_check;
mod sequence;
mod source;
mod weights;

use std::path::Path;

use burn::module::Module;
use burn::tensor::Device;
use tiller_kernels::device::{Gpu, gpu_of};
use tiller_kernels::quant::QuantScheme;

pub use executor::Footprint;
pub(crate) use generator::max_batch;
pub use options::EngineOptions;
pub use self_check::self_check;
pub use source::{RandomWeights, WeightSource};
pub use tiller_kernels::decode::RunnerStats;

use self::adapters::Loras;
use self::cpu::CpuExecutor;
use self::executor::Executor;
use self::file::FileWeights;
use self::gpu::GpuExecutor;
use self::paged_kv_cache::PagedKvCache;
use self::source::GraphWeights;
use crate::Result;
use crate::llama::{Llama, LlamaConfig, ModelFiles};
use crate::lora::Adapter;
use crate::memory::ComputeDevice;

/// A Llama that decodes.
pub struct Engine {
    config: LlamaConfig,
    options: EngineOptions,
    cache: PagedKvCache,
    executor: Box<dyn Executor>,
}

impl Engine {
    /// An engine with the weights of `source`, on `device`.
    ///
    /// # Errors
    /// Weights that are missing or do not fit their scheme, heads that the device does not take, buffers beyond the largest binding of a
    /// GPU.
    pub fn new(source: &mut dyn WeightSource, device: &Device, options: EngineOptions) -> Result<Self> {
        match gpu_of(device) {
            Some(gpu) => Self::on_gpu(source, &gpu, options),
            None => Self::on_cpu(source, options),
        }
    }

    fn on_gpu(source: &mut dyn WeightSource, gpu: &Gpu, options: EngineOptions) -> Result<Self> {
        let config = source.config().clone();
        Ok(Self::over(Box::new(GpuExecutor::new(source, gpu, options)?), config, options))
    }

    fn on_cpu(source: &mut dyn WeightSource, options: EngineOptions) -> Result<Self> {
        let config = source.config().clone();
        // A step is computed when it is submitted: to run ahead would be to compute tokens that nobody may need.
        let options = EngineOptions { steps_in_flight: 1, ..options };
        Ok(Self::over(Box::new(CpuExecutor::new(source, options)?), config, options))
    }

    fn over(executor: Box<dyn Executor>, config: LlamaConfig, options: EngineOptions) -> Self {
        Self { cache: PagedKvCache::new(executor.limits().pages), config, options, executor }
    }

    /// Returns true if the engine supports models of these sizes on `device`: the width of a head is a multiple of 4, at most 256, on a
    /// GPU, and even on a CPU.
    pub fn supports(config: &LlamaConfig, device: &Device) -> bool {
        match gpu_of(device) {
            Some(_) => gpu::heads(config).is_ok(),
            None => cpu::heads(config).is_ok(),
        }
    }

    /// The memory of an engine for a model of these sizes: bytes of its weights, and of everything else.
    ///
    /// # Errors
    /// Heads that the engine does not support.
    pub fn estimate_memory(
        config: &LlamaConfig,
        options: &EngineOptions,
        device: ComputeDevice,
    ) -> Result<(usize, Footprint)> {
        let footprint = match device {
            ComputeDevice::Gpu => gpu::footprint(config, options)?,
            ComputeDevice::Cpu { .. } => cpu::footprint(config, options)?,
        };
        Ok((weights::bytes_in(config, options.quant.unwrap_or(QuantScheme::F32)), footprint))
    }

    /// An engine with the weights that `llama` has now, adapter included, on its device.
    ///
    /// # Errors
    /// As [`Engine::new`].
    pub fn from_llama(llama: &Llama, options: EngineOptions) -> Result<Self> {
        // What is being trained is read as it is now.
        let llama = llama.valid().with_plain_tables();
        let mut engine = Self::new(&mut GraphWeights::new(&llama), &llama.device(), options)?;
        engine.load_adapters(&[&llama])?;
        Ok(engine)
    }

    /// An engine with the weights of the Hugging Face folder or .gguf file at `path`, on `device`.
    ///
    /// # Errors
    /// As [`Engine::new`]; files that are missing, damaged or not a Llama's.
    pub fn open(path: &Path, device: &Device, options: EngineOptions) -> Result<Self> {
        Self::from_files(&ModelFiles::open(path)?, None, device, options)
    }

    /// An engine with the weights of a model on disk, which the host never holds all at once, and an adapter for it.
    ///
    /// # Errors
    /// As [`Engine::new`]; files that are not a Llama's; an adapter of another model.
    pub(crate) fn from_files(
        files: &ModelFiles,
        adapter: Option<&Adapter>,
        device: &Device,
        options: EngineOptions,
    ) -> Result<Self> {
        let mut engine = Self::new(&mut FileWeights::new(files)?, device, options)?;
        if let Some(adapter) = adapter {
            adapter.check(&engine.config.projections())?;
            engine.set_adapters(&[adapter.loras.iter().map(|(name, lora)| (name.as_str(), lora)).collect()])?;
        }
        Ok(engine)
    }

    /// Loads the adapters of `llamas`, which are this model, as adapters 1, 2, … of
    /// [`GenerateRequest::adapters`](crate::generate::GenerateRequest), in place of those before.
    ///
    /// # Errors
    /// A device that does not return them, low-rank matrices that are not finite.
    pub fn load_adapters(&mut self, llamas: &[&Llama]) -> Result<()> {
        let llamas: Vec<Llama> = llamas.iter().map(|llama| llama.valid()).collect();
        self.set_adapters(&llamas.iter().map(adapters::loras_of).collect::<Vec<_>>())
    }

    /// Loads these adapters in place of those before.
    fn set_adapters(&mut self, adapters: &[Loras]) -> Result<()> {
        self.executor.set_adapters(adapters)?;
        self.cache.clear();
        Ok(())
    }

    /// The number of adapters.
    pub fn adapters(&self) -> usize {
        self.executor.adapters()
    }

    /// The adapter of a sequence unless the request names another.
    fn first_adapter(&self) -> usize {
        self.adapters().min(1)
    }

    /// Returns true if there is memory for a batch of `max_batch` sequences of at most `max_tokens` tokens.
    fn has_room(&self, max_batch: usize, max_tokens: usize) -> bool {
        max_batch <= self.options.max_batch && max_tokens <= self.options.max_tokens
    }

    /// Reserves memory for a batch of `max_batch` sequences and for sequences of `max_tokens` tokens, if there is less.
    ///
    /// # Errors
    /// As [`Engine::new`].
    pub fn reserve(&mut self, max_batch: usize, max_tokens: usize) -> Result<()> {
        if self.has_room(max_batch, max_tokens) {
            return Ok(());
        }
        let options = EngineOptions {
            max_batch: max_batch.max(self.options.max_batch),
            max_tokens: max_tokens.max(self.options.max_tokens),
            ..self.options
        };
        self.executor.reserve(&options)?;
        self.cache = PagedKvCache::new(self.executor.limits().pages);
        self.options = options;
        Ok(())
    }

    /// The sizes of the model.
    pub fn config(&self) -> &LlamaConfig {
        &self.config
    }

    /// The options of the engine.
    pub fn options(&self) -> &EngineOptions {
        &self.options
    }

    /// Bytes of the weights, as they are packed.
    pub fn weight_bytes(&self) -> usize {
        self.executor.weight_bytes()
    }

    /// Bytes of everything beside the weights.
    pub fn footprint(&self) -> Footprint {
        self.executor.footprint()
    }

    /// Bytes of the keys and values of one token, of all layers.
    pub fn kv_bytes_per_token(&self) -> usize {
        self.executor.kv_bytes_per_token()
    }

    /// Counters of launches, bytes and steps since the engine was made.
    pub fn work(&self) -> RunnerStats {
        self.executor.work()
    }
}

#[cfg(test)]
mod tests;
