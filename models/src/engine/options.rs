//! What an engine is made for.

use tiller_kernels::decode::KvFormat;
use tiller_kernels::quant::QuantScheme;

/// How much an engine takes at a time, and how it keeps what it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineOptions {
    /// Sequences that are continued side by side.
    pub rows: usize,
    /// Tokens of the longest sequence, prompt and answer together.
    pub max_tokens: usize,
    /// How keys and values are kept.
    pub kv: KvFormat,
    /// How the weights of matrices are packed; as their source has them where nothing is said.
    pub scheme: Option<QuantScheme>,
    /// Tokens of prompts that are read in one step.
    pub chunk: usize,
    /// Whether few columns are multiplied in whole numbers, in codes of 8 bits, where the scheme of the weights allows: faster where a GPU
    /// has instructions for it, and off by what the codes lose.
    pub int8: bool,
    /// Steps that may wait for each other on the GPU where the host has nothing to say between them.
    pub in_flight: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { rows: 16, max_tokens: 1024, kv: KvFormat::F32, scheme: None, chunk: 256, int8: false, in_flight: 4 }
    }
}

impl EngineOptions {
    /// For an engine that makes room when it is known how much is wanted.
    pub(crate) fn without_room() -> Self {
        Self { rows: 1, max_tokens: 1, ..Self::default() }
    }
}
