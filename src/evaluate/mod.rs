//! What lists are worth (method §10), and the same questions to all that are compared (method §11).
//!
//! [`measure`] measures one list, titles as they are; the forgiving figures are those of titles that a [`TitleIndex`] has mended before.
//! An [`Evaluator`] puts [`EvalTask`]s to one [`System`] after another, models and recommenders without words, and ends as an
//! [`Evaluation`]: means over users with intervals, differences resampled in pairs, and lists to look at.

mod answerer;
mod bootstrap;
mod chat;
mod exam;
mod fuzzy;
mod measure;
mod metric;
mod result;
mod subject;
mod summary;
mod table;
mod tally;
#[cfg(test)]
mod tests;

pub use answerer::{EvalQuery, LlmSystem, ScorerSystem, System, SystemAnswer};
pub use bootstrap::{Bootstrap, ConfidenceInterval};
pub use chat::perplexity;
pub use exam::{EvalConfig, Evaluator};
pub use fuzzy::TitleIndex;
pub use measure::{Measures, measure};
pub use metric::Metric;
pub use result::{
    ChatPerplexity, EvalProtocol, Evaluation, ListSample, SCHEMA, SampleItem, Speed, SystemComparison, SystemResult,
    TaskCoverage, TaskMetrics,
};
pub use subject::EvalTask;
pub use summary::MetricMeans;
