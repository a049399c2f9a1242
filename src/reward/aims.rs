//! What a request demands beyond a list in keeping with the history, as numbers of items inside and outside of sets.

use super::rules::{RewardRules, ShareRule, ShortfallFn};
use crate::data::{Catalogue, ItemId, ItemSet};
use crate::request::{Bound, Relation, Request, Share};

/// A set of items, and how many of the list shall be in it.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupTarget {
    /// The kind that is counted.
    pub members: ItemSet,
    /// How many of the list shall be of that kind.
    pub goal: Target,
}

/// How many items of a list of n shall be of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// +C: all, or as many as there are: the catalogue has so many beside the history.
    Only(u32),
    /// −C: none.
    Without,
    /// LP: so many or fewer.
    AtMost(u32),
    /// MP: so many or more.
    AtLeast(u32),
    /// EP: so many.
    About(u32),
}

/// The valid items of a list, or of its beginning, inside and outside of a kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GroupCounts {
    /// Items of the kind.
    pub inside: u32,
    /// Items that are not of it.
    pub outside: u32,
}

/// All that a request demands of a list of `n` items; nothing where it has no intention (I0).
///
/// Where it demands several things, their scores are averaged.
#[derive(Debug, Clone, PartialEq)]
pub struct Targets {
    /// The items that are asked for.
    pub n: u32,
    /// The demands.
    pub targets: Vec<GroupTarget>,
}

impl Targets {
    /// The demands of a request about a catalogue: one for everything that all items have to be (categories, conditions, candidates),
    /// one for everything that none may be, one for each share, and one for the mandatory items.
    pub fn of(request: &Request, catalogue: &Catalogue) -> Self {
        let parts = [only(request, catalogue), without(request, catalogue), mandatory(request, catalogue)];
        let shares = request.shares.iter().map(|share| of_share(share, request.k, catalogue));
        Self { n: request.k, targets: parts.into_iter().flatten().chain(shares).collect() }
    }

    /// The counts of each aim for the valid items of a list.
    pub fn counts(&self, items: impl IntoIterator<Item = ItemId>) -> Vec<GroupCounts> {
        let mut counts = vec![GroupCounts::default(); self.targets.len()];
        items.into_iter().for_each(|item| self.count(item, &mut counts));
        counts
    }

    /// Takes one more valid item into the counts.
    pub(super) fn count(&self, item: ItemId, counts: &mut [GroupCounts]) {
        for (group, counts) in self.targets.iter().zip(counts) {
            match group.members.contains(item) {
                true => counts.inside += 1,
                false => counts.outside += 1,
            }
        }
    }

    /// τ (method §8.2): the task score of a valid item, `counts` including it; `None` where nothing is demanded.
    pub fn item_score(&self, item: ItemId, counts: &[GroupCounts], rules: &RewardRules) -> Option<f64> {
        let scores = self.targets.iter().zip(counts);
        mean(scores.map(|(group, &counts)| group.item_score(group.members.contains(item), counts, self.n, rules)))
    }

    /// q (method §8.4): the task score of a list with these counts; `None` where nothing is demanded.
    pub fn list_score(&self, counts: &[GroupCounts], rules: &RewardRules) -> Option<f64> {
        let shortfalls =
            self.targets.iter().zip(counts).map(|(group, &counts)| group.goal.shortfall(counts, self.n, rules.shares));
        mean(shortfalls.map(|shortfall| closeness(shortfall, self.n, rules.shortfall_fn)))
    }
}

impl GroupTarget {
    fn item_score(&self, is_inside: bool, counts: GroupCounts, n: u32, rules: &RewardRules) -> f64 {
        let score = match (self.goal, rules.shares) {
            (Target::Only(_), _) => f64::from(u8::from(is_inside)),
            (Target::Without, _) => f64::from(u8::from(!is_inside)),
            (goal, ShareRule::Marginal) => marginal(goal.bound(n), is_inside, counts, n),
            (goal, ShareRule::Authors) => authors(goal, is_inside, counts, n),
        };
        rules.violation_score + (1.0 - rules.violation_score) * score
    }
}

impl Target {
    /// The counts of a full list of `n` that meet the goal.
    pub fn bound(self, n: u32) -> Bound {
        match self {
            Target::Only(available) => Bound { min: n.min(available), max: n },
            Target::Without => Bound { min: 0, max: 0 },
            Target::AtMost(count) => Bound { min: 0, max: count },
            Target::AtLeast(count) => Bound { min: count, max: n },
            Target::About(count) => Bound { min: count, max: count },
        }
    }

    /// By how many items a list misses the goal.
    ///
    /// A list of n meets `min ≤ inside ≤ max` if it has `min` items inside and n − `max` outside: what it lacks of either is the gap.
    /// The authors look at the items inside alone where a share is asked for; of full lists both say the same.
    fn shortfall(self, counts: GroupCounts, n: u32, rule: ShareRule) -> u32 {
        let bound = self.bound(n);
        let is_share = !matches!(self, Target::Only(_) | Target::Without);
        if is_share && rule == ShareRule::Authors {
            return bound.missed_by(counts.inside);
        }
        bound.min.saturating_sub(counts.inside) + n.saturating_sub(bound.max).saturating_sub(counts.outside)
    }
}

