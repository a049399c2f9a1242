//! The inputs of a distillation.

use super::config::DistillConfig;
use crate::data::Dataset;
use crate::instruct::ExampleBuilder;

/// The inputs of a distillation.
pub struct DistillContext<'a, S> {
    /// The source of the prompts.
    pub builder: &'a ExampleBuilder<'a, S>,
    /// The teacher.
    pub teacher: &'a S,
    /// The data set of both.
    pub dataset: &'a Dataset,
    /// The settings.
    pub config: &'a DistillConfig,
}
