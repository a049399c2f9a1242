//! The teacher: a small classical recommender, SASRec, that labels the language model's training answers (method §2).

pub mod checkpoint;
pub mod config;
pub mod evaluate;
pub mod examples;
mod model;
mod popularity;
pub mod query;
pub mod schedule;
#[cfg(test)]
mod tests;
pub mod train;

pub use config::TeacherConfig;
pub use model::Teacher;
pub use popularity::Popularity;
pub use query::{ItemScope, RankQuery, Scorer, TopKQuery};
