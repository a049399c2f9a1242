//! The buffers of an engine, planned before anything is allocated.

use tiller_kernels::decode::{
    Buffer, FLOPS_PER_SUBMISSION, Heads, MAX_GEMV_COLUMNS, PAGE, SAMPLED_TOKEN_WORDS, filled, int8_bytes, zeros,
};
use tiller_kernels::device::Gpu;
use tiller_kernels::quant::PACK;

use super::super::executor::Footprint;
use super::super::options::EngineOptions;
use crate::llama::LlamaConfig;
use crate::{Error, Result};

/// The buffers that launches read and write.
pub(super) struct EngineBuffers {
    pub(super) sizes: BufferSizes,
    pub(super) step_inputs: Buffer,
    /// The residual stream, `[tokens, d_model]`, padded to whole packs, as are those below.
    pub(super) x: Buffer,
    /// `[tokens, q, k, v]`.
    pub(super) qkv: Buffer,
    pub(super) split_sums: Buffer,
    /// `[tokens, heads · head_dim]`.
    pub(super) attn_out: Buffer,
    /// `[tokens, d_ff]`.
    pub(super) hidden: Buffer,
    /// `[requests, vocab_size]`.
    pub(super) logits: Buffer,
    /// `[slots, SAMPLED_TOKEN_WORDS]`.
    pub(super) sampled: Buffer,
    /// Activations in int8, if the engine multiplies in int8.
    pub(super) int8: Option<Buffer>,
    /// cos and sin, `[positions, head_dim / 2, 2]`.
    pub(super) rope_table: Buffer,
    /// Keys and values of every layer.
    pub(super) caches: Vec<Buffer>,
}

/// The sizes of the buffers, in elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BufferSizes {
    /// Tokens of a step.
    pub(super) tokens: usize,
    /// Logits requests that fit into one round.
    pub(super) requests: usize,
    /// Slots of sampled tokens.
    pub(super) slots: usize,
    /// Pages of the KV cache.
    pub(super) pages: usize,
    /// Words of the step inputs.
    pub(super) step_inputs: usize,
    /// Allowed tokens of all requests that fit into one round.
    pub(super) listed: usize,
}

/// Allowed tokens per request that fit into one round.
const LISTED: usize = 1024;

/// Logits that fit into one round.
const LOGITS: usize = 1 << 24;

/// The number of columns that one launch may multiply with a matrix of `weights` weights.
fn columns_within(weights: usize) -> usize {
    let columns = FLOPS_PER_SUBMISSION / (2 * weights).max(1);
    if columns > TILE { columns / TILE * TILE } else { columns.max(1) }
}

/// Columns of a GEMM tile: a part of a tile costs as much as a whole one.
const TILE: usize = 2 * MAX_GEMV_COLUMNS;

impl BufferSizes {
    pub(super) fn new(config: &LlamaConfig, options: &EngineOptions) -> Self {
        let EngineOptions { max_batch, max_tokens, prefill_chunk, .. } = *options;
        // No launch may run long.
        let widest = config.d_ff.max((config.n_heads + 2 * config.n_kv_heads) * config.head_dim / 2);
        let tokens = prefill_chunk.min(columns_within(2 * widest * config.d_model)).max(max_batch);
        // One for each sequence, and one for each drafted token.
        let slots = tokens + max_batch;
        let requests =
            (LOGITS / config.vocab_size).min(columns_within(config.vocab_size * config.d_model)).clamp(1, tokens);
        let pages_of_sequence = max_tokens.div_ceil(PAGE);
        let listed = config.vocab_size.max(LISTED * requests.min(max_batch));
        // Tokens and tiles, block tables, requests, allowed tokens with their biases and chunks.
        let step_inputs = 64 + tokens * (4 + 4) + max_batch * pages_of_sequence + requests * 7 + 3 * listed;
        Self { tokens, requests, slots, pages: max_batch * pages_of_sequence, step_inputs, listed }
    }
}

/// Bytes of the named buffers, in the order of [`EngineBuffers`], and of the cache of a layer.
fn plan(config: &LlamaConfig, options: &EngineOptions, heads: Heads) -> (BufferSizes, [usize; 10], usize) {
    let sizes = BufferSizes::new(config, options);
    let BufferSizes { tokens, requests, slots, pages, step_inputs, .. } = sizes;
    let padded = |width: usize| width.next_multiple_of(PACK);
    let widest = config.d_model.max(config.d_ff).max(heads.queries * heads.width);
    let numbers = [
        step_inputs,
        tokens * padded(config.d_model),
        tokens * heads.qkv_width(),
        heads.split_numbers(tokens, options.max_tokens),
        tokens * padded(heads.queries * heads.width),
        tokens * padded(config.d_ff),
        requests * config.vocab_size,
        slots * SAMPLED_TOKEN_WORDS,
        options.max_tokens * heads.width,
        if options.integer_products { tokens * int8_bytes(widest) / size_of::<f32>() } else { 0 },
    ];
    let cache = pages * PAGE * options.kv_dtype.position_bytes(heads);
    (sizes, numbers.map(|numbers| numbers * size_of::<f32>()), cache)
}

/// The memory of an engine for `config` beside its weights.
pub(super) fn footprint(config: &LlamaConfig, options: &EngineOptions, heads: Heads) -> Footprint {
    let (_, sizes, cache) = plan(config, options, heads);
    Footprint {
        cache_of_layer: cache,
        layers: config.n_layers,
        activations: sizes.iter().sum(),
        largest: sizes.into_iter().max().unwrap_or(0).max(cache),
    }
}

impl EngineBuffers {
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
                 next: use a smaller --batch, shorter sequences, or fewer bits for keys and values (--kv-dtype)",
                options.max_batch, options.max_tokens, footprint.largest
            )));
        }
        let (sizes, [step_inputs, x, qkv, split_sums, attn_out, hidden, logits, sampled, _, int8], cache) =
            plan(config, options, heads);
        let empty = |label: &str, bytes: usize| zeros(gpu, label, bytes);
        Ok(Self {
            sizes,
            step_inputs: empty("step inputs", step_inputs),
            x: empty("x", x),
            qkv: empty("qkv", qkv),
            split_sums: empty("split sums", split_sums),
            attn_out: empty("attention output", attn_out),
            hidden: empty("hidden", hidden),
            logits: empty("logits", logits),
            sampled: empty("sampled", sampled),
            int8: options.integer_products.then(|| empty("int8", int8)),
            rope_table: filled(gpu, "rope table", rope_table),
            caches: (0..config.n_layers).map(|_| empty("cache", cache)).collect(),
        })
    }
}
