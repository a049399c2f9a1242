//! Training language models: what supervised fine-tuning and reinforcement learning share.

pub mod log;
pub mod memory;
pub mod schedule;
pub mod tensorboard;

pub use log::Log;
pub use memory::Memory;
pub use schedule::Schedule;
