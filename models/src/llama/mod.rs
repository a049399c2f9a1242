//! Llama: the graph for training and for generation, on any device.
//!
//! - `config`: the sizes of a model, from either file format.
//! - `graph`: the model as mathematics, on burn.
//! - `files`: models on disk, read and written.
//!
//! Shapes in comments: `batch` rows, `seq` tokens of this step, `n = batch · seq` tokens in all. Weights are frozen and only low-rank
//! matrices ([`crate::lora`]) have gradients, unless the whole model is trained; the parameters alone decide whether a forward step is
//! recorded.

pub(crate) mod config;
pub(crate) mod files;
mod graph;
#[cfg(test)]
pub(crate) mod testing;

pub use config::{LlamaConfig, RopeScaling};
pub(crate) use files::ModelFiles;
pub use graph::{Batch, KvCache, Llama};
