//! The rewards of a list.

use super::accuracy::{discount, ideal, rank_score};
use super::aims::{GroupCounts, Targets};
use super::rules::{RewardRules, Surplus};
use crate::Result;
use crate::data::{Catalogue, ItemId};
use crate::recommend::{CheckedItem, Status};
use crate::request::Request;
use crate::teacher::{RankQuery, Scorer};

/// What a list earns.
#[derive(Debug, Clone, PartialEq)]
pub struct Rewards {
    /// The reward of every line (method §8.3), in −1…1 with the default weights: s where nothing is demanded, else α·s + (1 − α)·τ; the penalty
    /// for a line that is no valid item.
    pub items: Vec<f64>,
    /// The penalties for items that the list lacks, earned with its end.
    pub missing: f64,
    /// The reward of the list (method §8.5): list_weight · [α · Σ s′ / B(n) + (1 − α) · q]; an ideal list has the whole weight.
    pub list: f64,
    /// What each line adds to the reward of the list; the end adds the rest.
    pub gains: Vec<f64>,
}

/// The rewards of a list that was checked against a request with these aims.
///
/// `ranks` holds the teacher's rank of every line's item, from 0; those of lines that are no valid item are not looked at.
///
/// # Panics
/// Where there are fewer ranks than lines.
pub fn rewards(
    targets: &Targets,
    target: Option<ItemId>,
    list: &[CheckedItem],
    ranks: &[u32],
    n_items: usize,
    rules: &RewardRules,
) -> Rewards {
    assert!(ranks.len() >= list.len(), "every line has a rank");
    let counts = vec![GroupCounts::default(); targets.targets.len()];
    let mut running = RunningReward { targets, target, n_items, rules, counts, lines: 0, accuracy: 0.0, found: 0.0 };
    let mut rewards = Rewards { items: Vec::new(), missing: 0.0, list: running.value(), gains: Vec::new() };
    for (line, &rank) in list.iter().zip(ranks) {
        rewards.items.push(rules.item_weight * running.add(line, rank));
        let value = running.value();
        rewards.gains.push(value - rewards.list);
        rewards.list = value;
    }
    if rules.missing {
        let missing = rules.penalty * (targets.n as usize).saturating_sub(list.len()) as f64;
        running.accuracy += missing;
        rewards.missing = rules.item_weight * missing;
        rewards.list = running.value();
    }
    rewards
}

/// The lines of a list so far.
struct RunningReward<'a> {
    targets: &'a Targets,
    target: Option<ItemId>,
    n_items: usize,
    rules: &'a RewardRules,
    counts: Vec<GroupCounts>,
    lines: usize,
    /// Σ s′.
    accuracy: f64,
    /// q where nothing is demanded: 1 / log₂(place + 2) of the target, 0 where the list does not have it.
    found: f64,
}

impl RunningReward<'_> {
    /// Takes in a line; its reward.
    fn add(&mut self, line: &CheckedItem, rank: u32) -> f64 {
        let RewardRules { alpha, penalty, .. } = *self.rules;
        let place = self.lines;
        self.lines += 1;
        let Some(item) = valid(line) else {
            // An error costs the same wherever it stands: its corrected score is the penalty itself.
            let is_counted = place <= self.targets.n as usize || self.rules.surplus != Surplus::Once;
            self.accuracy += if is_counted { penalty } else { 0.0 };
            return penalty;
        };
        self.targets.count(item, &mut self.counts);
        let is_target = self.target == Some(item);
        let s = rank_score(is_target, rank, self.n_items, self.rules);
        self.accuracy += s / discount(place);
        if is_target {
            self.found = 1.0 / discount(place);
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
        let q = self.targets.list_score(&self.counts, self.rules).unwrap_or(self.found);
        list_weight * (alpha * accuracy + (1.0 - alpha) * q)
    }
}

/// The item of a valid line.
fn valid(line: &CheckedItem) -> Option<ItemId> {
    line.item.filter(|_| line.status == Status::Ok)
}

/// A list to be judged.
#[derive(Debug, Clone, Copy)]
pub struct RewardQuery<'a> {
    /// What was asked.
    pub request: &'a Request,
    /// What the user took next, where there is such an item.
    pub target: Option<ItemId>,
    /// The list, checked against the request.
    pub list: &'a [CheckedItem],
}

/// The rewards of many lists, by the ranks that `teacher` gives their items with the history masked (method B24).
///
/// # Errors
/// The teacher's device fails, or a teacher of another catalogue.
pub fn compute_rewards(
    answers: &[RewardQuery],
    teacher: &impl Scorer,
    catalogue: &Catalogue,
    rules: &RewardRules,
) -> Result<Vec<Rewards>> {
    let items: Vec<Vec<ItemId>> = answers.iter().map(|answer| answer.list.iter().filter_map(valid).collect()).collect();
    let queries: Vec<RankQuery> = answers
        .iter()
        .zip(&items)
        .map(|(answer, items)| RankQuery { history: &answer.request.history, items })
        .collect();
    let ranks = teacher.ranks(&queries)?;
    let compute_rewards = |(answer, ranks): (&RewardQuery, Vec<u32>)| {
        let mut ranks = ranks.into_iter();
        let of_line = |line: &CheckedItem| valid(line).and_then(|_| ranks.next()).unwrap_or(0);
        let ranks: Vec<u32> = answer.list.iter().map(of_line).collect();
        let targets = Targets::of(answer.request, catalogue);
        rewards(&targets, answer.target, answer.list, &ranks, catalogue.len(), rules)
    };
    Ok(answers.iter().zip(ranks).map(compute_rewards).collect())
}
