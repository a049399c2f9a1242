//! Steps on a GPU, as launches of plain wgpu. Burn's graph launches some twenty operations per block, allocates for each, and downloads
//! whole rows of logits. Here buffers and launches are kept (six per block: see [`tiller_kernels::decode`]), and tokens are sampled on
//! the GPU: a step returns eight words per sampled token.

mod buffers;
mod launches;

use tiller_kernels::decode::{
    Buffer, Heads, LogitsRequest, LowRank, LowRankParts, MOST_HEAD_WIDTH, Matrix, Runner, RunnerStats, SampledToken,
    SamplingMode, SamplingParams, StepInputs, TokenSpan, filled,
};
use tiller_kernels::device::Gpu;
use tiller_kernels::pipelines::Pipelines;
use tiller_kernels::quant::{PACK, PackedMatrix};

use self::buffers::EngineBuffers;
use self::launches::{ModelParts, StepKind, StepLaunches};
use super::adapters::{Adapters, Loras, MatrixAdapters};
use super::executor::{Executor, Footprint, PendingStep, StepLimits};
use super::options::EngineOptions;
use super::source::WeightSource;
use super::weights::{EngineWeights, WeightStore};
use crate::generate::Sampling;
use crate::llama::LlamaConfig;
use crate::{Error, Result};

/// The heads of a model, if a GPU's engine can take them.
pub(super) fn heads(config: &LlamaConfig) -> Result<Heads> {
    let &LlamaConfig { n_heads: queries, n_kv_heads: keys, head_dim: width, .. } = config;
    if !width.is_multiple_of(4) || width > MOST_HEAD_WIDTH {
        return Err(Error::bad_input("head_dim")
            .expected(format!("a multiple of 4, at most {MOST_HEAD_WIDTH}, for decoding on a GPU"))
            .found(width)
            .next("use --device cpu")
            .into());
    }
    Ok(Heads { queries, keys, width })
}

/// The memory of an engine for `config` on a GPU, beside its weights.
///
/// # Errors
/// Heads that it does not take.
pub(super) fn footprint(config: &LlamaConfig, options: &EngineOptions) -> Result<Footprint> {
    Ok(buffers::footprint(config, options, heads(config)?))
}

impl WeightStore for Gpu {
    type Matrix = Matrix;
    /// `[width]`, padded to whole packs.
    type Gain = Buffer;

    fn matrix(&self, module: &str, packed: &PackedMatrix, unit: usize) -> Result<Matrix> {
        Matrix::upload(packed, unit, self).map_err(Error::packing(module))
    }

    fn gain(&self, module: &str, mut gain: Vec<f32>) -> Buffer {
        gain.resize(gain.len().next_multiple_of(PACK), 0.0);
        filled(self, module, &gain)
    }

    fn bytes(matrix: &Matrix) -> usize {
        matrix.bytes()
    }
}

/// A Llama on a GPU.
pub(super) struct GpuExecutor {
    config: LlamaConfig,
    options: EngineOptions,
    heads: Heads,
    weights: EngineWeights<Gpu>,
    adapters: Option<Adapters<LowRank>>,
    buffers: EngineBuffers,
    launches: StepLaunches,
    pipelines: Pipelines,
    runner: Runner,
}

impl GpuExecutor {
    /// Copies the weights of `source` to `gpu` and allocates everything else.
    ///
    /// # Errors
    /// Weights that are missing or do not fit their scheme, heads that attention does not take, buffers beyond the device's largest
    /// binding.
    pub(super) fn new(source: &mut dyn WeightSource, gpu: &Gpu, options: EngineOptions) -> Result<Self> {
        let config = source.config().clone();
        let heads = heads(&config)?;
        // Buffers first: an engine that does not fit is refused before gigabytes are read.
        let buffers = EngineBuffers::new(&config, &options, heads, &config.rope_table(options.max_tokens), gpu)?;
        let weights = EngineWeights::load(source, options.quant, gpu)?;
        Ok(Self {
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
}

impl Executor for GpuExecutor {
    /// Requests that do not fit at once are submitted in several rounds; the last one returns the tokens of all, in their slots.
    fn step(&mut self, spans: &[TokenSpan], requests: &[LogitsRequest], sampling: Sampling) -> Option<PendingStep> {
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
        pending.map(PendingStep::Gpu)
    }

    fn wait(&mut self, pending: PendingStep) -> Result<Vec<SampledToken>> {
        match pending {
            PendingStep::Gpu(pending) => self.runner.wait(pending).map_err(Error::Failed),
            PendingStep::Cpu(sampled) => Ok(sampled),
        }
    }

    fn set_adapters(&mut self, adapters: &[Loras]) -> Result<()> {
        let (gpu, tokens) = (self.pipelines.gpu(), self.buffers.sizes.tokens);
        let store = |MatrixAdapters { parts, projections, rank, .. }: MatrixAdapters| {
            let parts: Vec<LowRankParts> = parts.iter().map(|(a, b)| LowRankParts { a, b }).collect();
            LowRank::upload(&parts, projections, rank, tokens, gpu)
        };
        self.adapters = Adapters::of(adapters, &self.config, &store)?;
        self.launches = StepLaunches::default();
        Ok(())
    }

    fn adapters(&self) -> usize {
        self.adapters.as_ref().map_or(0, |adapters| adapters.count)
    }

    fn reserve(&mut self, options: &EngineOptions) -> Result<()> {
        let gpu = self.pipelines.gpu().clone();
        let rope_table = self.config.rope_table(options.max_tokens);
        self.buffers = EngineBuffers::new(&self.config, options, self.heads, &rope_table, &gpu)?;
        for low_rank in self.adapters.iter_mut().flat_map(Adapters::all_mut) {
            low_rank.reserve(self.buffers.sizes.tokens, &gpu);
        }
        self.launches = StepLaunches::default();
        self.options = *options;
        Ok(())
    }

    fn limits(&self) -> StepLimits {
        let sizes = &self.buffers.sizes;
        StepLimits { tokens: sizes.tokens, requests: sizes.requests, pages: sizes.pages }
    }

    fn weight_bytes(&self) -> usize {
        self.weights.bytes()
    }

    fn footprint(&self) -> Footprint {
        buffers::footprint(&self.config, &self.options, self.heads)
    }

    fn kv_bytes_per_token(&self) -> usize {
        self.options.kv_dtype.position_bytes(self.heads) * self.config.n_layers
    }

    fn work(&self) -> RunnerStats {
        self.runner.work
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
