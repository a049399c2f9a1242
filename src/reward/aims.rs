//! What a request demands beyond a list in keeping with the history, as numbers of items inside and outside of sets.

use super::rules::{Gap, RewardRules, ShareRule};
use crate::data::{Catalogue, ItemId, ItemSet};
use crate::request::{Bound, Relation, Request, Share};

/// A set of items, and how many of the list shall be in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Aim {
    /// The kind that is counted.
    pub members: ItemSet,
    /// How many of the list shall be of that kind.
    pub goal: Goal,
}

/// How many items of a list of n shall be of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
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
pub struct Counts {
    /// Items of the kind.
    pub inside: u32,
    /// Items that are not of it.
    pub outside: u32,
}

/// All that a request demands of a list of `n` items; nothing where it has no intention (I0).
///
/// Where it demands several things, their scores are averaged.
#[derive(Debug, Clone, PartialEq)]
pub struct Aims {
    /// The items that are asked for.
    pub n: u32,
    /// The demands.
    pub aims: Vec<Aim>,
}

impl Aims {
    /// The demands of a request about a catalogue: one for everything that all items have to be (categories, conditions, candidates),
    /// one for everything that none may be, one for each share, and one for the mandatory items.
    pub fn of(request: &Request, catalogue: &Catalogue) -> Self {
        let parts = [only(request, catalogue), without(request, catalogue), mandatory(request, catalogue)];
        let shares = request.shares.iter().map(|share| of_share(share, request.k, catalogue));
        Self { n: request.k, aims: parts.into_iter().flatten().chain(shares).collect() }
    }

    /// The counts of each aim for the valid items of a list.
    pub fn counts(&self, items: impl IntoIterator<Item = ItemId>) -> Vec<Counts> {
        let mut counts = vec![Counts::default(); self.aims.len()];
        items.into_iter().for_each(|item| self.count(item, &mut counts));
        counts
    }

    /// Takes one more valid item into the counts.
    pub(super) fn count(&self, item: ItemId, counts: &mut [Counts]) {
        for (aim, counts) in self.aims.iter().zip(counts) {
            match aim.members.contains(item) {
                true => counts.inside += 1,
                false => counts.outside += 1,
            }
        }
    }

    /// τ (§8.2): the task score of a valid item, `counts` including it; `None` where nothing is demanded.
    pub fn item_score(&self, item: ItemId, counts: &[Counts], rules: &RewardRules) -> Option<f64> {
        let scores = self.aims.iter().zip(counts);
        mean(scores.map(|(aim, &counts)| aim.item_score(aim.members.contains(item), counts, self.n, rules)))
    }

    /// q (§8.4): the task score of a list with these counts; `None` where nothing is demanded.
    pub fn list_score(&self, counts: &[Counts], rules: &RewardRules) -> Option<f64> {
        let gaps = self.aims.iter().zip(counts).map(|(aim, &counts)| aim.goal.gap(counts, self.n, rules.shares));
        mean(gaps.map(|gap| closeness(gap, self.n, rules.gap)))
    }
}

impl Aim {
    fn item_score(&self, is_inside: bool, counts: Counts, n: u32, rules: &RewardRules) -> f64 {
        let score = match (self.goal, rules.shares) {
            (Goal::Only(_), _) => f64::from(u8::from(is_inside)),
            (Goal::Without, _) => f64::from(u8::from(!is_inside)),
            (goal, ShareRule::Marginal) => marginal(goal.bound(n), is_inside, counts, n),
            (goal, ShareRule::Authors) => authors(goal, is_inside, counts, n),
        };
        rules.breach + (1.0 - rules.breach) * score
    }
}

impl Goal {
    /// The counts of a full list of `n` that meet the goal.
    pub fn bound(self, n: u32) -> Bound {
        match self {
            Goal::Only(available) => Bound { min: n.min(available), max: n },
            Goal::Without => Bound { min: 0, max: 0 },
            Goal::AtMost(count) => Bound { min: 0, max: count },
            Goal::AtLeast(count) => Bound { min: count, max: n },
            Goal::About(count) => Bound { min: count, max: count },
        }
    }