/// τ by the marginal rule (method B10): the list needs an item on its side, merely allows it, or has too many there.
fn marginal(bound: Bound, is_inside: bool, counts: GroupCounts, n: u32) -> f64 {
    let (count, needed, allowed) = match is_inside {
        true => (counts.inside, bound.min, bound.max),
        false => (counts.outside, n.saturating_sub(bound.max), n.saturating_sub(bound.min)),
    };
    match count {
        count if count <= needed => 1.0,
        count if count <= allowed => 0.5,
        _ => 0.0,
    }
}

/// The authors' table (method §8.2).
fn authors(goal: Target, is_inside: bool, GroupCounts { inside, outside }: GroupCounts, n: u32) -> f64 {
    let half_if = |allowed: bool| if allowed { 0.5 } else { 0.0 };
    let others = |k: u32| n.saturating_sub(k);
    match goal {
        Target::AtMost(k) if outside > others(k) => 0.5,
        Target::AtMost(k) if is_inside => half_if(inside < k),
        Target::AtLeast(k) if inside > k => 0.5,
        Target::AtLeast(k) if !is_inside => half_if(outside < others(k)),
        Target::About(k) if is_inside => f64::from(u8::from(inside <= k)),
        Target::About(k) if inside < k => half_if(outside <= others(k)),
        _ => 1.0,
    }
}

fn closeness(shortfall: u32, n: u32, form: ShortfallFn) -> f64 {
    let shortfall = f64::from(shortfall);
    match form {
        ShortfallFn::Reciprocal => 1.0 / (shortfall + 1.0),
        ShortfallFn::Logarithmic => 1.0 / (shortfall + 2.0).log2(),
        ShortfallFn::Linear => (1.0 - shortfall / f64::from(n.max(1))).max(0.0),
    }
}

fn mean(scores: impl ExactSizeIterator<Item = f64>) -> Option<f64> {
    let count = scores.len();
    (count > 0).then(|| scores.sum::<f64>() / count as f64)
}

/// Categories, conditions and candidates: the list shall lie in all of them.
fn only(request: &Request, catalogue: &Catalogue) -> Option<GroupTarget> {
    let Request { all_in, conditions, candidates, history, k, .. } = request;
    if all_in.is_empty() && conditions.is_empty() && candidates.is_none() {
        return None;
    }
    let categories = all_in.iter().map(|&id| ItemSet::from_items(catalogue.len(), catalogue.members(id)));
    let conditions = conditions.iter().map(|condition| condition.items(catalogue));
    let candidates = candidates.iter().map(|items| ItemSet::from_items(catalogue.len(), items));
    let mut members = ItemSet::all(catalogue.len());
    categories.chain(conditions).chain(candidates).for_each(|set| members.intersect_with(&set));
    let taken = ItemSet::from_items(catalogue.len(), history.iter().filter(|&&item| members.contains(item))).len();
    let available = (members.len() - taken).min(*k as usize) as u32;
    Some(GroupTarget { members, goal: Target::Only(available) })
}

/// Unwanted categories and items.
fn without(request: &Request, catalogue: &Catalogue) -> Option<GroupTarget> {
    let Request { none_in, excluded, .. } = request;
    let mut members = ItemSet::from_items(catalogue.len(), excluded);
    none_in.iter().for_each(|&id| members.union_with(&ItemSet::from_items(catalogue.len(), catalogue.members(id))));
    (!none_in.is_empty() || !excluded.is_empty()).then_some(GroupTarget { members, goal: Target::Without })
}

/// Items that must be in the list: at least as many of them as there are.
fn mandatory(request: &Request, catalogue: &Catalogue) -> Option<GroupTarget> {
    let members = ItemSet::from_items(catalogue.len(), &request.mandatory);
    let count = (members.len() as u32).min(request.k);
    (count > 0).then_some(GroupTarget { members, goal: Target::AtLeast(count) })
}

/// A share. Its amount is a whole number here: a bound means what it says ([`Share::bound`]), and "about" is rounded down as the method
/// does, without the tolerance by which a list is measured.
fn of_share(share: &Share, n: u32, catalogue: &Catalogue) -> GroupTarget {
    let rounded_down = || Share { relation: Relation::Exactly, ..share.clone() }.bound(n).max;
    let goal = match share.relation {
        Relation::AtMost => Target::AtMost(share.bound(n).max),
        Relation::AtLeast => Target::AtLeast(share.bound(n).min.min(n)),
        Relation::Exactly | Relation::About => Target::About(rounded_down()),
    };
    GroupTarget { members: share.of.items(catalogue), goal }
}
