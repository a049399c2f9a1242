//! The model as mathematics: embedding, blocks of attention and MLP, final norm, output projection.

mod attention;
mod batch;
mod build;
mod cache;
mod context;
mod init;
mod item_projection;
mod item_tokens;
mod mlp;
mod model;
mod norm;
mod padding;
mod recompute;
mod rope;

pub use batch::Batch;
pub(super) use build::LlamaBuilder;
pub use cache::KvCache;
pub use model::Llama;
