//! A request compiled over a catalogue: its rules as sets of items, worked out once and read by everything that interprets a request.
//!
//! Constrained decoding, the check of a finished list, rewards and metrics ask the same questions: which items may a list hold, which rule
//! does an item break, how many items of a set does a list need. They all take the answers from here.
//!
//! Candidates are a rule, but no intention ([`Request::has_intention`]). A list that leaves them breaks the request, in decoding, checks,
//! rewards and metrics alike. They are no kind of item that the user wants, though: neither TCP nor the announcement of the prompt counts
//! them, because the method's free choice and its choice among candidates are two forms of one task (method §4).

use super::{Bound, Request, Share};
use crate::data::{Catalogue, CategoryId, ItemId, ItemSet};

/// A request over one catalogue.
#[derive(Debug, Clone, Default)]
pub struct CompiledRequest {
    /// The length of the list.
    pub k: u32,
    /// The rules about single items, in the order in which breaches are named.
    pub rules: Vec<ItemRule>,
    /// The counted sets: one for each share, then one for the mandatory items, if there are any.
    pub counters: Vec<Counter>,
    /// A mandatory item that the catalogue does not have; no list satisfies such a request.
    pub unknown: Option<ItemId>,
}

/// A rule that every item of a list has to keep.
#[derive(Debug, Clone)]
pub struct ItemRule {
    /// The part of the request that it comes from.
    pub kind: RuleKind,
    /// The items that keep it.
    pub items: ItemSet,
    /// The rule as the end of a sentence: "in Comedy".
    pub text: String,
}

/// The parts of a request that are rules about single items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleKind {
    /// Not in the history.
    History,
    /// Not among the excluded items.
    Excluded,
    /// Among the candidates.
    Candidates,
    /// +C: in a category.
    Category,
    /// −C: not in a category.
    NotCategory,
    /// Satisfies a condition.
    Condition,
}

/// A set of items of which a list holds a bounded number.
#[derive(Debug, Clone)]
pub struct Counter {
    /// The items that count.
    pub members: ItemSet,
    /// The bound on their number.
    pub rule: CountRule,
}

/// A bound on the number of a counter's items.
#[derive(Debug, Clone, PartialEq)]
pub enum CountRule {
    /// A share of the list.
    Share(Share),
    /// All of so many items.
    Mandatory(u32),
}

impl Request {
    /// Works the request out over `catalogue`. A history may be older than the catalogue: items that it does not have are ignored.
    pub fn compile(&self, catalogue: &Catalogue) -> CompiledRequest {
        let set =
            |items: &[ItemId]| ItemSet::from_items(catalogue.len(), items.iter().filter(|id| has(catalogue, **id)));
        let category = |id: CategoryId| ItemSet::from_items(catalogue.len(), catalogue.members(id));
        let name = |id: CategoryId| catalogue.categories()[id.index()].as_str();

        let mut rules = Vec::new();
        let mut rule = |kind, items, text: String| rules.push(ItemRule { kind, items, text });
        if !self.history.is_empty() {
            rule(RuleKind::History, set(&self.history).complement(), "not in the history".to_owned());
        }
        if !self.excluded.is_empty() {
            rule(RuleKind::Excluded, set(&self.excluded).complement(), "not excluded".to_owned());
        }
        if let Some(candidates) = &self.candidates {
            rule(RuleKind::Candidates, set(candidates), "among the candidates".to_owned());
        }
        for &id in &self.all_in {
            rule(RuleKind::Category, category(id), format!("in {}", name(id)));
        }
        for &id in &self.none_in {
            rule(RuleKind::NotCategory, category(id).complement(), format!("not in {}", name(id)));
        }
        for condition in &self.conditions {
            rule(RuleKind::Condition, condition.items(catalogue), condition.to_string());
        }

        let shares = self.shares.iter();
        let share =
            |share: &Share| Counter { members: share.of.items(catalogue), rule: CountRule::Share(share.clone()) };
        let mut counters: Vec<Counter> = shares.map(share).collect();
        if !self.mandatory.is_empty() {
            let members = set(&self.mandatory);
            let rule = CountRule::Mandatory(members.len() as u32);
            counters.push(Counter { members, rule });
        }
        let unknown = self.mandatory.iter().copied().find(|&id| !has(catalogue, id));
        CompiledRequest { k: self.k, rules, counters, unknown }
    }
}

