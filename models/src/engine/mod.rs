//! The decode engine: a Llama on plain wgpu, beside burn's graph and with the same results.
//!
//! The graph is for training; it launches some twenty operations a block, allocates for each, and reads whole rows of logits back. The
//! engine has buffers of its own that stand, launches that are made once (six a block: see [`tiller_kernels::decode`]), packed weights,
//! a cache of keys and values in pages, and choices made on the GPU: what comes back of a step is eight words per question.
//!
//! - `source`, `file`, `weights`, `adapters`: where weights come from and how they lie.
//! - `buffers`: memory, planned before it is taken.
//! - `plan`: the model's mathematics as launches.
//! - `pages`: which sequence has which part of the cache, and which they share.
//! - `generate`: rows that come and go, guided or free. `score`: what the model says of a given text.
//! - `self_check`: the engine held against the graph, on any machine.

mod adapters;
mod buffers;
mod file;
mod generate;
mod options;
mod paged_kv_cache;
mod plan;
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
pub(crate) use generate::max_batch;
pub use options::EngineOptions;
pub use self_check::self_check;
pub use source::{RandomWeights, WeightSource};
pub use tiller_kernels::decode::RunnerStats;

use self::adapters::{Adapters, Loras};
use self::buffers::Buffers;
use self::file::FileWeights;
use self::paged_kv_cache::PagedKvCache;
use self::plan::{Kind, Parts, Plan};
use self::source::GraphWeights;
use self::weights::Weights;
use crate::llama::model_files::ModelFiles;
use crate::llama::{Llama, LlamaConfig, Sampling};
use crate::lora::Adapter;
use crate::{Error, Result};

/// A Llama that decodes on a GPU.
pub struct Engine {
    config: LlamaConfig,
    options: EngineOptions,
    heads: Heads,
    weights: Weights,
    adapters: Option<Adapters>,
    buffers: Buffers,
    pages: PagedKvCache,
    plan: Plan,
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
        // Buffers first: what does not fit is said before gigabytes are read.
        let buffers = Buffers::new(&config, &options, heads, &config.rope_table(options.max_tokens), gpu)?;
        let weights = Weights::upload(source, options.scheme, gpu)?;
        Ok(Self {
            pages: PagedKvCache::new(buffers.sizes.pages),
            plan: Plan::default(),
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

    /// Whether the engine takes models of these sizes: heads of a multiple of 4 numbers, up to 256.
    pub fn supports(config: &LlamaConfig) -> bool {
        weights::heads(config).is_ok()
    }

    /// What an engine for a model of these sizes will take: bytes of its weights, and of everything beside them.
    ///
    /// # Errors
    /// Heads that attention does not take.
    pub fn estimate_memory(config: &LlamaConfig, options: &EngineOptions) -> Result<(usize, Footprint)> {
        let footprint = buffers::footprint(config, options, weights::heads(config)?);
        Ok((weights::bytes_in(config, options.scheme.unwrap_or(QuantScheme::F32)), footprint))
    }

    /// An engine with the weights that `llama` has now, adapter included, on its device.
    ///
    /// # Errors
    /// As [`Engine::new`]; a model on the CPU.
    pub fn of(llama: &Llama, options: EngineOptions) -> Result<Self> {
        let gpu = gpu_of(&llama.device()).ok_or_else(|| {
            Error::bad_input("the decode engine")
                .expected("a model on a GPU")
                .found("one on the CPU")
                .next("open the device by its name; the CPU decodes through burn")
        })?;
        // What is being trained is read as it is now.
        let llama = llama.valid();
        let mut engine = Self::new(&mut GraphWeights::new(&llama), &gpu, options)?;
        engine.load_adapter(&llama)?;
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
            engine.take(&[adapter.loras.iter().map(|(name, lora)| (name.as_str(), lora)).collect()])?;
        }
        Ok(engine)
    }

    /// Takes over the low-rank parts that `llama` has now as the one adapter, in place of those from before: after a step of training.
    ///
    /// # Errors
    /// A device that does not give them back, parts that are not numbers.
    pub fn load_adapter(&mut self, llama: &Llama) -> Result<()> {
        self.load_adapters(&[llama])
    }

    /// Takes over the low-rank parts that each of `llamas`, which are this model, has now: adapters 1, 2, … of
    /// [`Engine::generate_adapted`], in place of those from before.
    ///
    /// # Errors
    /// As [`Engine::load_adapter`].
    pub fn load_adapters(&mut self, llamas: &[&Llama]) -> Result<()> {
        let llamas: Vec<Llama> = llamas.iter().map(|llama| llama.valid()).collect();
        self.take(&llamas.iter().map(adapters::loras_of).collect::<Vec<_>>())
    }

    /// Takes over these adapters in place of those from before.
    fn take(&mut self, adapters: &[Loras]) -> Result<()> {
        self.adapters = Adapters::of(adapters, &self.config, self.buffers.sizes.tokens, self.pipelines.gpu())?;
        self.plan = Plan::default();
        self.pages.clear();
        Ok(())
    }

    /// How many adapters there are.
    pub fn adapters(&self) -> usize {
        self.adapters.as_ref().map_or(0, |adapters| adapters.count)
    }

    /// What sequences go through unless something else is said.
    fn first_adapter(&self) -> usize {
        self.adapters().min(1)
    }

    /// Makes room for `rows` sequences side by side and for sequences of `max_tokens` tokens, where there is less.
    ///
    /// # Errors
    /// As [`Engine::new`].
    pub fn reserve(&mut self, rows: usize, max_tokens: usize) -> Result<()> {
        if rows <= self.options.rows && max_tokens <= self.options.max_tokens {
            return Ok(());
        }
        let options = EngineOptions {
            rows: rows.max(self.options.rows),
            max_tokens: max_tokens.max(self.options.max_tokens),
            ..self.options
        };
        let gpu = self.pipelines.gpu().clone();
        let rope_table = self.config.rope_table(options.max_tokens);
        self.buffers = Buffers::new(&self.config, &options, self.heads, &rope_table, &gpu)?;
        self.pages = PagedKvCache::new(self.buffers.sizes.pages);
        if let Some(adapters) = &mut self.adapters {
            adapters.reserve(self.buffers.sizes.tokens, &gpu);
        }
        self.plan = Plan::default();
        self.options = options;
        Ok(())
    }

    /// The sizes of the model.
    pub fn config(&self) -> &LlamaConfig {
        &self.config
    }

    /// What the engine is made for.
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
        self.options.kv.position_bytes(self.heads) * self.config.n_layers
    }

