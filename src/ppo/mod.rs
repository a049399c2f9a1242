//! Proximal policy optimisation of lists (method §6–7): the policy answers, the catalogue and the teacher reward, the policy moves.
//!
//! A [`trainer::PpoTrainer`] goes in iterations. [`prompts`] states requests of the trained tasks, [`rollout`] lets the actor answer and keeps the
//! log-probability of every token, [`crate::reward`] scores the lists, [`experience`] makes of it what every token has earned, and
//! [`update`] moves actor and critic, which stand on one frozen model with the reference [`policy`]; beside its own answers the actor learns
//! some of its tuning again ([`sft_mixin`]). In between, [`policy_eval`] asks held-out questions.
//!
//! What is computed per token stands in small files of plain numbers, each with its formula and its worked example: [`kl`] to the
//! reference policy, [`scale`] of rewards, [`advantage`]s, and the clipped [`loss`]es.

pub mod advantage;
pub mod config;
pub mod experience;
pub mod hyperparameters;
pub mod kl;
pub mod lines;
pub mod loss;
pub mod memory;
pub mod objective;
pub mod policy;
pub mod policy_eval;
pub mod prompts;
pub mod rollout;
pub mod sample_log;
pub mod scale;
pub mod sft_mixin;
pub mod state;
pub mod summary;
#[cfg(test)]
pub(crate) mod tests;
pub mod trainer;
pub mod units;
pub mod update;

pub use config::PpoConfig;
pub use summary::PolicySummary;
pub use trainer::{PpoTrainer, TrainContext};
