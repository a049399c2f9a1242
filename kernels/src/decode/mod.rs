//! The operations of decoding, as launches of plain wgpu over buffers that stand for as long as an engine does.
//!
//! A step takes some tokens of some sequences: one of each where all of them are being continued, many where a prompt is read. What
//! it takes is said by a [`StepInputs`], which the host writes before the step; nothing else changes from step to step, so that pipelines
//! and bind groups are made once. A layer is six launches:
//!
//! ```text
//! q, k, v  = turn(W norm(x))                 qkv
//! y        = attention(q, cache + k, v)      attention, merge
//! x       += W y                             linear
//! h        = silu(gate) · up, of W norm(x)   gate_up
//! x       += W h                             linear
//! ```
//!
//! and one more before each product with adapters, which leaves A x; one more before attention where a sequence brings several
//! tokens at once. Where there are many tokens, as prompts have, the products and attention work in tiles.

mod attention;
pub(crate) mod bench;
mod builder;
mod calibrate;
mod embed;
mod gate_up;
mod launch;
mod linear;
mod low_rank;
mod matmul;
mod matrix;
mod qkv;
mod quantize;
mod runner;
mod sample;
mod score;
mod step_inputs;

pub use attention::{AttentionBuffers, Heads, KvFormat, MOST_HEAD_WIDTH, PAGE, Queries, Splits};
pub use builder::StepBuilder;
pub use launch::Launch;
pub use linear::Store;
pub use low_rank::{LowRank, LowRankParts};
pub use matmul::{COLUMNS, FusedLinear, MAX_GEMV_COLUMNS, Norm, columns_for};
pub use matrix::Matrix;
pub use qkv::rope_interleaved_rows;
pub use quantize::int8_bytes;
pub use runner::{Buffer, FLOPS_PER_SUBMISSION, Pending, Runner, RunnerStats, filled, zeros};
pub use sample::SamplingMode;
pub use step_inputs::{
    LogitsRequest, SAMPLED_TOKEN_WORDS, SampledToken, SamplingParams, StepCounts, StepInputs, TokenSource, TokenSpan,
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
