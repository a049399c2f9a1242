//! Supervised fine-tuning: a language model learns the teacher's lists by their wordings (method §5).

mod batch_plan;
pub mod config;
mod open;
mod state;
#[cfg(test)]
mod tests;
mod trainer;

pub use config::{ItemTokenConfig, SftConfig, SftLoraConfig};
pub use trainer::{SftSummary, SftTrainer};
