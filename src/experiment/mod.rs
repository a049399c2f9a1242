//! Experiments: a question, arms that differ in one thing, and the same evaluation for all of them (method §9, §8.6, §13).
//!
//! A [`Plan`] says what is compared, [`Settings`] how large everything is. Running a plan makes a data set, a teacher, the arms one
//! after another and an evaluation, each in a folder of its own; what is done already is not done again. An [`Outcome`] is the table
//! of it, and the figures to plot.

mod arms;
mod ground;
mod lab;
mod noisy;
mod outcome;
mod plan;
mod settings;
mod small_talk;
mod step;
#[cfg(test)]
mod tests;

pub use lab::run;
pub use noisy::Noisy;
pub use outcome::{Outcome, Point, Series};
pub use plan::{Arm, NAMES, Plan};
pub use settings::{Settings, Size};
