//! On-policy distillation (GKD, DAgger; method §15): the policy writes its own lists, and learns at each choice what it would have written
//! there under the constraints, or what the constrained teacher would.
//!
//! A [`DistillTrainer`] goes in iterations. [`crate::ppo::prompts`] states requests of the trained tasks, [`crate::ppo::rollout`] lets
//! the policy answer freely, [`list_teacher`] turns each answer into soft targets, and a step of the optimiser lowers the divergence of
//! the policy from them. Where PPO has one number for a line, this has a distribution over all titles that the request still allows and
//! still lacks, also behind the policy's own mistakes.

pub mod answer_logits;
pub mod config;
pub mod context;
pub mod examples;
pub mod list_teacher;
pub mod state;
#[cfg(test)]
mod tests;
pub mod trainer;

pub use config::DistillConfig;
pub use context::DistillContext;
pub use trainer::DistillTrainer;
