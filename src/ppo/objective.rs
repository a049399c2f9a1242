//! The figures of an iteration: rewards, and the divergence of the policy from the reference model.

use std::collections::BTreeMap;

use serde::Serialize;

use super::config::DivergenceGuard;
use super::experience::Trajectory;
use super::kl::{k1, k3};
use super::rollout::{Prompt, Rollout};
use crate::reward::Rewards;
use crate::task::Task;
use crate::{Error, Result};

/// Figures of an iteration before its steps, named as TRL and CleanRL name them where they do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Objective {
    objective: Sums,
    /// The mean list reward of each task.
    reward: BTreeMap<Task, f64>,
    /// The mean reward of a line.
    item_reward: f64,
    /// k3 to the reference policy, per token.
    reference_kl: f64,
    /// The part of the variance of the returns that the critic foresaw; none without a critic.
    #[serde(skip_serializing_if = "Option::is_none")]
    explained_variance: Option<f64>,
    /// Tokens of an answer.
    answer_tokens: f64,
    /// The part of the answers that were cut off before their end.
    unfinished: f64,
    /// The part of the prompts whose answers all have the same rewards, so that none of them has an advantage.
    frac_reward_zero_std: f64,
}

/// Sums over an answer's tokens, as means over the answers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct Sums {
    /// Σ k1 to the reference policy.
    kl: f64,
    /// −Σ log π.
    entropy: f64,
    /// The list reward.
    scores: f64,
    /// −β · kl: what leaving the reference policy costs.
    non_score_reward: f64,
    /// Both together.
    rlhf_reward: f64,
}

impl Objective {
    /// The figures of answers with their rewards and trajectories, under the penalty β.
    pub fn of(
        prompts: &[Prompt],
        rollouts: &[Rollout],
        rewards: &[Rewards],
        trajectories: &[Trajectory],
        beta: f64,
    ) -> Self {
        let count = rollouts.len() as f64;
        let tokens = || {
            let pairs = trajectories.iter().flat_map(|t| t.log_probs.iter().zip(&t.references));
            pairs.map(|(&log_prob, &reference)| (f64::from(log_prob), f64::from(reference)))
        };
        let kl = tokens().map(|(log_prob, reference)| k1(log_prob, reference)).sum::<f64>() / count;
        let scores = rewards.iter().map(|rewards| rewards.list).sum::<f64>() / count;
        let mut by_task = BTreeMap::<Task, Vec<f64>>::new();
        for (rollout, rewards) in rollouts.iter().zip(rewards) {
            by_task.entry(prompts[rollout.prompt].task).or_default().push(rewards.list);
        }
        Self {
            objective: Sums {
                kl,
                entropy: -tokens().map(|(log_prob, _)| log_prob).sum::<f64>() / count,
                scores,
                non_score_reward: -beta * kl,
                rlhf_reward: scores - beta * kl,
            },
            reward: by_task.into_iter().map(|(task, rewards)| (task, mean(&rewards))).collect(),
            item_reward: mean(&rewards.iter().flat_map(|rewards| rewards.items.clone()).collect::<Vec<_>>()),
            reference_kl: mean(&tokens().map(|(log_prob, reference)| k3(log_prob, reference)).collect::<Vec<_>>()),
            explained_variance: explained_variance(trajectories),
            answer_tokens: tokens().count() as f64 / count,
            unfinished: rollouts.iter().filter(|rollout| !rollout.is_finished).count() as f64 / count,
            frac_reward_zero_std: without_advantage(rollouts, rewards),
        }
    }

    /// The mean list reward.
    pub fn reward(&self) -> f64 {
        self.objective.scores
    }

    /// The mean divergence of an answer from the reference policy.
    pub fn kl(&self) -> f64 {
        self.objective.kl
    }

    /// Checks the divergence from the reference model by k1, since in k3 a single token that the policy all but never chooses, and the
    /// reference does, can outweigh all others.
    ///
    /// # Errors
    /// A divergence from the reference policy that is NaN or infinite, or beyond what is safe.
    pub fn check(&self, divergence_guard: &DivergenceGuard) -> Result<()> {
        let per_token = self.objective.kl / self.answer_tokens;
        if !per_token.is_finite() || per_token > divergence_guard.max_kl {
            return Err(Error::Failed(format!(
                "the policy has left the reference: a divergence of {per_token:.2} nats per token, more than {} (divergence_guard.max_kl)",
                divergence_guard.max_kl
            )));
        }
        Ok(())
    }
}

