//! The rewards of a list.

use super::accuracy::{discount, ideal, rank_score};
use super::aims::{Aims, Counts};
use super::rules::RewardRules;
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
    let RewardRules { alpha, penalty, item_weight, list_weight, .. } = *rules;
    let mut counts = vec![Counts::default(); aims.aims.len()];
    let (mut items, mut accuracy) = (Vec::with_capacity(list.len()), 0.0);
    for (place, (line, &rank)) in list.iter().zip(ranks).enumerate() {
        let Some(item) = valid(line) else {
            // An error costs the same wherever it stands: it has no corrected score but the penalty itself.
            items.push(item_weight * penalty);
            accuracy += penalty;
            continue;
        };
        aims.count(item, &mut counts);
        let s = rank_score(target == Some(item), rank, n_items, rules);
        let tau = aims.item_score(item, &counts, rules);
        items.push(item_weight * tau.map_or(s, |tau| alpha * s + (1.0 - alpha) * tau));
        accuracy += s / discount(place);
    }
    let lacking = if rules.missing { (aims.n as usize).saturating_sub(list.len()) } else { 0 };
    let missing = penalty * lacking as f64;
    accuracy += missing;
    let ideal = ideal(aims.n);
    if rules.floor {
        accuracy = accuracy.max(-ideal);
    }
    let q = aims.list_score(&counts, rules).unwrap_or_else(|| found(target, list));
    let accuracy = if aims.n > 0 { accuracy / ideal } else { 0.0 };
    let list = list_weight * (alpha * accuracy + (1.0 - alpha) * q);
    Rewards { items, missing: item_weight * missing, list }
}

/// The item of a valid line.
fn valid(line: &Checked) -> Option<ItemId> {
    line.item.filter(|_| line.status == Status::Ok)
}

/// q where nothing is demanded: 1 / log₂(place + 2) of the target, 0 where the list does not have it.
fn found(target: Option<ItemId>, list: &[Checked]) -> f64 {
    let is_target = |line: &Checked| target.is_some() && valid(line) == target;
    list.iter().position(is_target).map_or(0.0, |place| 1.0 / discount(place))
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