    /// By how many items a list misses the goal.
    ///
    /// A list of n meets `min ≤ inside ≤ max` if it has `min` items inside and n − `max` outside: what it lacks of either is the gap.
    /// The authors look at the items inside alone where a share is asked for; of full lists both say the same.
    fn gap(self, counts: Counts, n: u32, rule: ShareRule) -> u32 {
        let bound = self.bound(n);
        let is_share = !matches!(self, Goal::Only(_) | Goal::Without);
        if is_share && rule == ShareRule::Authors {
            return bound.missed_by(counts.inside);
        }
        bound.min.saturating_sub(counts.inside) + n.saturating_sub(bound.max).saturating_sub(counts.outside)
    }
}

/// B10: whether the list needs an item on its side, merely allows it, or has too many there.
fn marginal(bound: Bound, is_inside: bool, counts: Counts, n: u32) -> f64 {
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

/// The authors' table (§8.2).
fn authors(goal: Goal, is_inside: bool, Counts { inside, outside }: Counts, n: u32) -> f64 {
    let half_if = |allowed: bool| if allowed { 0.5 } else { 0.0 };
    let others = |k: u32| n.saturating_sub(k);
    match goal {
        Goal::AtMost(k) if outside > others(k) => 0.5,
        Goal::AtMost(k) if is_inside => half_if(inside < k),
        Goal::AtLeast(k) if inside > k => 0.5,
        Goal::AtLeast(k) if !is_inside => half_if(outside < others(k)),
        Goal::About(k) if is_inside => f64::from(u8::from(inside <= k)),
        Goal::About(k) if inside < k => half_if(outside <= others(k)),
        _ => 1.0,
    }
}

fn closeness(gap: u32, n: u32, form: Gap) -> f64 {
    let gap = f64::from(gap);
    match form {
        Gap::Reciprocal => 1.0 / (gap + 1.0),
        Gap::Logarithmic => 1.0 / (gap + 2.0).log2(),
        Gap::Linear => (1.0 - gap / f64::from(n.max(1))).max(0.0),
    }
}

fn mean(scores: impl ExactSizeIterator<Item = f64>) -> Option<f64> {
    let count = scores.len();
    (count > 0).then(|| scores.sum::<f64>() / count as f64)
}

/// Categories, conditions and candidates: the list shall lie in all of them.
fn only(request: &Request, catalogue: &Catalogue) -> Option<Aim> {
    let Request { all_in, conditions, candidates, history, k, .. } = request;
    if all_in.is_empty() && conditions.is_empty() && candidates.is_none() {
        return None;
    }
    let categories = all_in.iter().map(|&id| ItemSet::of(catalogue.len(), catalogue.members(id)));
    let conditions = conditions.iter().map(|condition| condition.items(catalogue));
    let candidates = candidates.iter().map(|items| ItemSet::of(catalogue.len(), items));
    let mut members = ItemSet::all(catalogue.len());
    categories.chain(conditions).chain(candidates).for_each(|set| members.intersect(&set));
    let taken = ItemSet::of(catalogue.len(), history.iter().filter(|&&item| members.contains(item))).len();
    let available = (members.len() - taken).min(*k as usize) as u32;
    Some(Aim { members, goal: Goal::Only(available) })
}

/// Unwanted categories and items.
fn without(request: &Request, catalogue: &Catalogue) -> Option<Aim> {
    let Request { none_in, excluded, .. } = request;
    let mut members = ItemSet::of(catalogue.len(), excluded);
    none_in.iter().for_each(|&id| members.unite(&ItemSet::of(catalogue.len(), catalogue.members(id))));
    (!none_in.is_empty() || !excluded.is_empty()).then_some(Aim { members, goal: Goal::Without })
}

/// Items that must be in the list: at least as many of them as there are.
fn mandatory(request: &Request, catalogue: &Catalogue) -> Option<Aim> {
    let members = ItemSet::of(catalogue.len(), &request.mandatory);
    let count = (members.len() as u32).min(request.k);
    (count > 0).then_some(Aim { members, goal: Goal::AtLeast(count) })
}

/// A share. Its amount is a whole number here: a bound means what it says ([`Share::bound`]), and "about" is rounded down as the method
/// does, without the tolerance by which a list is measured.
fn of_share(share: &Share, n: u32, catalogue: &Catalogue) -> Aim {
    let rounded_down = || Share { relation: Relation::Exactly, ..share.clone() }.bound(n).max;
    let goal = match share.relation {
        Relation::AtMost => Goal::AtMost(share.bound(n).max),
        Relation::AtLeast => Goal::AtLeast(share.bound(n).min.min(n)),
        Relation::Exactly | Relation::About => Goal::About(rounded_down()),
    };
    Aim { members: share.of.items(catalogue), goal }
}
