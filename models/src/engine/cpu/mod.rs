//! Steps on a CPU: packed weights are multiplied as they are, by all cores, see [`tiller_kernels::decode_cpu`].

mod logits;
mod low_rank;
mod sample;

use tiller_kernels::decode::{Heads, LogitsRequest, PAGE, RunnerStats, SampledToken, TokenSource, TokenSpan};
use tiller_kernels::decode_cpu::{
    AttentionSpan, Columns, Isa, KvPages, PanelOutput, Panels, Pool, RopeTable, attend, pool, product, rms_norm_row,
    swiglu_row,
};
use tiller_kernels::device::cpu;
use tiller_kernels::quant::PackedMatrix;

use self::low_rank::LowRankPanels;
use super::adapters::{Adapters, Loras};
use super::executor::{Executor, Footprint, PendingStep, StepLimits};
use super::options::EngineOptions;
use super::source::WeightSource;
use super::weights::{EngineWeights, LayerWeights, WeightStore};
use crate::generate::Sampling;
use crate::llama::LlamaConfig;
use crate::{Error, Result};

/// Logits that are computed at once.
const LOGITS: usize = 1 << 22;

/// Tokens from which operations between products run on all threads.
const MANY: usize = 4;

/// The heads of a model, if a CPU's engine can take them.
pub(super) fn heads(config: &LlamaConfig) -> Result<Heads> {
    let &LlamaConfig { n_heads: queries, n_kv_heads: keys, head_dim: width, .. } = config;
    if !width.is_multiple_of(2) {
        return Err(Error::bad_input("head_dim").expected("an even number").found(width).into());
    }
    Ok(Heads { queries, keys, width })
}

/// Main memory as a place of weights.
pub(super) struct MainMemory;

impl WeightStore for MainMemory {
    type Matrix = Panels;
    type Gain = Vec<f32>;

    fn matrix(&self, _module: &str, packed: &PackedMatrix, _unit: usize) -> Result<Panels> {
        Ok(Panels::new(packed))
    }

    fn gain(&self, _module: &str, gain: Vec<f32>) -> Vec<f32> {
        gain
    }

    fn bytes(matrix: &Panels) -> usize {
        matrix.bytes()
    }
}

/// A Llama on a CPU.
pub(super) struct CpuExecutor {
    config: LlamaConfig,
    options: EngineOptions,
    heads: Heads,
    weights: EngineWeights<MainMemory>,
    adapters: Option<Adapters<LowRankPanels>>,
    rope: RopeTable,
    /// The KV cache of every layer.
    caches: Vec<KvPages>,
    activations: Activations,
    /// The last sampled token of every slot.
    sampled: Vec<SampledToken>,
    work: RunnerStats,
    pool: &'static Pool,
    isa: Isa,
}

/// The activations of a step.
#[derive(Default)]
struct Activations {
    /// The residual stream, `[tokens, d_model]`.
    x: Vec<f32>,
    /// The inputs of a product.
    columns: Columns,
    /// The outputs of a product.
    y: PanelOutput,
    /// `[tokens, q, k, v]`
    qkv: Vec<f32>,
    /// `[tokens, query heads, head_dim]`
    q: Vec<f32>,
    /// `[tokens, query heads, head_dim]`
    attended: Vec<f32>,
}

/// A token of a step.
#[derive(Clone, Copy)]
struct StepToken<'a> {
    id: u32,
    position: usize,
    pages: &'a [u32],
    adapter: usize,
}

impl CpuExecutor {
    /// Repacks the weights of `source`.
    ///
    /// # Errors
    /// Weights that are missing or do not fit their scheme, heads that attention does not take.
    pub(super) fn new(source: &mut dyn WeightSource, options: EngineOptions) -> Result<Self> {
        let config = source.config().clone();
        let heads = heads(&config)?;
        let weights = EngineWeights::load(source, options.quant, &MainMemory)?;
        let mut executor = Self {
            heads,
            weights,
            adapters: None,
            rope: RopeTable::new(Vec::new(), config.head_dim),
            caches: Vec::new(),
            activations: Activations::default(),
            sampled: Vec::new(),
            work: RunnerStats::default(),
            pool: pool(),
            isa: Isa::best(),
            config,
            options,
        };
        executor.allocate(&options)?;
        Ok(executor)
    }

