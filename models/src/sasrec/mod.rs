//! SASRec, the sequential recommender that teaches the language model (method §2).
//!
//! W.-C. Kang and J. McAuley, Self-Attentive Sequential Recommendation, ICDM 2018, with the full softmax and the
//! post-norm layers of the method. It reads a user's newest items and scores every item of the catalogue.

mod answer;
mod block;
mod config;
mod gradient;
mod groups;
mod model;
mod norm;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

pub use config::SasRecConfig;
pub use gradient::{Gradient, SasRecExample};
pub use model::SasRec;
