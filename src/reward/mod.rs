//! Rewards (method §8): how good a list is for a request, by the catalogue and the teacher alone.
//!
//! Everything is a pure function of the request, the checked list and the teacher's ranks of its items. [`Targets`] read the request:
//! what it demands beyond a list in keeping with the history. [`rewards`] gives every line its reward (method §8.1–8.3) and the list one of its
//! own (method §8.4–8.5); [`compute_rewards`] asks the teacher and does so for many lists. [`RewardRules`] hold the constants, our resolutions
//! of method §13, the authors' rules, and the variants of method §8.6.

mod accuracy;
mod aims;
mod judge;
mod rules;
#[cfg(test)]
mod tests;

pub use accuracy::{ideal, rank_score};
pub use aims::{GroupCounts, GroupTarget, Target, Targets};
pub use judge::{RewardQuery, Rewards, compute_rewards, rewards};
pub use rules::{Level, RankScore, RewardRules, ShareRule, ShortfallFn, Surplus};
