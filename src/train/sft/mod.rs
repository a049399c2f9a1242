//! Supervised fine-tuning: a language model learns the teacher's lists by their wordings (method §5).

mod batches;
pub mod config;
mod open;
mod position;
#[cfg(test)]
mod tests;
mod training;

pub use config::{LoraConfig, SftConfig};
pub use position::Best;
pub use training::{Summary, Training};