/// The part of the groups (answers to one prompt, which stand side by side) whose rewards are all the same.
fn without_advantage(rollouts: &[Rollout], rewards: &[Rewards]) -> f64 {
    let mut rest = rewards;
    let groups: Vec<bool> = rollouts
        .chunk_by(|a, b| a.prompt == b.prompt)
        .map(|group| {
            let (of_group, others) = rest.split_at(group.len());
            rest = others;
            of_group.windows(2).all(|pair| pair[0] == pair[1])
        })
        .collect();
    groups.iter().filter(|is_alike| **is_alike).count() as f64 / groups.len().max(1) as f64
}

/// 1 − Var(R − V) / Var(R); `None` without a critic, or where the returns do not vary.
fn explained_variance(trajectories: &[Trajectory]) -> Option<f64> {
    let returns: Vec<f64> = trajectories.iter().flat_map(|t| t.returns.clone()).collect();
    let errors: Vec<f64> =
        trajectories.iter().flat_map(|t| t.returns.iter().zip(&t.values).map(|(r, v)| r - v)).collect();
    let spread = variance(&returns);
    (spread > 0.0).then(|| 1.0 - variance(&errors) / spread)
}

fn variance(numbers: &[f64]) -> f64 {
    let mean = mean(numbers);
    self::mean(&numbers.iter().map(|number| (number - mean).powi(2)).collect::<Vec<_>>())
}

fn mean(numbers: &[f64]) -> f64 {
    if numbers.is_empty() { 0.0 } else { numbers.iter().sum::<f64>() / numbers.len() as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tiller_models::train::Sample;

    fn trajectory(returns: &[f64], values: &[f64]) -> Trajectory {
        Trajectory {
            sample: Sample { tokens: Vec::new(), scored: 0..0 },
            log_probs: Vec::new(),
            references: Vec::new(),
            values: values.to_vec(),
            advantages: Vec::new(),
            returns: returns.to_vec(),
            item_starts: vec![0],
        }
    }

    #[test]
    fn a_critic_explains_what_it_foresaw() {
        let of = |values: &[f64]| {
            explained_variance(&[trajectory(&[1.0, 2.0], &values[..2]), trajectory(&[3.0], &values[2..])])
        };
        assert_eq!(of(&[1.0, 2.0, 3.0]), Some(1.0));
        assert_eq!(of(&[2.0, 2.0, 2.0]), Some(0.0));
        assert_eq!(of(&[3.0, 2.0, 1.0]), Some(-3.0));
        assert_eq!(explained_variance(&[trajectory(&[], &[])]), None);
    }

    #[test]
    fn a_group_whose_answers_earn_the_same_has_no_advantage() {
        let rollout = |prompt: usize| Rollout {
            prompt,
            tokens: vec![1],
            log_probs: None,
            ends: Vec::new(),
            list: Vec::new(),
            text: String::new(),
            is_finished: true,
        };
        let rewards = |list: f64| Rewards { items: vec![0.5], missing: 0.0, list, gains: vec![list] };
        let rollouts = [0, 0, 1, 1, 1, 2, 2].map(rollout);
        let rewards = [1.0, 1.0, 1.0, 2.0, 1.0, 3.0, 3.0].map(rewards);
        assert_eq!(without_advantage(&rollouts, &rewards), 2.0 / 3.0);
        assert_eq!(without_advantage(&[], &[]), 0.0);
    }

    #[test]
    fn a_single_token_is_no_reason_to_stop_and_a_policy_that_went_far_is() {
        let objective = |kl: f64, reference_kl: f64| Objective {
            objective: Sums {
                kl,
                entropy: 4.5,
                scores: 6.0,
                non_score_reward: -0.02 * kl,
                rlhf_reward: 6.0 - 0.02 * kl,
            },
            reward: BTreeMap::new(),
            item_reward: 0.3,
            reference_kl,
            explained_variance: None,
            answer_tokens: 34.0,
            unfinished: 0.0,
            frac_reward_zero_std: 0.0,
        };
        let divergence_guard = DivergenceGuard { max_kl: 1.0, ..DivergenceGuard::default() };
        // Of 4,352 tokens one that π gives e⁻¹⁰ and π_ref e⁻¹·⁶ lifts the mean of k3 by 1.02, and lowers that of k1 by 0.002.
        assert!(objective(2.7, 1.1).check(&divergence_guard).is_ok());
        for kl in [34.1, f64::NAN, f64::NEG_INFINITY] {
            let error = objective(kl, 0.1).check(&divergence_guard).unwrap_err();
            assert!(error.to_string().contains("left the reference"), "{error}");
        }
    }
}
