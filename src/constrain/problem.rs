//! The feasibility problem of a list: small integer arithmetic that knows neither items nor tokens.
//!
//! Items that lie in the same counted sets are interchangeable. A request for k items under counters is therefore a question about
//! *classes*: the number of items to take from each class, so that the numbers add up to k and every counter ends within its bound.
//! [`super::search`] solves it.

use crate::request::Bound;

/// The most counters of a request. They make up to 2⁸ classes, each of which is looked at before every line.
pub const MAX_COUNTERS: usize = 8;

/// States that the search before decoding may visit: a fraction of a second.
pub const REQUEST_EFFORT: usize = 100_000;

/// States that each of the searches between two lines may visit: about a millisecond.
pub const LINE_EFFORT: usize = 1_000;

/// Interchangeable items: all that lie in the same counted sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Class {
    /// Bit j: the items are counted by counter j.
    pub signature: u32,
    /// The number of them that may still be taken.
    pub available: u32,
}

impl Class {
    /// 1 where a counter counts the items, 0 where it does not.
    pub fn counted_by(self, counter: usize) -> u32 {
        self.signature >> counter & 1
    }
}

/// Take exactly `left` items so that every counter ends within its bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Disjoint classes of items.
    pub classes: Vec<Class>,
    /// One bound per counter.
    pub bounds: Vec<Bound>,
    /// The number of items still to be taken.
    pub left: u32,
}

/// The result of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Solution {
    /// The number of items to take from each class.
    Plan(Vec<u32>),
    /// Proven: there is no plan.
    Impossible,
    /// The search reached the limit of its effort.
    Unknown,
}

impl Solution {
    /// The plan, if there is one.
    pub fn plan(self) -> Option<Vec<u32>> {
        match self {
            Solution::Plan(plan) => Some(plan),
            Solution::Impossible | Solution::Unknown => None,
        }
    }
}

impl Problem {
    /// The number of items of each counter that a plan takes.
    pub fn counts(&self, plan: &[u32]) -> Vec<u32> {
        let taken_of = |counter: usize| {
            self.classes.iter().zip(plan).map(|(class, taken)| class.counted_by(counter) * taken).sum()
        };
        (0..self.bounds.len()).map(taken_of).collect()
    }

    /// The distance of a plan's counts from their bounds, summed over the counters.
    pub fn missed_by(&self, plan: &[u32]) -> u32 {
        self.bounds.iter().zip(self.counts(plan)).map(|(bound, count)| bound.missed_by(count)).sum()
    }

    /// The problem that is left once an item of `class` is taken; `None` where that alone breaks a bound.
    pub(super) fn without(&self, class: usize) -> Option<Problem> {
        let mut rest = self.clone();
        rest.left = rest.left.checked_sub(1)?;
        rest.classes[class].available = rest.classes[class].available.checked_sub(1)?;
        for (counter, bound) in rest.bounds.iter_mut().enumerate() {
            if self.classes[class].counted_by(counter) == 1 {
                *bound = Bound { min: bound.min.saturating_sub(1), max: bound.max.checked_sub(1)? };
            }
        }
        Some(rest)
    }
}
