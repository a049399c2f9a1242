//! From rewarded answers to what each of their tokens teaches (method §7.5–7.6).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tiller_models::train::Sample;

use super::hyperparameters::{Baseline, PpoHyperparameters};
use super::rollout::{Prompt, Rollout};
use super::scale::{RunningStd, normalize, per_group, whiten};
use super::{advantage, kl};
use crate::reward::{Level, RewardRules, Rewards};
use crate::task::Task;

/// An answer with the signals of each token. All lists have an entry for each of the answer's tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct Trajectory {
    /// The prompt and the answer, whose tokens count.
    pub sample: Sample,
    /// log π of the policy that answered.
    pub log_probs: Vec<f32>,
    /// log π_ref.
    pub references: Vec<f32>,
    /// The critic's value before the token; empty without a critic.
    pub values: Vec<f64>,
    /// The excess of the token's return over the baseline.
    pub advantages: Vec<f64>,
    /// The targets of the critic.
    pub returns: Vec<f64>,
    /// The tokens with which the answer's items begin; the first is 0.
    pub item_starts: Vec<usize>,
}

/// The sizes of rewards seen so far: of lists together, of items by task (method §7.5).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RewardScales {
    list: RunningStd,
    items: BTreeMap<Task, RunningStd>,
}

impl RewardScales {
    /// Takes in an answer's rewards.
    fn see(&mut self, task: Task, rewards: &Rewards) {
        self.list.see(rewards.list);
        let items = self.items.entry(task).or_default();
        rewards.items.iter().for_each(|&reward| items.see(reward));
    }

    /// The rewards of an answer, divided by the size of their like.
    fn scale(&self, task: Task, rewards: &Rewards) -> Rewards {
        let items = self.items.get(&task).map_or(1.0, RunningStd::deviation);
        let list = self.list.deviation();
        Rewards {
            items: rewards.items.iter().map(|reward| reward / items).collect(),
            missing: rewards.missing / items,
            list: rewards.list / list,
            gains: rewards.gains.iter().map(|gain| gain / list).collect(),
        }
    }
}

/// The reward of each token of an answer (method §7.5): an item's reward on the token that ends its line, what is lacking on the last token, and there
/// the list's reward too, or that part of it which the lines have not earned yet.
pub fn token_rewards(rollout: &Rollout, rewards: &Rewards, rules: &RewardRules) -> Vec<f64> {
    let mut earned = vec![0.0; rollout.tokens.len()];
    let last = earned.len() - 1;
    let mut at_ends =
        |rewards: &[f64]| rollout.ends.iter().zip(rewards).for_each(|(&end, reward)| earned[end] += reward);
    if rules.level != Level::List {
        at_ends(&rewards.items);
    }
    let spread = if rules.level != Level::Item && rules.dense { &rewards.gains[..] } else { &[] };
    at_ends(spread);
    if rules.level != Level::List {
        earned[last] += rewards.missing;
    }
    if rules.level != Level::Item {
        earned[last] += rewards.list - spread.iter().sum::<f64>();
    }
    earned
}

/// Answers with what the policy, the reference policy and the critic said about their tokens.
pub struct ScoredRollouts<'a> {
    /// The prompts.
    pub prompts: &'a [Prompt],
    /// Their answers, those to one prompt side by side.
    pub rollouts: &'a [Rollout],
    /// The rewards of each answer.
    pub rewards: &'a [Rewards],
    /// log π of each answer's tokens.
    pub log_probs: Vec<Vec<f32>>,
    /// log π_ref.
    pub references: Vec<Vec<f32>>,
    /// The critic's values; none without a critic.
    pub values: Option<Vec<Vec<f64>>>,
}

