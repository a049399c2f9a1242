//! Whether a list can still be completed: small integer arithmetic that knows neither items nor tokens.
//!
//! Items that lie in the same counted sets are interchangeable, so a request for k items under counters is a question about
//! *classes*: how many of each class to take so that the numbers add up to k and every counter ends within its bound.
//! The answer ([`super::search`]) is exact up to a limit of effort, which random requests with up to four overlapping shares in
//! lists of fifty, or six in lists of ten, stayed below. Past the limit it is [`Solution::Unknown`], which callers treat as "no":
//! nothing is ever promised on a guess.

use super::search;
use crate::request::Bound;

/// Counters that one request may have. They make up to 2⁸ classes, each of which is looked at before every line.
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
    /// How many of them may still be taken.
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
    /// How many items are still to be taken.
    pub left: u32,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Solution {
    /// So many of each class.
    Plan(Vec<u32>),
    /// Proven: there is no way.
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
    /// Looks for numbers per class that add up to `left` and miss the bounds by `slack` in total at most (0: not at all),
    /// visiting `effort` states at most.
    pub fn solve(&self, slack: u32, effort: usize) -> Solution {
        match search::by_exchange(self) {
            Some(plan) if self.missed_by(&plan) <= slack => Solution::Plan(plan),
            Some(_) => search::exhaustive(self, slack, effort),
            None => Solution::Impossible,
        }
    }

    /// How many items of each counter a plan takes.
    pub fn counts(&self, plan: &[u32]) -> Vec<u32> {
        let taken_of = |counter: usize| {
            self.classes.iter().zip(plan).map(|(class, taken)| class.counted_by(counter) * taken).sum()
        };
        (0..self.bounds.len()).map(taken_of).collect()
    }

    /// How far a plan's counts lie outside their bounds, in total.
    pub fn missed_by(&self, plan: &[u32]) -> u32 {
        self.bounds.iter().zip(self.counts(plan)).map(|(bound, count)| bound.missed_by(count)).sum()
    }

    /// What is left to solve once an item of `class` is taken; `None` where that alone breaks a bound.
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

/// A problem together with a plan that solves it: as long as one of these exists, the list can be completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feasible {
    problem: Problem,
    plan: Vec<u32>,
}

impl Feasible {
    /// Solves `problem`; the error says whether it is impossible or could not be decided.
    ///
    /// # Errors
    /// [`Solution::Impossible`] or [`Solution::Unknown`].
    pub fn new(problem: Problem) -> Result<Self, Solution> {
        Self::within(problem, REQUEST_EFFORT)
    }

    fn within(problem: Problem, effort: usize) -> Result<Self, Solution> {
        match problem.solve(0, effort) {
            Solution::Plan(plan) => Ok(Self { problem, plan }),
            no => Err(no),
        }
    }

    /// What remains once an item of `class` is taken; `None` where the list could no longer be completed, or where
    /// [`LINE_EFFORT`] does not suffice to prove that it could.
    ///
    /// At least one class always remains open while items are left, because the plan itself takes one.
    pub fn take(&self, class: usize) -> Option<Self> {
        let problem = self.problem.without(class)?;
        if self.plan[class] == 0 {
            return Self::within(problem, LINE_EFFORT).ok();
        }
        let mut plan = self.plan.clone();
        plan[class] -= 1;
        Some(Self { problem, plan })
    }

    /// What is still to be solved.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// How many items are still to be taken.
    pub fn left(&self) -> u32 {
        self.problem.left
    }
}