    /// Allocates cache and activations, if the machine has the memory.
    fn allocate(&mut self, options: &EngineOptions) -> Result<()> {
        let limits = limits(&self.config, options);
        let bytes = footprint(&self.config, options)?.bytes() as u64;
        if let Some(memory) = cpu().memory_bytes.filter(|memory| bytes > *memory) {
            return Err(Error::DoesNotFit(format!(
                "{} sequences of {} tokens: expected at most {memory} bytes, the memory of the machine, found {bytes}\n  next: use a \
                 smaller --batch, shorter sequences, or fewer bits for keys and values (--kv-dtype)",
                options.max_batch, options.max_tokens
            )));
        }
        self.options = *options;
        self.rope = RopeTable::new(self.config.rope_table(options.max_tokens), self.config.head_dim);
        let cache = |_| KvPages::new(self.heads, options.kv_dtype, limits.pages);
        self.caches = (0..self.config.n_layers).map(cache).collect();
        let none =
            SampledToken { token: 0, logit: 0.0, log_sum: 0.0, log_sum_allowed: 0.0, argmax_token: 0, finite: false };
        // One for each sequence, and one for each drafted token.
        self.sampled = vec![none; limits.tokens + options.max_batch];
        Ok(())
    }

    fn tokens<'a>(&self, spans: &[TokenSpan<'a>]) -> Vec<StepToken<'a>> {
        let id = |source: &TokenSource| match *source {
            TokenSource::Id(id) => id,
            TokenSource::Sampled(slot) => self.sampled[slot].token,
        };
        let of_span = |span: &TokenSpan<'a>| {
            let TokenSpan { tokens, position, pages, adapter } = *span;
            let token = |(i, source)| StepToken { id: id(source), position: position + i, pages, adapter };
            tokens.iter().enumerate().map(token).collect::<Vec<_>>()
        };
        spans.iter().flat_map(of_span).collect()
    }

    /// x = the embeddings of the tokens.
    fn embed(&mut self, tokens: &[StepToken]) {
        let d_model = self.config.d_model;
        self.activations.x.resize(tokens.len() * d_model, 0.0);
        for (x, token) in self.activations.x.chunks_mut(d_model).zip(tokens) {
            self.weights.embedding().unpack_row(token.id as usize, x);
        }
    }

    /// x += attention, then x += MLP.
    fn block(&mut self, i: usize, tokens: &[StepToken], spans: &[AttentionSpan]) {
        let Self { config, options, heads, weights, adapters, rope, caches, activations, work, pool, isa, .. } = self;
        let (pool, isa, quantize, epsilon) = (*pool, *isa, options.integer_products, config.rms_eps as f32);
        let Activations { x, columns, y, qkv, q, attended } = activations;
        let LayerWeights { input_norm, qkv: w_qkv, o_proj, post_attention_norm, gate_up, down_proj } =
            &weights.layers[i];
        let layer = adapters.as_ref().map(|adapters| &adapters.layers[i]);
        let (count, d_model, d_ff) = (tokens.len(), config.d_model, config.d_ff);
        let (q_width, width) = (heads.queries * heads.width, heads.qkv_width());
        let mut multiply =
            |weights: &Panels, low_rank: Option<&LowRankPanels>, columns: &Columns, y: &mut PanelOutput| {
                product(weights, columns, y, pool, isa);
                if let Some(low_rank) = low_rank {
                    low_rank.add(columns, tokens.iter().map(|token| token.adapter), y, pool, isa);
                }
                work.launches += 1;
                work.bytes += weights.bytes();
                work.operations += 2 * weights.rows() * weights.cols() * count;
            };

        // q, k, v = rope(W norm(x))
        columns.set([count, d_model], quantize, pool, isa, |t, column| {
            rms_norm_row(&x[t * d_model..][..d_model], input_norm, epsilon, column, isa);
        });
        multiply(w_qkv, layer.and_then(|layer| layer.qkv.as_ref()), columns, y);
        qkv.resize(count * width, 0.0);
        q.resize(count * q_width, 0.0);
        token_by_token(pool, qkv.chunks_mut(width).zip(q.chunks_mut(q_width)), |t, (row, q)| {
            y.read(t, row);
            let rotated = &mut row[..q_width + heads.keys * heads.width];
            rotated.chunks_mut(heads.width).for_each(|head| rope.rotate(tokens[t].position, head));
            q.copy_from_slice(&row[..q_width]);
        });
        for (row, StepToken { position, pages, .. }) in qkv.chunks(width).zip(tokens) {
            let (keys, values) = row[q_width..].split_at(heads.keys * heads.width);
            for (head, (key, value)) in keys.chunks(heads.width).zip(values.chunks(heads.width)).enumerate() {
                caches[i].write(pages[position / PAGE], position % PAGE, head, key, value);
            }
        }

        // x += W attention(q, cache)
        attended.resize(count * q_width, 0.0);
        attend(&caches[i], spans, q, attended, pool, isa);
        columns.set([count, q_width], quantize, pool, isa, |t, column| {
            column.copy_from_slice(&attended[t * q_width..][..q_width])
        });
        multiply(o_proj, layer.and_then(|layer| layer.o_proj.as_ref()), columns, y);
        token_by_token(pool, x.chunks_mut(d_model), |t, x| y.add_to(t, x));

        // x += W (silu(gate) · up), of W norm(x)
        columns.set([count, d_model], quantize, pool, isa, |t, column| {
            rms_norm_row(&x[t * d_model..][..d_model], post_attention_norm, epsilon, column, isa);
        });
        multiply(gate_up, layer.and_then(|layer| layer.gate_up.as_ref()), columns, y);
        columns.set([count, d_ff], quantize, pool, isa, |t, column| swiglu_row(y, t, column, isa));
        multiply(down_proj, layer.and_then(|layer| layer.down_proj.as_ref()), columns, y);
        token_by_token(pool, x.chunks_mut(d_model), |t, x| y.add_to(t, x));
    }

    /// Bytes of keys and values that attention reads.
    fn cache_bytes(&self, tokens: &[StepToken]) -> usize {
        tokens.iter().map(|token| token.position + 1).sum::<usize>() * self.kv_bytes_per_token()
    }
}