impl ScoredRollouts<'_> {
    /// The trajectories to learn from, in the order of the answers.
    pub fn trajectories(
        self,
        rules: &RewardRules,
        learning: &PpoHyperparameters,
        scales: &mut RewardScales,
    ) -> Vec<Trajectory> {
        let task = |rollout: &Rollout| self.prompts[rollout.prompt].task;
        let answers = || self.rollouts.iter().zip(self.rewards);
        answers().for_each(|(rollout, rewards)| scales.see(task(rollout), rewards));
        let mut earned: Vec<Vec<f64>> = answers()
            .zip(self.log_probs.iter().zip(&self.references))
            .map(|((rollout, rewards), (log_probs, references))| {
                let earned = match learning.scale_rewards {
                    true => token_rewards(rollout, &scales.scale(task(rollout), rewards), rules),
                    false => token_rewards(rollout, rewards, rules),
                };
                kl::penalised(&earned, log_probs, references, learning.kl_coef)
            })
            .collect();
        // Among the answers of each task, or among all.
        let tasks: Vec<Option<Task>> =
            self.rollouts.iter().map(|rollout| learning.per_task_normalization.then(|| task(rollout))).collect();
        if learning.whiten_rewards {
            per_group(&mut earned, &tasks, whiten);
        }

        let mut advantages = match (learning.baseline, &self.values) {
            (Baseline::Critic, Some(values)) => {
                let gae = |(earned, values): (&Vec<f64>, &Vec<f64>)| {
                    advantage::gae(earned, values, learning.gamma, learning.lambda)
                };
                earned.iter().zip(values).map(gae).collect()
            }
            _ => self.compared(&earned, learning.item_gamma),
        };
        let values = self.values.unwrap_or_else(|| vec![Vec::new(); earned.len()]);
        let returns: Vec<Vec<f64>> = advantages.iter().zip(&values).map(|(a, v)| sum(a, v)).collect();
        if learning.normalize_advantages {
            per_group(&mut advantages, &tasks, normalize);
        }

        let policy = self.log_probs.into_iter().zip(self.references);
        let critic = values.into_iter().zip(returns);
        let parts = self.rollouts.iter().zip(policy).zip(advantages.into_iter().zip(critic));
        parts
            .map(|((rollout, (log_probs, references)), (advantages, (values, returns)))| Trajectory {
                sample: sample(&self.prompts[rollout.prompt], rollout),
                log_probs,
                references,
                values,
                advantages,
                returns,
                item_starts: item_starts(rollout),
            })
            .collect()
    }

    /// Advantages over the other answers to the same prompt.
    fn compared(&self, earned: &[Vec<f64>], gamma: f64) -> Vec<Vec<f64>> {
        let starts: Vec<Vec<usize>> = self.rollouts.iter().map(item_starts).collect();
        let mut advantages = Vec::with_capacity(earned.len());
        for answers in self.rollouts.chunk_by(|a, b| a.prompt == b.prompt) {
            let group = advantages.len()..advantages.len() + answers.len();
            advantages.extend(advantage::rloo(&earned[group.clone()], &starts[group], gamma));
        }
        advantages
    }
}

/// Prompt and answer as one sequence, in which the answer counts.
pub fn sample(prompt: &Prompt, rollout: &Rollout) -> Sample {
    let start = prompt.tokens.len();
    Sample { tokens: [&prompt.tokens[..], &rollout.tokens].concat(), scored: start..start + rollout.tokens.len() }
}

/// The tokens with which the items of an answer begin: the first one, and each behind the end of an item.
fn item_starts(rollout: &Rollout) -> Vec<usize> {
    let behind = rollout.ends.iter().map(|end| end + 1).filter(|&start| start < rollout.tokens.len());
    std::iter::once(0).chain(behind).collect()
}

