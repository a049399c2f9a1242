//! The hyperparameters of PPO's updates.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::run::config::out_of_range;
use crate::{Error, Result};

/// The hyperparameters of PPO.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PpoHyperparameters {
    /// Passes over an iteration's answers, at most.
    pub epochs: u32,
    /// Answers of a step.
    pub minibatch: usize,
    /// Answers that are computed at once (the micro-batch); none for as many as the free memory allows. The result is the same for all
    /// sizes, up to rounding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<usize>,
    /// β of the KL penalty: the price on every token for leaving the reference policy.
    pub kl_coef: f64,
    /// γ: what a reward is worth one token earlier, where a critic expects it.
    pub gamma: f64,
    /// The discount from item to item, where answers are compared with each other (RLOO); with 0 an item has its own reward alone.
    pub item_gamma: f64,
    /// λ of the advantage estimates.
    pub lambda: f64,
    /// The baseline of an answer.
    pub baseline: Baseline,
    /// Score tokens at the temperature at which they were drawn, so that the policy that learns is the one that sampled; the authors'
    /// learns at temperature 1, whatever it samples at.
    pub score_at_sampling_temperature: bool,
    /// Divide list rewards by their running deviation, and item rewards by that of their task.
    pub scale_rewards: bool,
    /// Divide an iteration's rewards by their deviation.
    pub whiten_rewards: bool,
    /// Advantage normalization: bring an iteration's advantages to mean 0 and deviation 1.
    pub normalize_advantages: bool,
    /// Do both within each task, so that a task whose rewards vary much does not outweigh the others.
    pub per_task_normalization: bool,
    /// The unit whose probability ratio is clipped: a token, or an item of the list.
    pub importance_sampling_level: ImportanceSamplingLevel,
    /// ε of the clipped surrogate loss: the ratio of a token's or an item's probabilities stays within 1 ± ε in an iteration.
    pub clip: f64,
    /// ε of the clipped value loss: values stay within ± this of the old ones.
    pub value_clip: f64,
    /// The weight of the critic's loss.
    pub vf_coef: f64,
    /// The weight of the entropy that the policy is to keep.
    pub ent_coef: f64,
    /// An iteration ends with the epoch whose mean divergence from the policy that sampled is above this.
    pub target_kl: f64,
}

/// The baseline that an answer is compared with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Baseline {
    /// The other answers to the same prompt, item by item; no critic is trained (RLOO).
    #[default]
    #[serde(alias = "group")]
    Rloo,
    /// The value of a critic (GAE).
    Critic,
}

impl FromStr for Baseline {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "rloo" | "group" => Ok(Self::Rloo),
            "critic" => Ok(Self::Critic),
            _ => Err(Error::bad_input("--baseline").expected("rloo or critic").found(name).into()),
        }
    }
}

/// The unit whose probability ratio is clipped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImportanceSamplingLevel {
    /// Every token by itself.
    #[default]
    Token,
    /// An item of the list: the geometric mean of its tokens' ratios, with the advantage that the item has over those of the same rank in
    /// the other answers (Rank-GRPO, arXiv 2510.20150).
    Item,
}

impl Default for PpoHyperparameters {
    fn default() -> Self {
        Self {
            epochs: 2,
            minibatch: 32,
            batch: None,
            kl_coef: 0.1,
            gamma: 1.0,
            item_gamma: 0.0,
            lambda: 1.0,
            baseline: Baseline::Rloo,
            score_at_sampling_temperature: true,
            scale_rewards: false,
            whiten_rewards: true,
            normalize_advantages: true,
            per_task_normalization: true,
            importance_sampling_level: ImportanceSamplingLevel::Token,
            clip: 0.2,
            value_clip: 0.2,
            vf_coef: 0.1,
            ent_coef: 0.0,
            target_kl: 0.05,
        }
    }
}

impl PpoHyperparameters {
    /// Checks that the hyperparameters make sense.
    ///
    /// # Errors
    /// The key that does not.
    pub(super) fn validate(&self) -> Result<()> {
        let Self {
            epochs,
            minibatch,
            batch,
            kl_coef,
            gamma,
            item_gamma,
            lambda,
            clip,
            value_clip,
            vf_coef,
            ent_coef,
            target_kl,
            ..
        } = *self;
        for (key, value) in [("epochs", epochs as usize), ("minibatch", minibatch), ("batch", batch.unwrap_or(1))] {
            if value == 0 {
                return Err(out_of_range(&format!("learning.{key}"), "at least 1", 0));
            }
        }
        for (key, value, most) in [
            ("kl_coef", kl_coef, f64::MAX),
            ("gamma", gamma, 1.0),
            ("item_gamma", item_gamma, 1.0),
            ("lambda", lambda, 1.0),
            ("clip", clip, 1.0),
            ("value_clip", value_clip, f64::MAX),
            ("vf_coef", vf_coef, f64::MAX),
            ("ent_coef", ent_coef, f64::MAX),
        ] {
            if !(0.0..=most).contains(&value) {
                let expected = if most == 1.0 { "a number from 0 to 1" } else { "a number of at least 0" };
                return Err(out_of_range(&format!("learning.{key}"), expected, value));
            }
        }
        if target_kl.is_nan() || target_kl <= 0.0 {
            return Err(out_of_range("learning.target_kl", "a number above 0", target_kl));
        }
        Ok(())
    }
}
