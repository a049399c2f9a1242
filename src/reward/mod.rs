//! Rewards (method §8): how good a list is for a request, by the catalogue and the teacher alone.
//!
//! Everything is a pure function of the request, the checked list and the teacher's ranks of its items. [`Targets`] state
//! what the request asks for beyond the user's taste. [`rewards()`] gives every line a reward (method §8.1–8.3) and the
//! list one (method §8.4–8.5); a repeated item, a hallucinated item and an item of the history earn the penalty.
//! [`compute_rewards`] has the teacher rank the items and does so for many lists. [`RewardRules`] hold the constants, the
//! resolutions of open points, the authors' rules, and the variants of method §8.6.

mod accuracy;
mod rewards;
mod rules;
mod targets;
#[cfg(test)]
mod tests;

pub use accuracy::{ideal, rank_score};
pub use rewards::{RewardQuery, Rewards, compute_rewards, rewards};
pub use rules::{Level, RankScore, RewardRules, ShareRule, ShortfallFn, Surplus};
pub use targets::{Target, TargetCounts, Targets};
