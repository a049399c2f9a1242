//! The options of an engine.

use tiller_kernels::decode::KvFormat;
use tiller_kernels::quant::QuantScheme;

/// Batch size, lengths and formats of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineOptions {
    /// Sequences in the running batch; further prompts wait until others end (continuous batching).
    pub max_batch: usize,
    /// Tokens of the longest sequence, prompt and answer together.
    pub max_tokens: usize,
    /// The format of the KV cache.
    pub kv_dtype: KvFormat,
    /// The quantization of the matrices; `None` for the format of their source.
    pub quant: Option<QuantScheme>,
    /// Prompt tokens that one step reads (chunked prefill).
    pub prefill_chunk: usize,
    /// Multiplies in integers where the quantization allows. Activations are rounded to 16 bits on a CPU; on a GPU those of small batches
    /// to 8 bits, which is less exact.
    pub integer_products: bool,
    /// Steps in flight on the GPU where constraints let the host run ahead.
    pub steps_in_flight: usize,
    /// Grows the batch and the length with each request, instead of refusing longer sequences.
    pub grows: bool,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            max_batch: 16,
            max_tokens: 1024,
            kv_dtype: KvFormat::F32,
            quant: None,
            prefill_chunk: 256,
            integer_products: false,
            steps_in_flight: 4,
            grows: false,
        }
    }
}

impl EngineOptions {
    /// The options of an engine that reserves memory when it sees a request.
    pub(crate) fn growing() -> Self {
        Self { max_batch: 1, max_tokens: 1, grows: true, ..Self::default() }
    }
}
