//! Evaluation: what lists are worth (method §10), and the same queries for every system that is compared (method §11).
//!
//! [`ExampleMeasure`] measures one list against its request, titles taken exactly; a [`TitleIndex`] corrects misspelt titles for
//! the forgiving figures. An [`Evaluator`] puts the queries of [`EvalTask`](crate::task::EvalTask)s to one [`System`]
//! after another, language models and plain recommenders, and ends as an [`Evaluation`]: means over users with bootstrap
//! confidence intervals, paired differences, and sample lists. A [`FullRanking`] turns a system's lists into rankings, [`UserSlices`] tell
//! groups of users apart, and a [`TunedGuide`] is the guide weight that is best on validation users.

mod accumulator;
mod bootstrap;
mod chat_perplexity;
mod config;
mod evaluation;
mod evaluator;
mod full_ranking;
mod fuzzy;
mod guide_tuning;
mod measure;
mod metric_means;
mod slices;
mod system;
mod table;
#[cfg(test)]
mod tests;
pub mod trec;

pub use bootstrap::{Bootstrap, ConfidenceInterval};
pub use chat_perplexity::perplexity;
pub use config::EvalConfig;
pub use evaluation::{
    ChatPerplexity, EvalProtocol, EvalSlice, Evaluation, ListSample, MeanComparison, SCHEMA, SampleItem, Speed,
    SystemComparison, SystemResult, TaskCoverage, TaskMetrics,
};
pub use evaluator::Evaluator;
pub use full_ranking::FullRanking;
pub use fuzzy::TitleIndex;
pub use guide_tuning::{CurvePoint, TunedGuide};
pub use measure::{ExampleMeasure, Measures};
pub use metric_means::MetricMeans;
pub use slices::{SLICED, UserSlices};
pub use system::{EvalQuery, LlmSystem, ScorerSystem, System, SystemAnswer};
pub use table::{EvalTable, TEACHER};