    /// What was done since the engine was made.
    pub fn work(&self) -> RunnerStats {
        self.runner.work
    }

    /// Takes the tokens of `runs` through the model and asks `questions`, those of the whole vocabulary first. Questions beyond what fits
    /// at once are asked in turns. The answers are those of the last of what comes back, in their slots.
    fn step(&mut self, runs: &[TokenSpan], questions: &[LogitsRequest], sampling: Sampling) -> Option<Pending> {
        let (sampling_mode, chance) = chosen(sampling);
        let parts = Parts {
            config: &self.config,
            heads: self.heads,
            kv: self.options.kv,
            weights: &self.weights,
            adapters: self.adapters.as_ref(),
            buffers: &self.buffers,
        };
        let Buffers { step_inputs: words, answers, .. } = &self.buffers;
        let turns = turns(questions, self.buffers.sizes.questions, self.buffers.sizes.listed);
        let mut pending = None;
        for (turn, questions) in turns.iter().enumerate() {
            let step_inputs = StepInputs::new(runs, questions, chance, self.heads);
            let (counts, kind) = (step_inputs.counts, Kind::of(&step_inputs, sampling_mode));
            self.plan.prepare(kind, &parts, &mut self.pipelines);
            self.runner.write(&step_inputs, words);
            let mut launches = Vec::new();
            if turn == 0 {
                self.runner.work.tokens += counts.tokens;
                launches.extend(self.plan.embed().iter().chain(self.plan.blocks(kind)));
            }
            if questions.is_empty() {
                self.runner.submit(launches, &counts);
                continue;
            }
            launches.extend(self.plan.asking(kind));
            pending = Some(self.runner.submit_and_fetch(launches, &counts, answers));
        }
        pending
    }
}

/// Questions in turns of what fits at once; one turn at least.
fn turns<'a, 'q>(questions: &'q [LogitsRequest<'a>], most: usize, listed: usize) -> Vec<&'q [LogitsRequest<'a>]> {
    let mut turns = Vec::new();
    let mut rest = questions;
    while !rest.is_empty() {
        let mut tokens = 0;
        let fitting = rest.iter().take(most).take_while(|question| {
            tokens += question.list.map_or(0, <[u32]>::len);
            tokens <= listed
        });
        let count = fitting.count().max(1);
        turns.push(&rest[..count]);
        rest = &rest[count..];
    }
    if turns.is_empty() { vec![questions] } else { turns }
}

/// How the GPU chooses.
fn chosen(sampling: Sampling) -> (SamplingMode, SamplingParams) {
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
