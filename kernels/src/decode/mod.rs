//! The operations of decoding, as launches of plain wgpu over buffers that live as long as an engine.
//!
//! A step takes some tokens of some sequences through the model: one of each that is being continued, many of
//! a prompt (chunked prefill). The host writes them as [`StepInputs`] before the step. Nothing else changes
//! from step to step, so pipelines and bind groups are made once. A layer is six launches:
//!
//! ```text
//! q, k, v  = rope(W norm(x))                 qkv
//! y        = attention(q, cache + k, v)      attention, merge
//! x       += W y                             linear
//! h        = silu(gate) · up, of W norm(x)   gate_up
//! x       += W h                             linear
//! ```
//!
//! A product with adapters takes one more launch before it, which computes A x; attention takes one more
//! where a sequence brings several tokens. For many tokens, as prompts have, the products are GEMM and
//! attention works in tiles.

pub(crate) mod attention;
mod buffers;
mod builder;
mod calibrate;
pub(crate) mod embed;
pub(crate) mod fused_linear;
mod gate_up;
mod heads;
mod launch;
mod linear;
mod low_rank;
pub(crate) mod matmul;
mod matrix;
mod qkv;
pub(crate) mod quantize;
mod runner;
pub(crate) mod sample;
mod score;
mod step_inputs;

pub use attention::AttentionBuffers;
pub use buffers::{Buffer, filled, zeros};
pub use builder::StepBuilder;
pub use fused_linear::{FusedLinear, Store};
pub use heads::{Heads, KvFormat, MOST_HEAD_WIDTH, PAGE, Queries, Splits};
pub use launch::Launch;
pub use low_rank::{LowRank, LowRankParts};
pub use matmul::{COLUMNS, MAX_GEMV_COLUMNS, Norm, columns_for};
pub use matrix::Matrix;
pub use qkv::rope_interleaved_rows;
pub use quantize::int8_bytes;
pub use runner::{FLOPS_PER_SUBMISSION, Pending, Runner, RunnerStats};
pub use sample::SamplingMode;
pub use step_inputs::{
    ListBias, LogitsRequest, SAMPLED_TOKEN_WORDS, SampledToken, SamplingParams, StepCounts, StepInputs, TokenSource,
    TokenSpan,
};

pub(crate) use calibrate::check_cooperative_gemm;

use crate::kernel::Kernel;

/// Every variant of every kernel here, for sample sizes.
pub(crate) fn kernels() -> Vec<Kernel> {
    [
        attention::kernels(),
        embed::kernels(),
        gate_up::kernels(),
        linear::kernels(),
        qkv::kernels(),
        quantize::kernels(),
        sample::kernels(),
        score::kernels(),
    ]
    .concat()
}

#[cfg(test)]
mod tests;