impl CompiledRequest {
    /// The request for a list of the same length, with no rule but that nothing of the history is in it.
    pub fn with_history_only(&self) -> Self {
        let rules = self.rules.iter().filter(|rule| rule.kind == RuleKind::History).cloned().collect();
        Self { k: self.k, rules, counters: Vec::new(), unknown: None }
    }

    /// The request with these items excluded as well.
    pub fn without(&self, items: &ItemSet) -> Self {
        let mut request = self.clone();
        let rule =
            ItemRule { kind: RuleKind::Excluded, items: items.clone().complement(), text: "not excluded".to_owned() };
        request.rules.push(rule);
        request
    }

    /// The items that keep all rules of the given kinds; `None` where the request has no such rule.
    pub fn keeping(&self, kinds: &[RuleKind]) -> Option<ItemSet> {
        let sets = self.rules.iter().filter(|rule| kinds.contains(&rule.kind)).map(|rule| rule.items.clone());
        sets.reduce(|mut all, set| {
            all.intersect_with(&set);
            all
        })
    }

    /// The items that every item of the list should be one of (+C and conditions); `None` where the request wants none in particular.
    pub fn wanted(&self) -> Option<ItemSet> {
        self.keeping(&[RuleKind::Category, RuleKind::Condition])
    }

    /// The items of the categories that no item of the list should be in (−C); `None` where there are none.
    pub fn unwanted(&self) -> Option<ItemSet> {
        self.keeping(&[RuleKind::NotCategory]).map(ItemSet::complement)
    }

    /// The counters of shares, each with its share.
    pub fn shares(&self) -> impl Iterator<Item = (&Counter, &Share)> {
        self.counters.iter().filter_map(|counter| match &counter.rule {
            CountRule::Share(share) => Some((counter, share)),
            CountRule::Mandatory(_) => None,
        })
    }

    /// The counter of the mandatory items; `None` where there are none.
    pub fn mandatory(&self) -> Option<&Counter> {
        self.counters.iter().find(|counter| matches!(counter.rule, CountRule::Mandatory(_)))
    }

    /// The first rule that an item breaks, its place in the history aside.
    pub fn broken_rule(&self, item: ItemId) -> Option<&ItemRule> {
        self.rules.iter().find(|rule| rule.kind != RuleKind::History && !rule.items.contains(item))
    }

    /// True for an item of the history.
    pub fn in_history(&self, item: ItemId) -> bool {
        self.rules.iter().any(|rule| rule.kind == RuleKind::History && !rule.items.contains(item))
    }

    /// True where a list of distinct, new items satisfies the request.
    pub fn is_satisfied_by(&self, list: &[ItemId]) -> bool {
        self.unknown.is_none()
            && list.len() == self.k as usize
            && list.iter().all(|&item| self.broken_rule(item).is_none())
            && self.counters.iter().all(|counter| counter.rule.bound(self.k).missed_by(counter.count(list)) == 0)
    }
}

impl Counter {
    /// The number of a list's items that count.
    pub fn count(&self, list: &[ItemId]) -> u32 {
        list.iter().filter(|item| self.members.contains(**item)).count() as u32
    }
}

impl CountRule {
    /// The counts that satisfy the rule in a list of `k` items; empty (`min > max`) where none does.
    pub fn bound(&self, k: u32) -> Bound {
        match self {
            CountRule::Share(share) => share.bound(k),
            CountRule::Mandatory(number) => Bound { min: (*number).min(k.saturating_add(1)), max: k },
        }
    }
}

fn has(catalogue: &Catalogue, item: ItemId) -> bool {
    (1..=catalogue.len()).contains(&item.index())
}
