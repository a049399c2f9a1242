//! Optimization of any burn module: gradients by the weights' names, AdamW, and its state in an [`Archive`].
//!
//! A weight's name is the path of its fields, such as "blocks.0.attention.q_proj.lora.a": the same in every process, so that a
//! saved optimizer finds its weights again.
//!
//! [`Archive`]: crate::archive::Archive

mod adamw;
mod gradients;
mod memory;

pub use adamw::{AdamW, AdamWConfig};
pub use gradients::Gradients;
