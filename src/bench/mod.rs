//! Benchmarks: throughput of a language model, of constrained decoding and of training, and the perplexity of quantized models.
//!
//! `tiller bench` prints what these measure. The kernels are measured where they live, in `tiller_kernels::bench`.

pub mod cost;
pub mod lists;
pub mod llm;
pub mod perplexity;
pub mod ppo;
pub mod train;