/// A + V, token by token; nothing without values.
fn sum(advantages: &[f64], values: &[f64]) -> Vec<f64> {
    advantages.iter().zip(values).map(|(a, v)| a + v).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instruct::Example;
    use crate::request::CompiledRequest;
    use crate::task::TaskFamily;

    fn prompt(task: Task) -> Prompt {
        let example = Example {
            family: TaskFamily::I0,
            request: None,
            messages: Vec::new(),
            answer: String::new(),
            target: None,
            items: Vec::new(),
        };
        let request = CompiledRequest::default();
        Prompt { task, example, request, tokens: vec![7, 8, 9], max_answer_tokens: 9 }
    }

    fn rollout(prompt: usize, tokens: usize, ends: &[usize]) -> Rollout {
        Rollout {
            prompt,
            tokens: (0..tokens as u32).collect(),
            log_probs: None,
            ends: ends.to_vec(),
            list: Vec::new(),
            text: String::new(),
            is_finished: true,
        }
    }

    fn close(found: &[f64], expected: &[f64]) {
        let equal = found.len() == expected.len() && found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-9);
        assert!(equal, "{found:?} is not {expected:?}");
    }

    fn rewards(items: &[f64], list: f64) -> Rewards {
        Rewards { items: items.to_vec(), missing: 0.0, list, gains: Vec::new() }
    }

    #[test]
    fn items_are_rewarded_where_their_lines_end_and_the_list_at_its_end() {
        let of = |rollout: &Rollout, rewards: &Rewards, level| {
            token_rewards(rollout, rewards, &RewardRules { level, dense: false, ..RewardRules::default() })
        };
        let (whole, rewards) = (rollout(0, 6, &[1, 4]), rewards(&[0.5, -1.0], 3.0));
        assert_eq!(of(&whole, &rewards, Level::Item), [0.0, 0.5, 0.0, 0.0, -1.0, 0.0]);
        assert_eq!(of(&whole, &rewards, Level::List), [0.0, 0.0, 0.0, 0.0, 0.0, 3.0]);
        assert_eq!(of(&whole, &rewards, Level::Both), [0.0, 0.5, 0.0, 0.0, -1.0, 3.0]);
        let lacking = Rewards { missing: -2.0, ..rewards.clone() };
        assert_eq!(of(&whole, &lacking, Level::Item), [0.0, 0.5, 0.0, 0.0, -1.0, -2.0]);
        assert_eq!(of(&whole, &lacking, Level::List), [0.0, 0.0, 0.0, 0.0, 0.0, 3.0]);
        assert_eq!(of(&rollout(0, 5, &[1, 4]), &rewards, Level::Both), [0.0, 0.5, 0.0, 0.0, 2.0], "cut off");

        let spread = |level| {
            let rewards = Rewards { gains: vec![4.0, -2.0], ..rewards.clone() };
            token_rewards(&whole, &rewards, &RewardRules { level, ..RewardRules::default() })
        };
        assert_eq!(spread(Level::Item), [0.0, 0.5, 0.0, 0.0, -1.0, 0.0]);
        assert_eq!(spread(Level::List), [0.0, 4.0, 0.0, 0.0, -2.0, 1.0]);
        assert_eq!(spread(Level::Both), [0.0, 4.5, 0.0, 0.0, -3.0, 1.0]);
    }

    /// Both rewards, the list's at the end.
    fn at_the_end() -> RewardRules {
        RewardRules { dense: false, ..RewardRules::default() }
    }

    /// Two prompts with two answers each; π moved away from π_ref in the first answer alone.
    fn scored_rollouts<'a>(
        prompts: &'a [Prompt],
        rollouts: &'a [Rollout],
        rewards: &'a [Rewards],
    ) -> ScoredRollouts<'a> {
        let mut log_probs: Vec<Vec<f32>> = rollouts.iter().map(|rollout| vec![-1.0; rollout.tokens.len()]).collect();
        let references = log_probs.clone();
        log_probs[0][1] = -0.5;
        ScoredRollouts { prompts, rollouts, rewards, log_probs, references, values: None }
    }

    #[test]
    fn a_trajectory_by_hand() {
        let prompts = [prompt(Task::Sequential), prompt(Task::IncludeCategory)];
        let rollouts = [rollout(0, 3, &[1]), rollout(0, 2, &[0]), rollout(1, 2, &[]), rollout(1, 2, &[0])];
        let rewards = [rewards(&[1.0], 4.0), rewards(&[0.5], 2.0), rewards(&[], -1.0), rewards(&[1.0], 0.0)];
        let learning = PpoHyperparameters {
            kl_coef: 0.2,
            item_gamma: 1.0,
            whiten_rewards: false,
            normalize_advantages: false,
            ..PpoHyperparameters::default()
        };
        let mut scales = RewardScales::default();
        let of = |learning: &PpoHyperparameters, scales: &mut RewardScales| {
            scored_rollouts(&prompts, &rollouts, &rewards).trajectories(&at_the_end(), learning, scales)
        };
        let found = of(&learning, &mut scales);
        let Sample { tokens, scored } = &found[0].sample;
        assert_eq!((tokens.as_slice(), scored.clone()), ([7, 8, 9, 0, 1, 2].as_slice(), 3..6));
        // Token rewards 0, 1 − 0.2 · 0.5, 4 and 0.5, 2: returns 4.9, 4.9, 4 and 2.5, 2; items begin at 0, 2 and at 0, 1.
        close(&found[0].advantages, &[4.9 - 2.5, 4.9 - 2.5, 4.0 - 2.0]);
        close(&found[1].advantages, &[2.5 - 4.9, 2.0 - 4.0]);
        // The third answer has no line: it is one item from its beginning.
        close(&found[2].advantages, &[-1.0 - 1.0, -1.0 - 1.0]);
        close(&found[3].advantages, &[1.0 + 1.0, 0.0 + 1.0]);
        assert!(found.iter().all(|trajectory| trajectory.returns.is_empty()));

        let with_critic = PpoHyperparameters { baseline: Baseline::Critic, ..learning.clone() };
        let values = rollouts.iter().map(|rollout| vec![1.0; rollout.tokens.len()]).collect();
        let scored_rollouts = ScoredRollouts { values: Some(values), ..scored_rollouts(&prompts, &rollouts, &rewards) };
        let found = scored_rollouts.trajectories(&at_the_end(), &with_critic, &mut RewardScales::default());
        close(&found[0].advantages, &[3.9, 3.9, 3.0]);
        close(&found[0].returns, &[4.9, 4.9, 4.0]);
    }

    #[test]
    fn rewards_are_brought_to_one_size_where_it_is_asked_for() {
        let prompts = [prompt(Task::Sequential)];
        let rollouts = [rollout(0, 2, &[0]), rollout(0, 2, &[0])];
        let rewards = [rewards(&[1.0], 4.0), rewards(&[3.0], 8.0)];
        let learning = PpoHyperparameters {
            kl_coef: 0.0,
            item_gamma: 1.0,
            scale_rewards: true,
            whiten_rewards: false,
            normalize_advantages: false,
            ..PpoHyperparameters::default()
        };
        let mut scales = RewardScales::default();
        let plain = |prompts: &[Prompt], learning: &PpoHyperparameters, scales: &mut RewardScales| {
            let log_probs = vec![vec![-1.0; 2]; 2];
            let scored_rollouts = ScoredRollouts {
                prompts,
                rollouts: &rollouts,
                rewards: &rewards,
                references: log_probs.clone(),
                log_probs,
                values: None,
            };
            scored_rollouts.trajectories(&at_the_end(), learning, scales)
        };
        let found = plain(&prompts, &learning, &mut scales);
        // Deviations √2 of the items and √8 of the lists: differences −2/√2 and −4/√8 of one another.
        let root = 2f64.sqrt();
        assert!((found[0].advantages[0] + 2.0 * root).abs() < 1e-12 && (found[0].advantages[1] + root).abs() < 1e-12);
        let normalized = PpoHyperparameters { normalize_advantages: true, whiten_rewards: true, ..learning };
        let found = plain(&prompts, &normalized, &mut scales);
        let all: Vec<f64> = found.iter().flat_map(|trajectory| trajectory.advantages.clone()).collect();
        assert!(all.iter().sum::<f64>().abs() < 1e-9);
        assert!((all.iter().map(|a| a * a).sum::<f64>() / 3.0 - 1.0).abs() < 1e-6);
    }
}
