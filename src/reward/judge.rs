//! The rewards of a list.

use super::accuracy::{discount, ideal, rank_score};
use super::aims::{Aims, Counts};
use super::rules::{RewardRules, Surplus};
use crate::Result;
use crate::data::{Catalogue, ItemId};
use crate::recommend::{Checked, Status};
use crate::request::Request;
use crate::teacher::{RankQuery, Scorer};

/// What a list earns.
#[derive(Debug, Clone, PartialEq)]
pub struct Rewards {
    /// The reward of every line (§8.3), in −1…1 with the default weights: s where nothing is demanded, else α·s + (1 − α)·τ; the penalty
    /// for a line that is no valid item.
    pub items: Vec<f64>,
    /// The penalties for items that the list lacks, earned with its end.
    pub missing: f64,
    /// The reward of the list (§8.5): list_weight · [α · Σ s′ / B(n) + (1 − α) · q]; an ideal list has the whole weight.
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
    aims: &Aims,
    target: Option<ItemId>,
    list: &[Checked],
    ranks: &[u32],
    n_items: usize,
    rules: &RewardRules,
) -> Rewards {
    assert!(ranks.len() >= list.len(), "every line has a rank");
    let counts = vec![Counts::default(); aims.aims.len()];
    let mut tally = Tally { aims, target, n_items, rules, counts, lines: 0, accuracy: 0.0, found: 0.0 };
    let mut rewards = Rewards { items: Vec::new(), missing: 0.0, list: tally.worth(), gains: Vec::new() };
    for (line, &rank) in list.iter().zip(ranks) {
        rewards.items.push(rules.item_weight * tally.add(line, rank));
        let worth = tally.worth();
        rewards.gains.push(worth - rewards.list);
        rewards.list = worth;
    }
    if rules.missing {
        let missing = rules.penalty * (aims.n as usize).saturating_sub(list.len()) as f64;
        tally.accuracy += missing;
        rewards.missing = rules.item_weight * missing;
        rewards.list = tally.worth();
    }
    rewards
}

/// The lines of a list so far.
struct Tally<'a> {
    aims: &'a Aims,
    target: Option<ItemId>,
    n_items: usize,
    rules: &'a RewardRules,
    counts: Vec<Counts>,
    lines: usize,
    /// Σ s′.
    accuracy: f64,
    /// q where nothing is demanded: 1 / log₂(place + 2) of the target, 0 where the list does not have it.
    found: f64,
}

impl Tally<'_> {
    /// Takes in a line; its reward.
    fn add(&mut self, line: &Checked, rank: u32) -> f64 {
        let RewardRules { alpha, penalty, .. } = *self.rules;
        let place = self.lines;
        self.lines += 1;
        let Some(item) = valid(line) else {
            // An error costs the same wherever it stands: its corrected score is the penalty itself.
            let is_counted = place <= self.aims.n as usize || self.rules.surplus != Surplus::Once;
            self.accuracy += if is_counted { penalty } else { 0.0 };
            return penalty;
        };
        self.aims.count(item, &mut self.counts);
        let is_target = self.target == Some(item);
        let s = rank_score(is_target, rank, self.n_items, self.rules);
        self.accuracy += s / discount(place);
        if is_target {
            self.found = 1.0 / discount(place);
        }
        let tau = self.aims.item_score(item, &self.counts, self.rules);
        tau.map_or(s, |tau| alpha * s + (1.0 - alpha) * tau)
    }

    /// The reward of the list, if it ended here.
    fn worth(&self) -> f64 {
        let RewardRules { alpha, list_weight, surplus, .. } = *self.rules;
        let ideal = ideal(self.aims.n);
        let sum = if surplus == Surplus::Clamp { self.accuracy.max(-ideal) } else { self.accuracy };
        let accuracy = if self.aims.n > 0 { sum / ideal } else { 0.0 };
        let q = self.aims.list_score(&self.counts, self.rules).unwrap_or(self.found);
        list_weight * (alpha * accuracy + (1.0 - alpha) * q)
    }
}

/// The item of a valid line.
fn valid(line: &Checked) -> Option<ItemId> {
    line.item.filter(|_| line.status == Status::Ok)
}

/// A list to be judged.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// What was asked.
    pub request: &'a Request,
    /// What the user took next, where there is such an item.
    pub target: Option<ItemId>,
    /// The list, checked against the request.
    pub list: &'a [Checked],
}

/// The rewards of many lists, by the ranks that `teacher` gives their items with the history masked (B24).
///
/// # Errors
/// The teacher's device fails, or a teacher of another catalogue.
pub fn judge(
    answers: &[Answer],
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
    let judge = |(answer, ranks): (&Answer, Vec<u32>)| {
        let mut ranks = ranks.into_iter();
        let of_line = |line: &Checked| valid(line).and_then(|_| ranks.next()).unwrap_or(0);
        let ranks: Vec<u32> = answer.list.iter().map(of_line).collect();
        let aims = Aims::of(answer.request, catalogue);
        rewards(&aims, answer.target, answer.list, &ranks, catalogue.len(), rules)
    };
    Ok(answers.iter().zip(ranks).map(judge).collect())
}
