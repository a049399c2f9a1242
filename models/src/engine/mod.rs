//! The decode engine: a Llama on plain wgpu, with the results of burn's graph.
//!
//! The graph is for training: it launches some twenty operations per block, allocates for each, and downloads whole rows of logits. The
//! engine keeps its buffers and launches (six per block: see [`tiller_kernels::decode`]), computes on quantized weights, and samples on
//! the GPU: a step returns eight words per sampled token.
//!
//! - `source`, `file`, `weights`, `adapters`: the weights and the LoRA adapters on the GPU.
//! - `buffers`: memory, planned before it is allocated.
//! - `launches`: the mathematics of the model as launches.
//! - `paged_kv_cache`, `free_queue`: the paged KV cache, its block tables and its prefix cache.
//! - `scheduler`, `sequence`: continuous batching, chunked prefill and speculative decoding.
//! - `score`: log-probabilities of a given text.
//! - `self_check`: the engine against the graph, on any machine.

mod adapters;
mod buffers;
mod file;
mod free_queue;
mod launches;
mod options;
mod paged_kv_cache;
mod scheduler;
mod score;
mod self_check;
mod sequence;
mod source;
mod weights;

use burn::module::Module;
use tiller_kernels::decode::{
    Heads, LogitsRequest, Pending, Runner, SamplingMode, SamplingParams, StepInputs, TokenSpan,
};
use tiller_kernels::device::{Gpu, gpu_of};
use tiller_kernels::pipelines::Pipelines;
use tiller_kernels::quant::QuantScheme;

pub use buffers::Footprint;
pub use options::EngineOptions;
pub(crate) use scheduler::max_batch;
pub use self_check::self_check;
pub use source::{RandomWeights, WeightSource};
pub use tiller_kernels::decode::RunnerStats;

use self::adapters::{Adapters, Loras};
use self::buffers::EngineBuffers;
use self::file::FileWeights;
use self::launches::{ModelParts, StepKind, StepLaunches};
use self::paged_kv_cache::PagedKvCache;
use self::source::GraphWeights;
use self::weights::EngineWeights;
use crate::generate::Sampling;
use crate::llama::{Llama, LlamaConfig, ModelFiles};
use crate::lora::Adapter;
use crate::{Error, Result};

/// A Llama that decodes on a GPU.
pub struct Engine {
    config: LlamaConfig,
    options: EngineOptions,
    heads: Heads,
    weights: EngineWeights,
    adapters: Option<Adapters>,
    buffers: EngineBuffers,
    cache: PagedKvCache,
    launches: StepLaunches,
    pipelines: Pipelines,
    runner: Runner,
}

impl Engine {
    /// An engine with the weights of `source`, on the device of `gpu`.
    ///
    /// # Errors
    /// Weights that are missing or do not fit their scheme, heads that attention does not take, buffers beyond the device's largest
    /// binding.
    pub fn new(source: &mut dyn WeightSource, gpu: &Gpu, options: EngineOptions) -> Result<Self> {
        let config = source.config().clone();
        let heads = weights::heads(&config)?;
        // Buffers first: an engine that does not fit is refused before gigabytes are read.
        let buffers = EngineBuffers::new(&config, &options, heads, &config.rope_table(options.max_tokens), gpu)?;
        let weights = EngineWeights::upload(source, options.quant, gpu)?;
        Ok(Self {
            cache: PagedKvCache::new(buffers.sizes.pages),
            launches: StepLaunches::default(),
            pipelines: Pipelines::new(gpu.clone()),
            runner: Runner::new(gpu.clone()),
            adapters: None,
            config,
            options,
            heads,
            weights,
            buffers,
        })
    }

    /// Returns true if the engine supports models of these sizes: the width of a head is a multiple of 4, at most 256.
    pub fn supports(config: &LlamaConfig) -> bool {
        weights::heads(config).is_ok()
    }

    /// The memory of an engine for a model of these sizes: bytes of its weights, and of everything else.
    ///
    /// # Errors
    /// Heads that the engine does not support.
    pub fn estimate_memory(config: &LlamaConfig, options: &EngineOptions) -> Result<(usize, Footprint)> {
        let footprint = buffers::footprint(config, options, weights::heads(config)?);
        Ok((weights::bytes_in(config, options.quant.unwrap_or(QuantScheme::F32)), footprint))
    }

    /// An engine with the weights that `llama` has now, adapter included, on its device.
    ///
    /// # Errors
    /// As [`Engine::new`]; a model on the CPU.
    pub fn from_llama(llama: &Llama, options: EngineOptions) -> Result<Self> {
        let gpu = gpu_of(&llama.device()).ok_or_else(|| {
            Error::bad_input("the decode engine")
                .expected("a model on a GPU")
                .found("one on the CPU")
                .next("open the device by its name; the CPU decodes through burn")
        })?;
        // What is being trained is read as it is now.
        let llama = llama.valid();
        let mut engine = Self::new(&mut GraphWeights::new(&llama), &gpu, options)?;
        engine.load_adapters(&[&llama])?;
        Ok(engine)
    }

