//! The rewards of a list: of every line, and of the whole.

use super::accuracy::{ideal, rank_score};
use super::rules::{RewardRules, Surplus};
use super::targets::{TargetCounts, Targets};
use crate::Result;
use crate::data::{Catalogue, ItemId};
use crate::recommend::{CheckedItem, Status};
use crate::request::CompiledRequest;
use crate::task::metric::{discount, ndcg};
use crate::teacher::{RankQuery, Scorer};

/// The rewards of one list.
#[derive(Debug, Clone, PartialEq)]
pub struct Rewards {
    /// The reward of every line (method §8.3), in −1…1 with the default weights: s without a target, else
    /// α·s + (1 − α)·τ; the penalty for a line that is no valid item, such as a repeated or a hallucinated one.
    pub items: Vec<f64>,
    /// The penalties for items that the list lacks, earned with its end.
    pub missing: f64,
    /// The reward of the list (method §8.5): list_weight · [α · Σ s′ / B(n) + (1 − α) · q]; an ideal list has the whole
    /// weight.
    pub list: f64,
    /// The change of the list's reward with each line: the potential differences of dense rewards. The end adds the rest.
    pub gains: Vec<f64>,
}

/// Computes the rewards of a list that was checked against a request with these targets.
///
/// `ranks` holds the teacher's rank of every line's item, from 0; those of invalid lines are ignored.
///
/// # Panics
/// There are fewer ranks than lines.
pub fn rewards(
    targets: &Targets,
    next_item: Option<ItemId>,
    list: &[CheckedItem],
    ranks: &[u32],
    n_items: usize,
    rules: &RewardRules,
) -> Rewards {
    assert!(ranks.len() >= list.len(), "every line has a rank");
    let counts = vec![TargetCounts::default(); targets.targets.len()];
    let mut prefix = Prefix { targets, next_item, n_items, rules, counts, lines: 0, accuracy: 0.0, found_at: None };
    let mut rewards = Rewards { items: Vec::new(), missing: 0.0, list: prefix.value(), gains: Vec::new() };
    for (line, &rank) in list.iter().zip(ranks) {
        rewards.items.push(rules.item_weight * prefix.add(line, rank));
        let value = prefix.value();
        rewards.gains.push(value - rewards.list);
        rewards.list = value;
    }
    if rules.missing {
        let missing = rules.penalty * (targets.n as usize).saturating_sub(list.len()) as f64;
        prefix.accuracy += missing;
        rewards.missing = rules.item_weight * missing;
        rewards.list = prefix.value();
    }
    rewards
}

/// The lines of a list so far.
struct Prefix<'a> {
    targets: &'a Targets,
    next_item: Option<ItemId>,
    n_items: usize,
    rules: &'a RewardRules,
    counts: Vec<TargetCounts>,
    lines: usize,
    /// Σ s′.
    accuracy: f64,
    /// The position of the user's next item. Without a target, its NDCG is q.
    found_at: Option<usize>,
}

impl Prefix<'_> {
    /// Adds a line and returns its reward.
    fn add(&mut self, line: &CheckedItem, rank: u32) -> f64 {
        let RewardRules { alpha, penalty, .. } = *self.rules;
        let position = self.lines;
        self.lines += 1;
        let Some(item) = valid(line) else {
            // A format error (a repeated, hallucinated or known item) costs the same at every position: its corrected score
            // is the penalty itself.
            let is_counted = position <= self.targets.n as usize || self.rules.surplus != Surplus::Once;
            self.accuracy += if is_counted { penalty } else { 0.0 };
            return penalty;
        };
        self.targets.count(item, &mut self.counts);
        let is_next = self.next_item == Some(item);
        let s = rank_score(is_next, rank, self.n_items, self.rules);
        self.accuracy += s / discount(position);
        if is_next {
            self.found_at = Some(position);
        }
        let tau = self.targets.item_score(item, &self.counts, self.rules);
        tau.map_or(s, |tau| alpha * s + (1.0 - alpha) * tau)
    }

    /// The reward of the list, if it ended here.
    fn value(&self) -> f64 {
        let RewardRules { alpha, list_weight, surplus, .. } = *self.rules;
        let ideal = ideal(self.targets.n);
        let sum = if surplus == Surplus::Clamp { self.accuracy.max(-ideal) } else { self.accuracy };
        let accuracy = if self.targets.n > 0 { sum / ideal } else { 0.0 };
        let q = self.targets.list_score(&self.counts, self.rules).unwrap_or_else(|| ndcg(self.found_at));
        list_weight * (alpha * accuracy + (1.0 - alpha) * q)
    }
}

/// The item of a valid line.
fn valid(line: &CheckedItem) -> Option<ItemId> {
    line.item.filter(|_| line.status == Status::Ok)
}

/// A list to be rewarded, with its request.
#[derive(Debug, Clone, Copy)]
pub struct RewardQuery<'a> {
    /// The request.
    pub request: &'a CompiledRequest,
    /// The user's history, in order.
    pub history: &'a [ItemId],
    /// The user's next item, where there is one.
    pub target: Option<ItemId>,
    /// The list, checked against the request.
    pub list: &'a [CheckedItem],
}

/// Computes the rewards of many lists, by the ranks that `teacher` gives their items with the history masked (method B24).
///
/// # Errors
/// The teacher's device fails, or a teacher of another catalogue.
pub fn compute_rewards(
    lists: &[RewardQuery],
    teacher: &impl Scorer,
    catalogue: &Catalogue,
    rules: &RewardRules,
) -> Result<Vec<Rewards>> {
    let items: Vec<Vec<ItemId>> = lists.iter().map(|query| query.list.iter().filter_map(valid).collect()).collect();
    let queries = lists.iter().zip(&items);
    let queries: Vec<RankQuery> = queries.map(|(query, items)| RankQuery { history: query.history, items }).collect();
    let ranks = teacher.ranks(&queries)?;
    let reward = |(query, ranks): (&RewardQuery, Vec<u32>)| {
        let mut ranks = ranks.into_iter();
        let of_line = |line: &CheckedItem| valid(line).and_then(|_| ranks.next()).unwrap_or(0);
        let ranks: Vec<u32> = query.list.iter().map(of_line).collect();
        rewards(&Targets::of(query.request), query.target, query.list, &ranks, catalogue.len(), rules)
    };
    Ok(lists.iter().zip(ranks).map(reward).collect())
}
