//! The control part of the rewards: what a request asks for beyond the user's taste, as numbers of items in sets.

use super::rules::{RewardRules, ShareRule, ShortfallFn};
use crate::data::{ItemId, ItemSet};
use crate::request::{Bound, CompiledRequest, Counter, Relation, RuleKind, Share};
use crate::task::Control;

/// A target of a list: a set of items, and the number of them that the list has to hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// The items that are counted.
    pub members: ItemSet,
    /// The control over their number.
    pub control: Control,
    /// The number that `control` is about. For +C it is the number that the catalogue has beside the history.
    pub count: u32,
}

/// The valid items of a list, or of its beginning, inside and outside of a target's set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TargetCounts {
    /// Items of the set.
    pub inside: u32,
    /// Items that are not in it.
    pub outside: u32,
}

/// All targets of a list of `n` items; none where the history alone decides (I0). The scores of several are averaged.
#[derive(Debug, Clone, PartialEq)]
pub struct Targets {
    /// The number of items that are asked for.
    pub n: u32,
    /// The targets.
    pub targets: Vec<Target>,
}

impl Targets {
    /// The targets of a request: one for everything that all items have to be (categories, conditions, candidates), one for
    /// everything that none may be, one for each share, and one for the mandatory items.
    pub fn of(request: &CompiledRequest) -> Self {
        let parts = [include(request), exclude(request), mandatory(request)];
        let shares = request.shares().map(|(counter, share)| of_share(counter, share, request.k));
        Self { n: request.k, targets: parts.into_iter().flatten().chain(shares).collect() }
    }

    /// Returns the counts of each target for the valid items of a list.
    pub fn counts(&self, items: impl IntoIterator<Item = ItemId>) -> Vec<TargetCounts> {
        let mut counts = vec![TargetCounts::default(); self.targets.len()];
        items.into_iter().for_each(|item| self.count(item, &mut counts));
        counts
    }

    /// Adds one more valid item to the counts.
    pub(super) fn count(&self, item: ItemId, counts: &mut [TargetCounts]) {
        for (target, counts) in self.targets.iter().zip(counts) {
            match target.members.contains(item) {
                true => counts.inside += 1,
                false => counts.outside += 1,
            }
        }
    }

    /// τ (method §8.2): the control score of a valid item, which `counts` include; `None` without a target.
    pub fn item_score(&self, item: ItemId, counts: &[TargetCounts], rules: &RewardRules) -> Option<f64> {
        let scores = self.targets.iter().zip(counts);
        mean(scores.map(|(target, &counts)| target.item_score(target.members.contains(item), counts, self.n, rules)))
    }

    /// q (method §8.4): the control score of a list with these counts; `None` without a target.
    pub fn list_score(&self, counts: &[TargetCounts], rules: &RewardRules) -> Option<f64> {
        let shortfalls =
            self.targets.iter().zip(counts).map(|(target, &counts)| target.shortfall(counts, self.n, rules.shares));
        mean(shortfalls.map(|shortfall| closeness(shortfall, self.n, rules.shortfall_fn)))
    }
}

impl Target {
    fn item_score(&self, is_inside: bool, counts: TargetCounts, n: u32, rules: &RewardRules) -> f64 {
        let score = match (self.control, rules.shares) {
            (Control::Include, _) => f64::from(u8::from(is_inside)),
            (Control::Exclude, _) => f64::from(u8::from(!is_inside)),
            (_, ShareRule::Marginal) => marginal(self.bound(n), is_inside, counts, n),
            (_, ShareRule::Authors) => authors(self.control, self.count, is_inside, counts, n),
        };
        rules.violation_score + (1.0 - rules.violation_score) * score
    }

    /// Returns the counts of a full list of `n` that meet the target.
    pub fn bound(&self, n: u32) -> Bound {
        let count = self.count;
        match self.control {
            Control::Include => Bound { min: n.min(count), max: n },
            Control::Exclude => Bound { min: 0, max: 0 },
            Control::AtMost => Bound { min: 0, max: count },
            Control::AtLeast => Bound { min: count, max: n },
            Control::About => Bound { min: count, max: count },
        }
    }

    /// The number of items by which a list misses the target.
    ///
    /// A list of n meets `min ≤ inside ≤ max` if it has `min` items inside and n − `max` outside; the shortfall is what it
    /// lacks of either. The authors look at the items inside alone where a share is asked for; for full lists both agree.
    fn shortfall(&self, counts: TargetCounts, n: u32, rule: ShareRule) -> u32 {
        let bound = self.bound(n);
        let is_share = !matches!(self.control, Control::Include | Control::Exclude);
        if is_share && rule == ShareRule::Authors {
            return bound.missed_by(counts.inside);
        }
        bound.min.saturating_sub(counts.inside) + n.saturating_sub(bound.max).saturating_sub(counts.outside)
    }
}

/// Method B10: 1 where the list needs an item on its side, ½ where it allows one, 0 where it has too many there.
fn marginal(bound: Bound, is_inside: bool, counts: TargetCounts, n: u32) -> f64 {
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
fn authors(control: Control, k: u32, is_inside: bool, TargetCounts { inside, outside }: TargetCounts, n: u32) -> f64 {
    let half_if = |allowed: bool| if allowed { 0.5 } else { 0.0 };
    let others = n.saturating_sub(k);
    match control {
        Control::AtMost if outside > others => 0.5,
        Control::AtMost if is_inside => half_if(inside < k),
        Control::AtLeast if inside > k => 0.5,
        Control::AtLeast if !is_inside => half_if(outside < others),
        Control::About if is_inside => f64::from(u8::from(inside <= k)),
        Control::About if inside < k => half_if(outside <= others),
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

/// +C: all items lie in the categories, conditions and candidates, as far as there are enough beside the history.
fn include(request: &CompiledRequest) -> Option<Target> {
    let members = request.keeping(&[RuleKind::Candidates, RuleKind::Category, RuleKind::Condition])?;
    let available = members.iter().filter(|&item| !request.in_history(item)).count();
    Some(Target { members, control: Control::Include, count: available.min(request.k as usize) as u32 })
}

/// −C: no item is in an unwanted category or excluded.
fn exclude(request: &CompiledRequest) -> Option<Target> {
    let members = request.keeping(&[RuleKind::Excluded, RuleKind::NotCategory])?.complement();
    Some(Target { members, control: Control::Exclude, count: 0 })
}

/// Mandatory items: at least as many of them as there are.
fn mandatory(request: &CompiledRequest) -> Option<Target> {
    let Counter { members, .. } = request.mandatory()?;
    let count = (members.len() as u32).min(request.k);
    (count > 0).then(|| Target { members: members.clone(), control: Control::AtLeast, count })
}

/// A share. Its amount is a whole number here: a bound means what it says ([`Share::bound`]), and "about" is rounded down
/// as the method does, without the tolerance by which a list is measured.
fn of_share(counter: &Counter, share: &Share, n: u32) -> Target {
    let rounded_down = || Share { relation: Relation::Exactly, ..share.clone() }.bound(n).max;
    let (control, count) = match share.relation {
        Relation::AtMost => (Control::AtMost, share.bound(n).max),
        Relation::AtLeast => (Control::AtLeast, share.bound(n).min.min(n)),
        Relation::Exactly | Relation::About => (Control::About, rounded_down()),
    };
    Target { members: counter.members.clone(), control, count }
}