    /// An engine with the weights of a model on disk, which the host never holds all at once, and an adapter for it.
    ///
    /// # Errors
    /// As [`Engine::new`]; files that are not a Llama's; an adapter of another model.
    pub(crate) fn from_files(
        files: &ModelFiles,
        adapter: Option<&Adapter>,
        gpu: &Gpu,
        options: EngineOptions,
    ) -> Result<Self> {
        let mut engine = Self::new(&mut FileWeights::new(files)?, gpu, options)?;
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

    /// Uploads these adapters in place of those before.
    fn set_adapters(&mut self, adapters: &[Loras]) -> Result<()> {
        self.adapters = Adapters::of(adapters, &self.config, self.buffers.sizes.tokens, self.pipelines.gpu())?;
        self.launches = StepLaunches::default();
        self.cache.clear();
        Ok(())
    }

    /// The number of adapters.
    pub fn adapters(&self) -> usize {
        self.adapters.as_ref().map_or(0, |adapters| adapters.count)
    }

    /// The adapter of a sequence unless the request names another.
    fn first_adapter(&self) -> usize {
        self.adapters().min(1)
    }

    /// Reserves memory for a batch of `max_batch` sequences and for sequences of `max_tokens` tokens, if there is less.
    ///
    /// # Errors
    /// As [`Engine::new`].
    pub fn reserve(&mut self, max_batch: usize, max_tokens: usize) -> Result<()> {
        if max_batch <= self.options.max_batch && max_tokens <= self.options.max_tokens {
            return Ok(());
        }
        let options = EngineOptions {
            max_batch: max_batch.max(self.options.max_batch),
            max_tokens: max_tokens.max(self.options.max_tokens),
            ..self.options
        };
        let gpu = self.pipelines.gpu().clone();
        let rope_table = self.config.rope_table(options.max_tokens);
        self.buffers = EngineBuffers::new(&self.config, &options, self.heads, &rope_table, &gpu)?;
        self.cache = PagedKvCache::new(self.buffers.sizes.pages);
        if let Some(adapters) = &mut self.adapters {
            adapters.reserve(self.buffers.sizes.tokens, &gpu);
        }
        self.launches = StepLaunches::default();
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
        self.weights.bytes()
    }

    /// Bytes of everything beside the weights.
    pub fn footprint(&self) -> Footprint {
        buffers::footprint(&self.config, &self.options, self.heads)
    }

    /// Bytes of the keys and values of one token, of all layers.
    pub fn kv_bytes_per_token(&self) -> usize {
        self.options.kv_dtype.position_bytes(self.heads) * self.config.n_layers
    }

    /// Counters of launches, bytes and steps since the engine was made.
    pub fn work(&self) -> RunnerStats {
        self.runner.work
    }

    /// Submits one step: reads the tokens of `spans`, and samples the tokens of `requests`, those over the whole vocabulary first. Requests
    /// that do not fit at once are submitted in several rounds; the last one returns the tokens of all, in their slots.
    fn step(&mut self, spans: &[TokenSpan], requests: &[LogitsRequest], sampling: Sampling) -> Option<Pending> {
        let (sampling_mode, params) = on_gpu(sampling);
        let parts = ModelParts {
            config: &self.config,
            heads: self.heads,
            kv_dtype: self.options.kv_dtype,
            weights: &self.weights,
            adapters: self.adapters.as_ref(),
            buffers: &self.buffers,
        };
        let EngineBuffers { step_inputs: words, sampled, .. } = &self.buffers;
        let rounds = rounds(requests, self.buffers.sizes.requests, self.buffers.sizes.listed);
        let mut pending = None;
        for (round, requests) in rounds.iter().enumerate() {
            let step_inputs = StepInputs::new(spans, requests, params, self.heads);
            let (counts, kind) = (step_inputs.counts, StepKind::of(&step_inputs, sampling_mode));
            self.launches.prepare(kind, &parts, &mut self.pipelines);
            self.runner.write(&step_inputs, words);
            let mut launches = Vec::new();
            if round == 0 {
                self.runner.work.tokens += counts.tokens;
                launches.extend(self.launches.embed().iter().chain(self.launches.blocks(kind)));
            }
            if requests.is_empty() {
                self.runner.submit(launches, &counts);
                continue;
            }
            launches.extend(self.launches.sampling(kind));
            pending = Some(self.runner.submit_and_fetch(launches, &counts, sampled));
        }
        pending
    }
}

/// Splits requests into rounds of at most `most` requests and `listed` allowed tokens; at least one round.
fn rounds<'a, 'q>(requests: &'q [LogitsRequest<'a>], most: usize, listed: usize) -> Vec<&'q [LogitsRequest<'a>]> {
    let mut rounds = Vec::new();
    let mut rest = requests;
    while !rest.is_empty() {
        let mut tokens = 0;
        let fitting = rest.iter().take(most).take_while(|request| {
            tokens += request.list.map_or(0, <[u32]>::len);
            tokens <= listed
        });
        let count = fitting.count().max(1);
        rounds.push(&rest[..count]);
        rest = &rest[count..];
    }
    if rounds.is_empty() { vec![requests] } else { rounds }
}

/// The kernel and the parameters of a sampling.
fn on_gpu(sampling: Sampling) -> (SamplingMode, SamplingParams) {
    match sampling {
        Sampling::Greedy => (SamplingMode::Greedy, SamplingParams::PLAIN),
        Sampling::Random { temperature, top_k, top_p } => {
            let truncated = top_k > 0 || top_p < 1.0;
            let sampling_mode = if truncated { SamplingMode::Truncated } else { SamplingMode::Random };
            (sampling_mode, SamplingParams { temperature, top_k, top_p })
        }
    }
}

#[cfg(test)]
mod tests;
