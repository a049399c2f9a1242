//! The constants of the rewards, and what can be exchanged in them.

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::run::config::out_of_range;

/// How lists are rewarded. The default has the method's constants with our resolutions; [`RewardRules::paper`] has the authors' rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RewardRules {
    /// Which of the two rewards a policy is trained on.
    pub level: Level,
    /// α: the part of accuracy in both rewards; 1 − α is the part of control. From 0 to 1.
    pub alpha: f64,
    /// The list's reward is earned line by line, each with what it adds to it, and not all of it at the end. The sum is the same, so that
    /// no other policy is the best one; but what earlier lines were worth no longer blurs what later ones are.
    #[serde(alias = "spread")]
    pub dense: bool,
    /// What an item reward is multiplied by.
    pub item_weight: f64,
    /// What a list reward is multiplied by: the reward of an ideal list.
    pub list_weight: f64,
    /// The score of a line that is no valid item.
    pub penalty: f64,
    /// τ of an item that the request has no room for, from −1, what an error scores, to 0, as the method has it. Other items lie between it
    /// and 1 as they lie between 0 and 1 by the method.
    #[serde(alias = "breach")]
    pub violation_score: f64,
    /// How the items of a share are scored.
    pub shares: ShareRule,
    /// How a share or kind that is missed by some items is scored.
    #[serde(alias = "gap")]
    pub shortfall_fn: ShortfallFn,
    /// How the teacher's rank of an item is scored.
    pub rank_score: RankScore,
    /// An item that the list lacks costs as much as a line that is no valid item. By the method's letter it costs nothing, and a policy
    /// that often errs learns to end its lists early.
    pub missing: bool,
    /// The cost of lines beyond the number of items requested.
    pub surplus: Surplus,
}

/// Which rewards a policy is trained on (an ablation).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// A reward at the end of every item
    Item,
    /// One reward at the end of the list
    List,
    /// Both
    #[default]
    Both,
}

/// The rule by which τ scores the items of a share, and by which q counts what it is missed by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShareRule {
    /// 1 for an item that the share needs, ½ for one that it allows, 0 for one too many, alike inside and outside the kind. A share
    /// is missed by the items that a full list lacks on either side, so that a short list meets no "at most".
    #[default]
    Marginal,
    /// The authors' table, in which the last allowed item of an "at most" scores 0, and an "about" is not symmetric.
    Authors,
}

/// The cost of surplus lines for the list. Each of them has the reward of an error in any case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Surplus {
    /// All of them together what one error costs
    #[default]
    Once,
    /// What so many errors cost, but the sum of the scores of all lines is never below −B(n); that also hides whatever is wrong beyond
    /// some three lines of ten
    Clamp,
    /// What so many errors cost, as the authors have it
    Each,
}

/// q of a share or kind that is missed by `shortfall` items in a list of n.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShortfallFn {
    /// 1 / (gap + 1)
    #[default]
    Reciprocal,
    /// 1 / log₂(gap + 2)
    Logarithmic,
    /// 1 − gap / n, not below 0
    Linear,
}

/// s of a valid item that is not the target, by its rank among the items outside the history.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RankScore {
    /// 1 / log₂(rank + 3): 0.631 for the teacher's best item, never above the target's 1
    #[default]
    Logarithmic,
    /// 1 − rank / number of items
    Linear,
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
    /// The authors' rules (NR-20).
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
