//! What a request means for the items: an allowed set, and counters over sets that may overlap.
//!
//! Every promise of a request takes one of these two forms. History, exclusions, candidates, +C, −C and conditions only narrow the
//! allowed set. Shares, and the items that must be there, are counters. "No repeats" and "exactly k" are the decoding itself.

use std::collections::HashMap;

use super::feasible::{Class, MAX_COUNTERS, Problem};
use crate::data::{Catalogue, CategoryId, ItemId, ItemSet};
use crate::request::{Bound, Request, Share};
use crate::{Error, Result};

/// A request worked out over a catalogue.
#[derive(Debug, Clone)]
pub struct Constraints {
    /// How many items.
    pub k: u32,
    /// The items that a list may hold.
    pub allowed: ItemSet,
    /// What is counted.
    pub counters: Vec<Counter>,
    /// How the allowed set became what it is, in order.
    pub narrowing: Vec<Narrowing>,
}

/// One step from the catalogue to the allowed set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Narrowing {
    /// The rule, such as "in Comedy".
    pub rule: String,
    /// How many items were left after it.
    pub left: usize,
}

/// A set of items of which a list holds a bounded number.
#[derive(Debug, Clone)]
pub struct Counter {
    /// The items that count.
    pub members: ItemSet,
    /// What bounds their number.
    pub rule: Rule,
}

/// What bounds the number of a counter's items.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// A share that the user asked for.
    Share(Share),
    /// All of so many items must be there.
    Mandatory(u32),
}

impl Rule {
    /// The counts that satisfy the rule in a list of `k` items; empty (`min > max`) where none does.
    pub fn bound(&self, k: u32) -> Bound {
        match self {
            Rule::Share(share) => share.bound(k),
            Rule::Mandatory(number) => Bound { min: (*number).min(k.saturating_add(1)), max: k },
        }
    }
}

impl Constraints {
    /// Works `request` out over `catalogue`.
    ///
    /// # Errors
    /// A request for no item at all, a mandatory item that is unknown or that other rules remove, more than [`MAX_COUNTERS`] shares.
    /// Whether a list exists is for [`Constraints::feasible`] to say.
    pub fn new(request: &Request, catalogue: &Catalogue) -> Result<Self> {
        if request.k == 0 {
            return Err(Error::bad_input("-k").expected("at least 1 item").found("0").next("ask for -k 10").into());
        }
        if let Some(unknown) = request.mandatory.iter().find(|id| !(1..=catalogue.len()).contains(&id.index())) {
            return Err(Error::bad_input("the mandatory items")
                .expected(format!("item numbers 1 to {}", catalogue.len()))
                .found(unknown.0)
                .next("name items of this catalogue")
                .into());
        }
        let (allowed, narrowing) = narrow(request, catalogue)?;
        let mut counters: Vec<Counter> = request
            .shares
            .iter()
            .map(|share| Counter { members: share.of.items(catalogue), rule: Rule::Share(share.clone()) })
            .collect();
        if !request.mandatory.is_empty() {
            let members = set_of(&request.mandatory, catalogue);
            let rule = Rule::Mandatory(members.len() as u32);
            counters.push(Counter { members, rule });
        }
        if counters.len() > MAX_COUNTERS {
            return Err(Error::bad_input("--share")
                .expected(format!("at most {MAX_COUNTERS} shares"))
                .found(counters.len())
                .next("ask for fewer")
                .into());
        }
        Ok(Self { k: request.k, allowed, counters, narrowing })
    }

    /// The same counters over the same classes, for a list of `k` items.
    pub(super) fn problem(&self, classes: &[Class], k: u32) -> Problem {
        let bounds = self.counters.iter().map(|counter| counter.rule.bound(k)).collect();
        Problem { classes: classes.to_vec(), bounds, left: k }
    }

    /// The allowed items by the counters that count them; classes in order of their first item.
    pub(super) fn classes(&self) -> (Vec<Class>, Vec<ItemSet>) {
        let mut class_of = HashMap::new();
        let (mut classes, mut members): (Vec<Class>, Vec<ItemSet>) = (Vec::new(), Vec::new());
        for item in self.allowed.iter() {
            let counted = self.counters.iter().enumerate().filter(|(_, counter)| counter.members.contains(item));
            let signature = counted.fold(0u32, |signature, (bit, _)| signature | 1 << bit);
            let class = *class_of.entry(signature).or_insert_with(|| {
                classes.push(Class { signature, available: 0 });
                members.push(ItemSet::empty(self.allowed.n_items()));
                classes.len() - 1
            });
            classes[class].available += 1;
            members[class].insert(item);
        }
        (classes, members)
    }
}

/// Applies the rules one after another and notes what each leaves.
fn narrow(request: &Request, catalogue: &Catalogue) -> Result<(ItemSet, Vec<Narrowing>)> {
    let mandatory = set_of(&request.mandatory, catalogue);
    let mut narrowing = vec![Narrowing { rule: "in the catalogue".into(), left: catalogue.len() }];
    let mut allowed = ItemSet::all(catalogue.len());

    let name = |category: CategoryId| catalogue.categories()[category.index()].as_str();
    let members = |category: CategoryId| ItemSet::from_items(catalogue.len(), catalogue.members(category));
    let taken_away = [(&request.history, "not in the history"), (&request.excluded, "not excluded")]
        .into_iter()
        .filter(|(items, _)| !items.is_empty())
        .map(|(items, rule)| (rule.to_owned(), set_of(items, catalogue).complement()));
    let candidates =
        request.candidates.iter().map(|items| ("among the candidates".to_owned(), set_of(items, catalogue)));
    let all_in = request.all_in.iter().map(|&c| (format!("in {}", name(c)), members(c)));
    let none_in = request.none_in.iter().map(|&c| (format!("not in {}", name(c)), members(c).complement()));
    let conditions = request.conditions.iter().map(|condition| (condition.to_string(), condition.items(catalogue)));

    for (rule, kept) in taken_away.chain(candidates).chain(all_in).chain(none_in).chain(conditions) {
        let mut removed = mandatory.clone();
        removed.difference_with(&kept);
        if let Some(item) = removed.iter().next() {
            let title = catalogue.title(item);
            return Err(Error::bad_input("the request")
                .expected(format!("every mandatory item {rule}"))
                .found(format!("{title:?}, which is not"))
                .next("drop the item or the rule")
                .into());
        }
        allowed.intersect_with(&kept);
        narrowing.push(Narrowing { rule, left: allowed.len() });
    }
    Ok((allowed, narrowing))
}

/// The set of those `items` that the catalogue holds: a history may be older than the catalogue.
fn set_of(items: &[ItemId], catalogue: &Catalogue) -> ItemSet {
    ItemSet::from_items(catalogue.len(), items.iter().filter(|id| (1..=catalogue.len()).contains(&id.index())))
}
