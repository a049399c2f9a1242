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
mod draft;
mod frame;
mod fresh;
mod generate;
mod guide;
mod load;
mod mlp;
mod model;
pub(crate) mod naming;
mod norm;
mod options;
mod packing;
mod read_back;
pub(crate) mod reader;
mod recompute;
mod rope;
mod row;
mod sampling;
pub(crate) mod stored;
#[cfg(test)]
pub(crate) mod testing;
mod write;

pub use batch::Batch;
pub use cache::KvCache;
pub use config::{LlamaConfig, RopeScaling};
pub use draft::Guess;
pub(crate) use generate::check;
pub use generate::{generate, generate_guided};
pub use guide::{Guide, Next, Said, Unguided};
pub use model::Llama;
pub use options::GenerateOptions;
pub(crate) use row::Row;
pub use sampling::Sampling;
