//! Experiments: a question, arms that differ in one thing, and the same evaluation for all of them (method §9, method §8.6, method §13).
//!
//! A [`ExperimentPlan`] says what is compared, [`ExperimentSettings`] how large everything is. Running a plan makes a data set, a teacher, the arms one
//! after another and an evaluation, each in a folder of its own; what is done already is not done again. An [`Outcome`] is the table
//! of it, and the figures to plot.

mod arms;
mod noisy;
mod outcome;
mod plan;
mod runner;
mod settings;
mod setup;
mod small_talk;
mod step;
#[cfg(test)]
mod tests;

pub use noisy::NoisyScorer;
pub use outcome::{FigurePoint, FigureSeries, Outcome};
pub use plan::{Arm, ExperimentPlan, NAMES};
pub use runner::run;
pub use settings::{ExperimentSettings, ExperimentSize};
