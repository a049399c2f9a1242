//! The constants of the rewards, and their variants.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::run::config::out_of_range;
use crate::{Error, Result};

/// The rules of rewards. The default has the method's constants with its open points resolved; [`RewardRules::paper`] has
/// the authors' rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RewardRules {
    /// The rewards that a policy is trained on.
    pub level: Level,
    /// α: the part of accuracy in both rewards; 1 − α is the part of control. From 0 to 1.
    pub alpha: f64,
    /// Dense rewards: every line earns its change of the list's reward, instead of the end earning it all. This is
    /// potential-based reward shaping (Ng, Harada and Russell 1999): the sum, and so the best policy, stays the same, and
    /// the credit of earlier lines no longer blurs that of later ones.
    pub dense: bool,
    /// The weight of item rewards.
    pub item_weight: f64,
    /// The weight of the list reward, which is the reward of an ideal list.
    pub list_weight: f64,
    /// The score of a line that is no valid item: a repeated or hallucinated item, an item of the history, a surplus line.
    pub penalty: f64,
    /// The control score of an item that violates the request, from −1, the score of an error, to 0, the method's. Scores
    /// of other items are scaled to lie between it and 1.
    pub violation_score: f64,
    /// The control score of the items of a share.
    pub shares: ShareRule,
    /// The control score of a list by its shortfall: the number of items by which it misses a share or category.
    pub shortfall_fn: ShortfallFn,
    /// The score of the teacher's rank of an item.
    pub rank_score: RankScore,
    /// Penalise every item that the list lacks like an invalid line. By the method's letter it costs nothing, and a policy
    /// that often errs learns to end its lists early.
    pub missing: bool,
    /// The cost of lines beyond those that were asked for.
    pub surplus: Surplus,
}

/// The rewards that a policy is trained on (the ablation of method §8.6).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// A reward at the end of every item.
    Item,
    /// One reward at the end of the list.
    List,
    /// Both.
    #[default]
    Both,
}

/// The control score of the items of a share, and the shortfall of a list (method §8.2, method §8.4).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShareRule {
    /// 1 for an item that the share needs, ½ for one that it allows, 0 for one too many, both inside and outside the set.
    /// The shortfall is what a full list lacks on either side, so a short list meets no "at most" (method B10).
    #[default]
    Marginal,
    /// The authors' table, in which the last allowed item of an "at most" scores 0, and an "about" is not symmetric.
    Authors,
}

/// The cost of lines beyond those that were asked for (method B12). Each of them has the reward of an error in any case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Surplus {
    /// All of them together cost one error.
    #[default]
    Once,
    /// Each costs an error, but the sum of the scores of all lines is never below −B(n). That also hides all errors beyond
    /// some three lines of ten.
    Clamp,
    /// Each costs an error, the authors' way.
    Each,
}

/// The control score of a list that misses a share or category by `shortfall` items of n.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShortfallFn {
    /// 1 / (shortfall + 1).
    #[default]
    Reciprocal,
    /// 1 / log₂(shortfall + 2).
    Logarithmic,
    /// 1 − shortfall / n, not below 0.
    Linear,
}

/// The score of a valid item that is not the target, by its rank among the items outside the history.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RankScore {
    /// 1 / log₂(rank + 3): 0.631 for the teacher's best item, never above the target's 1.
    #[default]
    Logarithmic,
    /// 1 − rank / number of items.
    Linear,
}

impl Level {
    /// The names of the levels, as flags and settings spell them.
    pub const NAMES: [&str; 3] = ["item", "list", "both"];
}

impl FromStr for Level {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "item" => Ok(Level::Item),
            "list" => Ok(Level::List),
            "both" => Ok(Level::Both),
            _ => {
                Err(Error::bad_input("reward level").expected(Self::NAMES.join(", ")).found(format!("{text:?}")).into())
            }
        }
    }
}

impl Default for RewardRules {
    fn default() -> Self {
        Self {
            level: Level::Both,
            dense: true,
            alpha: 0.5,
            item_weight: 1.0,
            list_weight: 10.0,
            penalty: -1.0,
            violation_score: 0.0,
            shares: ShareRule::Marginal,
            shortfall_fn: ShortfallFn::Reciprocal,
            rank_score: RankScore::Logarithmic,
            missing: true,
            surplus: Surplus::Once,
        }
    }
}

impl RewardRules {
    /// The authors' rules.
    pub fn paper() -> Self {
        Self { dense: false, shares: ShareRule::Authors, missing: false, surplus: Surplus::Each, ..Self::default() }
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// The key that is out of its range.
    pub fn validate(&self) -> Result<()> {
        let wrong =
            |key: &str, expected: &str, found: f64| Err(out_of_range(&format!("reward.{key}"), expected, found));
        if !(0.0..=1.0).contains(&self.alpha) {
            return wrong("alpha", "a number from 0 to 1", self.alpha);
        }
        for (key, weight) in [("item_weight", self.item_weight), ("list_weight", self.list_weight)] {
            if !(weight >= 0.0 && weight.is_finite()) {
                return wrong(key, "a number of at least 0", weight);
            }
        }
        if !(self.penalty <= 0.0 && self.penalty.is_finite()) {
            return wrong("penalty", "a number of at most 0", self.penalty);
        }
        if !(-1.0..=0.0).contains(&self.violation_score) {
            return wrong("violation_score", "a number from -1 to 0", self.violation_score);
        }
        Ok(())
    }
}