/// Runs `work` for the items of every token: on all threads if there are many.
fn token_by_token<T: Send>(pool: &Pool, items: impl ExactSizeIterator<Item = T>, work: impl Fn(usize, T) + Sync) {
    if items.len() < MANY {
        items.enumerate().for_each(|(t, item)| work(t, item));
    } else {
        pool.for_each(items, work);
    }
}

impl Executor for CpuExecutor {
    fn step(&mut self, spans: &[TokenSpan], requests: &[LogitsRequest], sampling: Sampling) -> Option<PendingStep> {
        let tokens = self.tokens(spans);
        let attention: Vec<AttentionSpan> = spans
            .iter()
            .map(|span| AttentionSpan { count: span.tokens.len(), position: span.position, pages: span.pages })
            .collect();
        self.embed(&tokens);
        (0..self.config.n_layers).for_each(|i| self.block(i, &tokens, &attention));
        self.work.steps += 1;
        self.work.tokens += tokens.len();
        self.work.bytes += self.cache_bytes(&tokens);
        if requests.is_empty() {
            return None;
        }
        self.sample(&tokens, requests, sampling);
        Some(PendingStep::Cpu(self.sampled.clone()))
    }

    fn wait(&mut self, pending: PendingStep) -> Result<Vec<SampledToken>> {
        match pending {
            PendingStep::Cpu(sampled) => Ok(sampled),
            PendingStep::Gpu(_) => unreachable!("a step of another executor"),
        }
    }

    fn set_adapters(&mut self, adapters: &[Loras]) -> Result<()> {
        self.adapters = Adapters::of(adapters, &self.config, &LowRankPanels::new)?;
        Ok(())
    }

    fn adapters(&self) -> usize {
        self.adapters.as_ref().map_or(0, |adapters| adapters.count)
    }

    fn reserve(&mut self, options: &EngineOptions) -> Result<()> {
        self.allocate(options)
    }

    fn limits(&self) -> StepLimits {
        limits(&self.config, &self.options)
    }

    fn weight_bytes(&self) -> usize {
        self.weights.bytes()
    }

    fn footprint(&self) -> Footprint {
        footprint(&self.config, &self.options).expect("the heads were checked")
    }

    fn kv_bytes_per_token(&self) -> usize {
        self.options.kv_dtype.position_bytes(self.heads) * self.config.n_layers
    }

    fn work(&self) -> RunnerStats {
        self.work
    }
}

fn limits(config: &LlamaConfig, options: &EngineOptions) -> StepLimits {
    let EngineOptions { max_batch, max_tokens, prefill_chunk, .. } = *options;
    let tokens = prefill_chunk.max(max_batch);
    let requests = (LOGITS / config.vocab_size).clamp(1, tokens);
    StepLimits { tokens, requests, pages: max_batch * max_tokens.div_ceil(PAGE) }
}

/// The memory of an engine for `config` on a CPU, beside its weights.
///
/// # Errors
/// Heads that it does not take.
pub(super) fn footprint(config: &LlamaConfig, options: &EngineOptions) -> Result<Footprint> {
    let heads = heads(config)?;
    let limits = limits(config, options);
    let cache_of_layer = limits.pages * PAGE * options.kv_dtype.position_bytes(heads);
    // The residual stream, the widest inputs and outputs, queries, keys and values, and what is attended to.
    let widest = (2 * config.d_ff).max(heads.qkv_width()) + config.d_ff.max(config.d_model);
    let of_token = config.d_model + widest + heads.qkv_width() + 2 * heads.queries * heads.width;
    let numbers = limits.tokens * of_token + limits.requests * config.vocab_size + options.max_tokens * heads.width;
    let activations = numbers * size_of::<f32>();
    Ok(Footprint { cache_of_layer, layers: config.n_layers, activations, largest: cache_of_layer.max(activations) })
}
