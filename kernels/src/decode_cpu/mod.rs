//! The operations of decoding on a CPU: packed weights are multiplied as they are, by all cores.
//!
//! These are the twins of [`decode`](crate::decode). A step runs as a sequence of jobs on one persistent pool of
//! threads:
//!
//! - [`pool`]: the thread pool. Its threads spin between the jobs of a step, which last some microseconds.
//! - [`isa`]: instruction sets and the dispatch by them. Every kernel has a portable variant.
//! - [`panels`]: weights, repacked once: eight rows lie word by word side by side, so that a vector holds one
//!   word of each.
//! - [`columns`]: the activations of a step, as floats and as 16-bit quants.
//! - [`product`]: panels times columns. `float` multiplies floats; `int16` multiplies 16-bit quants with the quants
//!   of the weights, by instructions that a portable kernel does not have (x86-64 and aarch64).
//! - [`kv_pages`], [`attention`]: the paged KV cache, and attention over it.
//! - [`elementwise`]: norm, rotation, activation function, log-sum-exp.
//!
//! A result depends on the operands alone, not on the number of threads, the other columns of the batch or their
//! number: the sums of every output run in one order.

mod attention;
mod check;
mod columns;
mod dispatch;
mod elementwise;
mod float;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod int16;
mod isa;
mod kv_pages;
pub(crate) mod lanes;
mod panel_product;
mod panels;
mod pool;
mod product;

pub use attention::{AttentionSpan, attend};
pub use check::check_products;
pub use columns::Columns;
pub(crate) use elementwise::inverse_rms;
pub use elementwise::{RopeTable, log_sum_exp, rms_norm_row, swiglu_row};
pub use isa::Isa;
#[cfg(target_arch = "x86_64")]
pub(crate) use isa::IsaLevel;
pub use kv_pages::KvPages;
pub use panels::{PANEL, Panels};
pub use pool::{Pool, pool};
pub use product::{PanelOutput, product, product_of_rows};

#[cfg(test)]
mod tests;
