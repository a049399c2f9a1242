//! The constraints of a list: the items that it may hold, and counters over sets of items that may overlap.
//!
//! Every rule of a request takes one of these two forms. History, exclusions, candidates, +C, −C and conditions narrow the allowed set.
//! Shares and mandatory items are counters. "No repeats" and "exactly k" are properties of the decoding itself.

use std::collections::HashMap;

use super::problem::{Class, MAX_COUNTERS, Problem};
use crate::data::{Catalogue, ItemSet};
use crate::request::{CompiledRequest, Counter};
use crate::{Error, Result};

/// The constraints that a request puts on a list.
#[derive(Debug, Clone)]
pub struct Constraints {
    /// The length of the list.
    pub k: u32,
    /// The items that a list may hold.
    pub allowed: ItemSet,
    /// The counted sets and their bounds.
    pub counters: Vec<Counter>,
    /// The steps from the catalogue to the allowed set, in order.
    pub narrowing: Vec<Narrowing>,
}

/// One step from the catalogue to the allowed set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Narrowing {
    /// The rule, such as "in Comedy".
    pub rule: String,
    /// The number of items that keep it and all rules before it.
    pub left: usize,
}

impl Constraints {
    /// The constraints of `request`, which was compiled over `catalogue`.
    ///
    /// # Errors
    /// A request for no item at all, a mandatory item that is unknown or that another rule removes, more than [`MAX_COUNTERS`] counters.
    /// [`Constraints::prove`] says whether a list exists.
    pub fn new(request: &CompiledRequest, catalogue: &Catalogue) -> Result<Self> {
        if request.k == 0 {
            return Err(Error::bad_input("-k").expected("at least 1 item").found("0").next("ask for -k 10").into());
        }
        if let Some(unknown) = request.unknown {
            return Err(Error::bad_input("the mandatory items")
                .expected(format!("item numbers 1 to {}", catalogue.len()))
                .found(unknown.0)
                .next("name items of this catalogue")
                .into());
        }
        let (allowed, narrowing) = narrow(request, catalogue)?;
        let counters = request.counters.clone();
        if counters.len() > MAX_COUNTERS {
            return Err(Error::bad_input("--share")
                .expected(format!("at most {MAX_COUNTERS} shares"))
                .found(counters.len())
                .next("ask for fewer")
                .into());
        }
        Ok(Self { k: request.k, allowed, counters, narrowing })
    }

    /// The feasibility problem of a list of `k` items, over `classes` of interchangeable items.
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

/// Applies the rules about single items one after another and notes what each leaves.
fn narrow(request: &CompiledRequest, catalogue: &Catalogue) -> Result<(ItemSet, Vec<Narrowing>)> {
    let mandatory = request.mandatory();
    let mut narrowing = vec![Narrowing { rule: "in the catalogue".into(), left: catalogue.len() }];
    let mut allowed = ItemSet::all(catalogue.len());
    for rule in &request.rules {
        let removed = mandatory.and_then(|mandatory| mandatory.members.iter().find(|item| !rule.items.contains(*item)));
        if let Some(item) = removed {
            return Err(Error::bad_input("the request")
                .expected(format!("every mandatory item {}", rule.text))
                .found(format!("{:?}, which is not", catalogue.title(item)))
                .next("drop the item or the rule")
                .into());
        }
        allowed.intersect_with(&rule.items);
        narrowing.push(Narrowing { rule: rule.text.clone(), left: allowed.len() });
    }
    Ok((allowed, narrowing))
}
