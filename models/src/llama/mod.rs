//! Llama: the graph for training and for plain decoding, on any device.
//!
//! Shapes in comments: `batch` rows, `seq` tokens of this step, `n = batch · seq` tokens in all. Weights are frozen and
//! only low-rank parts ([`crate::lora`]) carry gradients, unless the whole model is trained; the parameters alone decide whether a
//! forward step is recorded.

mod answers;
mod attention;
mod batch;
mod build;
mod cache;
pub(crate) mod config;
mod constraint;
mod context;
mod download;
mod draft;
mod generate;
mod init;
mod load;
mod mlp;
mod model;
pub(crate) mod model_files;
pub(crate) mod naming;
mod norm;
mod options;
mod packing;
mod recompute;
mod rope;
mod sampling;
mod sequence;
pub(crate) mod tensor_reader;
#[cfg(test)]
pub(crate) mod testing;
mod write;

pub use batch::Batch;
pub use cache::KvCache;
pub use config::{LlamaConfig, RopeScaling};
pub use constraint::{Allowed, TokenConstraint, TokenLogprob, Unconstrained};
pub use draft::DraftTokens;
pub(crate) use generate::check;
pub use generate::{generate, generate_constrained};
pub use model::Llama;
pub use options::GenerateOptions;
pub use sampling::Sampling;
pub(crate) use sequence::SequenceState;
