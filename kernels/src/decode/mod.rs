//! The operations of decoding, as launches of plain wgpu over buffers that stand for as long as an engine does.
//!
//! A step takes some tokens of some sequences: one of each where all of them are being continued, many where a prompt is read. What
//! it takes is said by a [`Frame`], which the host writes before the step; nothing else changes from step to step, so that pipelines
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

mod adapter;
mod attention;
pub(crate) mod bench;
mod builder;
mod check;
mod columns;
mod embed;
mod frame;
mod gate_up;
mod launch;
mod linear;
mod matrix;
mod qkv;
mod quantise;
mod run;
mod sample;
mod score;

pub use adapter::{LowRank, LowRankParts};
pub use attention::{Attention, Heads, KvFormat, MOST_HEAD_WIDTH, PAGE, Queries, Splits};
pub use builder::Builder;
pub use columns::{COLUMNS, FEW, Layer, Norm, columns_for};
pub use frame::{ANSWER_WORDS, Answer, Chance, Counts, Frame, Question, Run, Source};
pub use launch::Launch;
pub use linear::Store;
pub use matrix::Matrix;
pub use qkv::turned_rows;
pub use quantise::int8_bytes;
pub use run::{Buffer, FLOPS_PER_SUBMISSION, Pending, Runner, Work, filled, zeros};
pub use sample::Choosing;

pub(crate) use check::check_cooperative;

use crate::kernel::Kernel;

/// Every variant of every kernel here, for sample sizes.
pub(crate) fn kernels() -> Vec<Kernel> {
    [
        attention::kernels(),
        embed::kernels(),
        gate_up::kernels(),
        linear::kernels(),
        qkv::kernels(),
        quantise::kernels(),
        sample::kernels(),
        score::kernels(),
    ]
    .concat()
}

#[cfg(test)]
mod tests;
