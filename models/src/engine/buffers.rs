//! What an engine computes on, planned before anything is allocated.

use tiller_kernels::decode::{
    Buffer, FLOPS_PER_SUBMISSION, Heads, MAX_GEMV_COLUMNS, PAGE, SAMPLED_TOKEN_WORDS, filled, int8_bytes, zeros,
};
use tiller_kernels::device::Gpu;
use tiller_kernels::quant::PACK;

use super::options::EngineOptions;
use crate::llama::LlamaConfig;
use crate::{Error, Result};

/// The sizes of an engine's buffers, in bytes, beside its weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Footprint {
    /// Keys and values, of one layer.
    pub cache_of_layer: usize,
    /// Layers.
    pub layers: usize,
    /// Everything between the layers, and logits.
    pub activations: usize,
    /// The largest single buffer.
    pub largest: usize,
}

impl Footprint {
    /// All of it.
    pub fn bytes(&self) -> usize {
        self.cache_of_layer * self.layers + self.activations
    }
}

/// The buffers between the launches.
pub(super) struct Buffers {
    pub(super) sizes: Sizes,
    pub(super) step_inputs: Buffer,
    /// The residual stream, `[tokens, d_model]`, columns filled up to whole runs, as are those below.
    pub(super) x: Buffer,
    /// `[tokens, q, k, v]`.
    pub(super) qkv: Buffer,
    pub(super) split_sums: Buffer,
    /// `[tokens, heads · head_dim]`.
    pub(super) attn_out: Buffer,
    /// `[tokens, d_ff]`.
    pub(super) hidden: Buffer,
    /// `[questions, vocab_size]`.
    pub(super) logits: Buffer,
    /// `[slots, SAMPLED_TOKEN_WORDS]`.
    pub(super) answers: Buffer,
    /// Columns in codes of 8 bits, if the engine multiplies in whole numbers.
    pub(super) int8: Option<Buffer>,
    /// cos and sin, `[positions, head_dim / 2, 2]`.
    pub(super) rope_table: Buffer,
    /// Keys and values of every layer.
    pub(super) caches: Vec<Buffer>,
}

/// How much an engine takes at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sizes {
    /// Tokens of a step.
    pub(super) tokens: usize,
    /// Questions that are asked at once.
    pub(super) questions: usize,
    /// Slots of answers.
    pub(super) slots: usize,
    /// Pages of the cache.
    pub(super) pages: usize,
    /// Words of a step inputs.
    pub(super) step_inputs: usize,
    /// Tokens in the lists of one step inputs at most.
    pub(super) listed: usize,
}

/// Tokens that the lists of a step may have per question before its questions are asked in turns.
const LISTED: usize = 1024;

/// Logits of a step: questions beyond are asked in turns.
const LOGITS: usize = 1 << 24;

/// Columns that one launch may multiply with a matrix of so many weights.
fn columns_within(weights: usize) -> usize {
    let columns = FLOPS_PER_SUBMISSION / (2 * weights).max(1);
    if columns > TILE { columns / TILE * TILE } else { columns.max(1) }
}

/// Columns that a launch takes at once where they are many: part of that is no less work.
const TILE: usize = 2 * MAX_GEMV_COLUMNS;

impl Sizes {
    pub(super) fn new(config: &LlamaConfig, options: &EngineOptions) -> Self {
        let EngineOptions { rows, max_tokens, chunk, .. } = *options;
        // No launch may run long.
        let widest = config.d_ff.max((config.n_heads + 2 * config.n_kv_heads) * config.head_dim / 2);
        let tokens = chunk.min(columns_within(2 * widest * config.d_model)).max(rows);
        // One for each row, and one for each guess of a draft that is read along.
        let slots = tokens + rows;
        let questions =
            (LOGITS / config.vocab_size).min(columns_within(config.vocab_size * config.d_model)).clamp(1, tokens);
        let pages_of_row = max_tokens.div_ceil(PAGE);
        let listed = config.vocab_size.max(LISTED * questions.min(rows));
        // Tokens and tiles, page tables, questions, lists and their chunks.
        let step_inputs = 64 + tokens * (4 + 4) + rows * pages_of_row + questions * 5 + 2 * listed;
        Self { tokens, questions, slots, pages: rows * pages_of_row, step_inputs, listed }
    }
}

/// Bytes of the named buffers, in the order of [`Buffers`], and of a layer's cache.
fn plan(config: &LlamaConfig, options: &EngineOptions, heads: Heads) -> (Sizes, [usize; 10], usize) {
    let sizes = Sizes::new(config, options);
    let Sizes { tokens, questions, slots, pages, step_inputs, .. } = sizes;
    let padded = |width: usize| width.next_multiple_of(PACK);
    let widest = config.d_model.max(config.d_ff).max(heads.queries * heads.width);
    let numbers = [
        step_inputs,
        tokens * padded(config.d_model),
        tokens * heads.qkv_width(),
        heads.split_numbers(tokens, options.max_tokens),
        tokens * padded(heads.queries * heads.width),
        tokens * padded(config.d_ff),
        questions * config.vocab_size,
        slots * SAMPLED_TOKEN_WORDS,
        options.max_tokens * heads.width,
        if options.int8 { tokens * int8_bytes(widest) / size_of::<f32>() } else { 0 },
    ];
    let cache = pages * PAGE * options.kv.position_bytes(heads);
    (sizes, numbers.map(|numbers| numbers * size_of::<f32>()), cache)
}

/// What an engine for `config` will take beside its weights.
pub(super) fn footprint(config: &LlamaConfig, options: &EngineOptions, heads: Heads) -> Footprint {
    let (_, sizes, cache) = plan(config, options, heads);
    Footprint {
        cache_of_layer: cache,
        layers: config.n_layers,
        activations: sizes.iter().sum(),
        largest: sizes.into_iter().max().unwrap_or(0).max(cache),
    }
}

impl Buffers {
    /// Allocates all buffers, if the device's bindings reach them.
    ///
    /// # Errors
    /// A cache or activations beyond the largest binding of the device.
    pub(super) fn new(
        config: &LlamaConfig,
        options: &EngineOptions,
        heads: Heads,
        rope_table: &[f32],
        gpu: &Gpu,
    ) -> Result<Self> {
        let footprint = footprint(config, options, heads);
        let limit = gpu.capabilities.max_binding_bytes;
        if footprint.largest as u64 > limit {
            return Err(Error::DoesNotFit(format!(
                "{} sequences of {} tokens: expected at most {limit} bytes in one buffer of the device, found {}\n  \
                 next: take fewer at once (--batch), shorter ones, or keep keys and values in fewer bits",
                options.rows, options.max_tokens, footprint.largest
            )));
        }
        let (sizes, [step_inputs, x, qkv, split_sums, attn_out, hidden, logits, answers, _, int8], cache) =
            plan(config, options, heads);
        let empty = |label: &str, bytes: usize| zeros(gpu, label, bytes);
        Ok(Self {
            sizes,
            step_inputs: empty("frame", step_inputs),
            x: empty("x", x),
            qkv: empty("qkv", qkv),
            split_sums: empty("split sums", split_sums),
            attn_out: empty("mixed", attn_out),
            hidden: empty("hidden", hidden),
            logits: empty("logits", logits),
            answers: empty("answers", answers),
            int8: options.int8.then(|| empty("int8", int8)),
            rope_table: filled(gpu, "rope table", rope_table),
            caches: (0..config.n_layers).map(|_| empty("cache", cache)).collect(),
        })
    }
}
