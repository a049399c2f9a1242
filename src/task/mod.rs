//! The tasks of the method (method §4) in one table, and the metrics that measure them.
//!
//! [`Task`] holds the table: the code, family, control and validation share of every task. Everything else reads it:
//! `instruct` builds training examples for a [`TaskFamily`], alignment prompts and evaluation queries for a task;
//! `reward` scores the [`Control`]; `evaluate` measures an [`EvalTask`], a task with its share and wording
//! (`LP20:ambiguous`), by the [`Metric`]s.

mod eval_task;
mod family;
pub mod metric;
mod table;

pub use eval_task::{EvalTask, PromptWording};
pub use family::TaskFamily;
pub use metric::Metric;
pub use table::{Control, LIST_LENGTH, Task};
