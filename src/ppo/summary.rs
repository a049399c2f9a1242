//! The result of a training by rollouts, and its lines about evaluations in metrics.jsonl.

use serde::{Serialize, Serializer};
use serde_json::json;

use super::policy_eval::PolicyEvalReport;
use crate::train::Best;

/// The result of a training by rollouts: PPO or on-policy distillation.
#[derive(Debug, Clone, Serialize)]
pub struct PolicySummary {
    /// Iterations completed.
    pub iterations: u64,
    /// The evaluation that none has surpassed.
    #[serde(serialize_with = "as_reward")]
    pub best: Option<Best>,
    /// The evaluation before the first step, where this process made it.
    pub before: Option<PolicyEvalReport>,
    /// The evaluation of the best policy, where this process made it.
    pub after: Option<PolicyEvalReport>,
    /// Tokens of answers, per second over this process's iterations, evaluations left out.
    pub tokens_per_second: f64,
    /// The most main memory that this process has held, in bytes.
    pub peak_memory_bytes: u64,
}

/// Its score by its name.
fn as_reward<S: Serializer>(best: &Option<Best>, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    best.map(|Best { score, step }| json!({ "reward": score, "iteration": step })).serialize(serializer)
}

/// A line of metrics.jsonl: an evaluation.
#[derive(Debug, Serialize)]
pub struct ValidationRecord<'a> {
    /// The iterations before it.
    pub step: u64,
    /// Passes over the prompts, with the part of the one at hand.
    pub epoch: f64,
    /// Seconds since the training began, resumed parts added up.
    pub seconds: f64,
    /// The mean list reward.
    pub reward: f64,
    /// The figures of each task.
    pub validation: &'a PolicyEvalReport,
}
