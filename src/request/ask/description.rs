//! A description of items while it is read: alternatives, and the qualifiers before and behind each.

use std::ops::Range;

use super::amounts::{Compared, Quantity};
use super::formula::Formula;
use super::terms::NamedItems;
use super::tree::{Head, Joint};
use super::vocabulary::TitleRole;

/// The reach of the qualifiers at the ends of a list: "romantic comedies and dramas from the nineties".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Over the whole list.
    Wide,
    /// Over the one name beside which they stand.
    Narrow,
}

/// A qualifier of an item.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Element {
    pub of: Formula,
    pub sort: Sort,
    /// It only suggests categories.
    pub loose: bool,
}

/// The sort of an element, which decides what a joint between two of them means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Noun,
    Adjective,
    /// A field's value, by its column.
    Value(usize),
    /// A stretch of a field's numbers.
    Range {
        column: usize,
        vague: bool,
    },
    /// A refusal or a condition, which no list goes on with.
    Closed,
}

/// One of the things that a description lists.
#[derive(Debug, Clone, Default)]
struct Alternative {
    before: Vec<Element>,
    names: Vec<Element>,
    behind: Vec<Element>,
}

/// A description as far as it was read.
#[derive(Debug, Clone, Default)]
pub(super) struct ItemDescription {
    alternatives: Vec<Alternative>,
    pub titles: Vec<(NamedItems, Range<usize>)>,
    pub role: Option<TitleRole>,
    pub head: Head,
    pub article: bool,
    pub part: bool,
    pub of_before: bool,
    /// "items of" a kind.
    pub of_items: bool,
    /// Some word of it was not understood.
    pub unknown: bool,
    /// Its words do not say whether it is wanted.
    pub broken: bool,
    /// "is" stands behind it: what follows says something about it.
    pub judged: bool,
    /// Its words ask for something that no request can state.
    pub lost: bool,
    /// Something inside it is refused in words that only suggest categories.
    pub suggests: bool,
    /// Refused by what stands behind it.
    pub unwelcome: bool,
    pub tolerated: bool,
    pub only: bool,
    /// "to a minimum" stands behind it.
    pub little: bool,
    /// "in" stands behind it: "keep comedies in and war out".
    pub inside: bool,
    /// The last joint of its list was "and" or "or": a comma goes on with something else.
    pub closed: bool,
    /// The number that is excepted from a refusal of it.
    pub except: Option<Quantity>,
    /// "three comedies max": a comparison behind what is counted.
    pub compared: Option<Compared>,
}

impl ItemDescription {
    /// True where it has something that an item can be.
    pub fn has_elements(&self) -> bool {
        self.alternatives.iter().any(|one| one.elements().next().is_some())
    }

    pub fn has_content(&self) -> bool {
        self.has_elements() || !self.titles.is_empty()
    }

    /// True where a noun or adjective names a kind of items.
    pub fn has_kind(&self) -> bool {
        self.alternatives
            .iter()
            .flat_map(Alternative::elements)
            .any(|one| matches!(one.sort, Sort::Noun | Sort::Adjective))
    }

    /// True where it lists no alternatives.
    pub fn is_single(&self) -> bool {
        self.alternatives.len() == 1
    }

    /// True where all of it only suggests categories.
    pub fn is_loose(&self) -> bool {
        self.has_elements() && self.alternatives.iter().flat_map(Alternative::elements).all(|one| one.loose)
    }

    /// The nouns of the last thing that it lists.
    pub fn last_names(&self) -> Vec<Formula> {
        let names = self.alternatives.last().into_iter().flat_map(|one| &one.names);
        names.map(|name| name.of.clone()).collect()
    }

    /// The sort of the last element.
    pub fn last_sort(&self) -> Option<Sort> {
        self.alternatives.last().and_then(|one| one.elements().last()).map(|element| element.sort)
    }

    /// Adds an element that stands beside the one before it.
    pub fn add(&mut self, element: Element) {
        if self.alternatives.is_empty() {
            self.alternatives.push(Alternative::default());
        }
        if let Some(last) = self.alternatives.last_mut() {
            last.add(element);
        }
    }

