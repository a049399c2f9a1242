//! Training language models: what supervised fine-tuning and reinforcement learning share, and the former ([`sft`]).

pub mod bench;
pub mod cost;
pub mod gradient;
pub mod lesson;
pub mod log;
pub mod memory;
pub mod plan;
pub mod room;
pub mod sample;
pub mod schedule;
pub mod scratch;
pub mod sft;
pub mod student;
pub mod tensorboard;
pub mod tuned;
pub mod validation;

pub use log::Log;
pub use memory::Memory;
pub use schedule::Schedule;
pub use student::Student;
pub use tuned::Tuned;
pub use validation::Validation;
