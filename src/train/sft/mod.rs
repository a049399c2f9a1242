//! Supervised fine-tuning: a language model learns the teacher's lists by their wordings (method §5).

mod batches;
mod checkpoint;
pub mod config;
mod open;
#[cfg(test)]
mod tests;
mod training;

pub use checkpoint::Best;
pub use config::{LoraConfig, SftConfig};
pub use training::{Summary, Training};
