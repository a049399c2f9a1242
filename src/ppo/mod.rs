//! Proximal policy optimisation of lists (method §6–7): the policy answers, the catalogue and the teacher reward, the policy moves.
//!
//! A [`training::Training`] goes in iterations. [`prompts`] asks what is practised, [`rollout`] lets the actor answer and keeps the
//! log-probability of every token, [`crate::reward`] judges the lists, [`experience`] makes of it what every token has earned, and
//! [`learn`] moves actor and critic, which stand on one frozen model with the reference [`policy`]; beside its own answers the actor learns
//! some of its tuning again ([`rehearsal`]). In between, an [`audit`] asks held-out questions.
//!
//! What is computed per token stands in small files of plain numbers, each with its formula and its worked example: [`kl`] to the
//! reference policy, [`scale`] of rewards, [`advantage`]s, and the clipped [`loss`]es.

pub mod advantage;
pub mod audit;
pub mod bench;
pub mod config;
pub mod experience;
pub mod kl;
pub mod learn;
pub mod lines;
pub mod loss;
pub mod objective;
pub mod plan;
pub mod policy;
pub mod position;
pub mod prompts;
pub mod rehearsal;
pub mod rollout;
pub mod samples;
pub mod scale;
#[cfg(test)]
mod tests;
pub mod training;

pub use config::PpoConfig;
pub use training::{Summary, Surroundings, Training};
