//! The accuracy part of the rewards: the scores of ranked items, and their sum for an ideal list.

use super::rules::{RankScore, RewardRules};
use crate::task::metric::discount;

/// s of a valid item (method §8.1): 1 for the target, else a score of its rank (from 0) among the `n_items` of the
/// catalogue.
pub fn rank_score(is_target: bool, rank: u32, n_items: usize, rules: &RewardRules) -> f64 {
    match rules.rank_score {
        _ if is_target => 1.0,
        RankScore::Logarithmic => 1.0 / (f64::from(rank) + 3.0).log2(),
        RankScore::Linear => 1.0 - f64::from(rank) / n_items as f64,
    }
}

/// B(n) = Σ over j < n of 1 / log₂²(j + 2) (method §8.5): the sum of the s′ = s / discount of the target followed by the
/// teacher's best items in order.
pub fn ideal(n: u32) -> f64 {
    (0..n as usize).map(|position| discount(position).powi(-2)).sum()
}