    /// Adds an element behind a joint. In a refusal every joint lists alternatives; else "funny and scary" is both, "comedies and
    /// dramas" are some of either, and "comedies, from the nineties" says more about the comedies.
    pub fn join(&mut self, joint: Joint, element: Element, refused: bool) {
        let last = self.last_sort();
        let same_field = match (last, element.sort) {
            (Some(Sort::Value(column)), Sort::Value(other)) => column == other,
            (Some(Sort::Range { column, .. }), Sort::Range { column: other, .. }) => column == other,
            _ => false,
        };
        if same_field {
            if let Some(before) = self.alternatives.last_mut().and_then(Alternative::last_mut) {
                before.of = Formula::any([before.of.clone(), element.of]);
            }
            return;
        }
        let names = self.alternatives.last().is_some_and(|one| !one.names.is_empty());
        let kinds = self
            .alternatives
            .last()
            .is_some_and(|one| one.elements().any(|one| matches!(one.sort, Sort::Noun | Sort::Adjective)));
        let adds = match (joint, element.sort) {
            (Joint::Or, _) => false,
            (_, Sort::Range { .. } | Sort::Value(_) | Sort::Closed) => true,
            // "funny and scary", "funny and romantic comedies", "from the nineties, comedies", "comedies, funny".
            (_, Sort::Adjective) => !refused || !kinds,
            (_, Sort::Noun) => !kinds || (!names && !refused),
        };
        if adds {
            self.add(element);
        } else {
            let mut next = Alternative::default();
            next.add(element);
            self.alternatives.push(next);
        }
    }

    /// The condition that an item fits the description.
    pub fn formula(&self, reach: Reach) -> Formula {
        let definite = |column: usize| {
            let elements = self.alternatives.iter().flat_map(Alternative::elements);
            elements.into_iter().any(|one| one.sort == Sort::Range { column, vague: false })
        };
        // "short films under 90 minutes": beside a number the adjective is only a way of speaking.
        let says_more =
            |element: &&Element| !matches!(element.sort, Sort::Range { column, vague: true } if definite(column));
        let part = |elements: &[Element]| Formula::all(elements.iter().filter(says_more).map(|one| one.of.clone()));
        let [first, .., last] = self.alternatives.as_slice() else {
            return Formula::all(
                self.alternatives.iter().flat_map(|one| [part(&one.before), part(&one.names), part(&one.behind)]),
            );
        };
        let inner = &self.alternatives[1..];
        let wide = reach == Reach::Wide;
        let before = wide && !first.names.is_empty() && inner.iter().all(|one| one.before.is_empty());
        let behind = wide && self.alternatives[..self.alternatives.len() - 1].iter().all(|one| one.behind.is_empty());
        let each = self.alternatives.iter().enumerate().map(|(at, one)| {
            let own_before = if before && at == 0 { Formula::anything() } else { part(&one.before) };
            let own_behind = if behind { Formula::anything() } else { part(&one.behind) };
            Formula::all([own_before, part(&one.names), own_behind])
        });
        let any = Formula::any(each);
        let shared_before = if before { part(&first.before) } else { Formula::anything() };
        let shared_behind = if behind { part(&last.behind) } else { Formula::anything() };
        Formula::all([shared_before, any, shared_behind])
    }
}

impl Alternative {
    fn elements(&self) -> impl Iterator<Item = &Element> {
        self.before.iter().chain(&self.names).chain(&self.behind)
    }

    fn last_mut(&mut self) -> Option<&mut Element> {
        self.behind.last_mut().or(self.names.last_mut()).or(self.before.last_mut())
    }

    fn add(&mut self, element: Element) {
        let part = match element.sort {
            Sort::Noun if self.behind.is_empty() => &mut self.names,
            _ if self.names.is_empty() => &mut self.before,
            _ => &mut self.behind,
        };
        part.push(element);
    }
}
