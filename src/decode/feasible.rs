//! Whether a list can still be completed: small integer arithmetic that knows neither items nor tokens.
//!
//! Items that lie in the same counted sets are interchangeable, so a request for k items under counters is a question about
//! *classes*: how many of each class to take so that the numbers add up to k and every counter ends within its bound.
//! The search over these numbers is exact. It takes the classes one by one, gives up a branch as soon as the classes to come cannot
//! repair it, and remembers the states that failed. Its cost grows with the number of counters that overlap and not with the
//! catalogue; past [`SEARCH_LIMIT`] states it answers [`Answer::Unknown`], which callers treat as "no": nothing is ever promised
//! on a guess.

use std::collections::HashSet;

/// Counters that one request may have: the bits of a signature.
pub const MAX_COUNTERS: usize = u64::BITS as usize;

/// States that one search may visit: some tens of milliseconds.
pub const SEARCH_LIMIT: usize = 100_000;

/// Interchangeable items: all that lie in the same counted sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Class {
    /// Bit j: the items are counted by counter j.
    pub signature: u64,
    /// How many of them may still be taken.
    pub available: u32,
}

/// How many items of a counter a list may hold, both ends included. `min > max` can never be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// At least so many.
    pub min: u32,
    /// At most so many.
    pub max: u32,
}

impl Bound {
    /// How far `count` lies outside.
    pub fn missed_by(self, count: u32) -> u32 {
        self.min.saturating_sub(count) + count.saturating_sub(self.max)
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
pub enum Answer {
    /// So many of each class.
    Plan(Vec<u32>),
    /// Proven: there is no way.
    Impossible,
    /// The search reached [`SEARCH_LIMIT`].
    Unknown,
}

impl Problem {
    /// Looks for numbers per class that add up to `left` and miss the bounds by `slack` in total at most (0: not at all).
    pub fn solve(&self, slack: u32) -> Answer {
        let mut search = Search::new(self, slack);
        let mut state = State { at: 0, left: self.left, taken: vec![0; self.bounds.len()], plan: Vec::new() };
        match search.descend(&mut state) {
            Some(true) => Answer::Plan(state.plan),
            Some(false) => Answer::Impossible,
            None => Answer::Unknown,
        }
    }

    /// How many items of each counter a plan takes.
    pub fn counts(&self, plan: &[u32]) -> Vec<u32> {
        let taken_of = |counter: usize| {
            let members = self.classes.iter().zip(plan).filter(|(class, _)| class.signature >> counter & 1 == 1);
            members.map(|(_, taken)| taken).sum()
        };
        (0..self.bounds.len()).map(taken_of).collect()
    }

    /// What is left to solve once an item of `class` is taken; `None` where that alone breaks a bound.
    fn without(&self, class: usize) -> Option<Problem> {
        let mut rest = self.clone();
        rest.left = rest.left.checked_sub(1)?;
        rest.classes[class].available = rest.classes[class].available.checked_sub(1)?;
        for (counter, bound) in rest.bounds.iter_mut().enumerate() {
            if self.classes[class].signature >> counter & 1 == 1 {
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
    /// [`Answer::Impossible`] or [`Answer::Unknown`].
    pub fn new(problem: Problem) -> Result<Self, Answer> {
        match problem.solve(0) {
            Answer::Plan(plan) => Ok(Self { problem, plan }),
            no => Err(no),
        }
    }

    /// What remains once an item of `class` is taken; `None` where the list could no longer be completed.
    ///
    /// At least one class always remains open while items are left, because the plan itself takes one.
    pub fn take(&self, class: usize) -> Option<Self> {
        let problem = self.problem.without(class)?;
        if self.plan[class] == 0 {
            return Self::new(problem).ok();
        }
        let mut plan = self.plan.clone();
        plan[class] -= 1;
        Some(Self { problem, plan })
    }

    /// How many items are still to be taken.
    pub fn left(&self) -> u32 {
        self.problem.left
    }
}

/// A depth-first search: level `at` decides how many of class `at` to take.
struct Search<'a> {
    problem: &'a Problem,
    slack: u32,
    /// `[classes + 1]` Items in the classes from here on.
    ahead: Vec<u32>,
    /// `[classes + 1][counters]` Those of them that a counter counts.
    ahead_in: Vec<Vec<u32>>,
    failed: HashSet<(usize, Vec<i64>)>,
    visited: usize,
}

struct State {
    at: usize,
    left: u32,
    /// `[counters]` What the classes before `at` have put into each counter.
    taken: Vec<u32>,
    /// `[at]` What was taken of each class before `at`.
    plan: Vec<u32>,
}

impl<'a> Search<'a> {
    fn new(problem: &'a Problem, slack: u32) -> Self {
        let mut ahead = vec![0; problem.classes.len() + 1];
        let mut ahead_in = vec![vec![0; problem.bounds.len()]; problem.classes.len() + 1];
        for (at, class) in problem.classes.iter().enumerate().rev() {
            ahead[at] = ahead[at + 1] + class.available;
            for counter in 0..problem.bounds.len() {
                let counted = (class.signature >> counter & 1) as u32;
                ahead_in[at][counter] = ahead_in[at + 1][counter] + counted * class.available;
            }
        }
        Self { problem, slack, ahead, ahead_in, failed: HashSet::new(), visited: 0 }
    }

    /// Completes `state` if that is possible, and leaves it as it was if not; `None` at the search limit.
    fn descend(&mut self, state: &mut State) -> Option<bool> {
        if !self.may_succeed(state) {
            return Some(false);
        }
        let Some(&class) = self.problem.classes.get(state.at) else {
            return Some(true);
        };
        let key = (state.at, self.outlook(state));
        if self.failed.contains(&key) {
            return Some(false);
        }
        self.visited += 1;
        if self.visited > SEARCH_LIMIT {
            return None;
        }
        for number in (0..=class.available.min(state.left)).rev() {
            state.step(class, number);
            let found = self.descend(state)?;
            if found {
                return Some(true);
            }
            state.step_back(class);
        }
        self.failed.insert(key);
        Some(false)
    }

    /// Whether the classes ahead, free of each other, could fill the list and bring the counters home within the slack.
    ///
    /// Past the last class nothing is free any more, and this is the exact test of a whole plan.
    fn may_succeed(&self, state: &State) -> bool {
        let ahead = self.ahead[state.at];
        let missed = self.problem.bounds.iter().enumerate().map(|(counter, bound)| {
            let ahead_in = self.ahead_in[state.at][counter];
            let most = state.taken[counter] + ahead_in.min(state.left);
            let least = state.taken[counter] + state.left.saturating_sub(ahead - ahead_in);
            bound.min.saturating_sub(most) + least.saturating_sub(bound.max)
        });
        state.left <= ahead && missed.sum::<u32>() <= self.slack
    }

    /// All that decides about the future: what is left, and per counter what is needed and what room there is.
    fn outlook(&self, state: &State) -> Vec<i64> {
        let left = i64::from(state.left);
        let counters = self.problem.bounds.iter().zip(&state.taken).flat_map(|(bound, &taken)| {
            let taken = i64::from(taken);
            // Needs that are met are all alike, and so is room for everything that is left. What was taken beyond a
            // bound is spent slack, so it stays in the difference.
            [(i64::from(bound.min) - taken).max(0), (i64::from(bound.max) - taken).min(left)]
        });
        std::iter::once(left).chain(counters).collect()
    }
}

impl State {
    fn step(&mut self, class: Class, number: u32) {
        self.at += 1;
        self.left -= number;
        self.plan.push(number);
        for (counter, taken) in self.taken.iter_mut().enumerate() {
            *taken += number * (class.signature >> counter & 1) as u32;
        }
    }

    fn step_back(&mut self, class: Class) {
        let number = self.plan.pop().unwrap_or(0);
        self.at -= 1;
        self.left += number;
        for (counter, taken) in self.taken.iter_mut().enumerate() {
            *taken -= number * (class.signature >> counter & 1) as u32;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Every way to take `left` items, tried.
    fn best_miss(problem: &Problem) -> Option<u32> {
        let mut plans = vec![Vec::new()];
        for class in &problem.classes {
            plans = plans
                .iter()
                .flat_map(|plan| (0..=class.available).map(move |n| [plan.as_slice(), &[n]].concat()))
                .collect();
        }
        let full = plans.iter().filter(|plan| plan.iter().sum::<u32>() == problem.left);
        full.map(|plan| missed(problem, plan)).min()
    }

    fn missed(problem: &Problem, plan: &[u32]) -> u32 {
        problem.bounds.iter().zip(problem.counts(plan)).map(|(bound, count)| bound.missed_by(count)).sum()
    }

    prop_compose! {
        fn problem()(counters in 0usize..4)(
            classes in vec((0u64..1 << counters, 0u32..4), 0..6),
            bounds in vec((0u32..5, 0u32..7), counters),
            left in 0u32..7,
        ) -> Problem {
            Problem {
                classes: classes.into_iter().map(|(signature, available)| Class { signature, available }).collect(),
                bounds: bounds.into_iter().map(|(min, max)| Bound { min, max }).collect(),
                left,
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn the_answer_is_that_of_trying_everything(problem in problem(), slack in 0u32..4) {
            match problem.solve(slack) {
                Answer::Plan(plan) => {
                    prop_assert_eq!(plan.iter().sum::<u32>(), problem.left);
                    prop_assert!(plan.iter().zip(&problem.classes).all(|(&n, class)| n <= class.available));
                    prop_assert!(missed(&problem, &plan) <= slack);
                }
                Answer::Impossible => prop_assert!(best_miss(&problem).is_none_or(|best| best > slack)),
                Answer::Unknown => prop_assert!(false, "so small a search reached the limit"),
            }
        }

        #[test]
        fn taking_is_allowed_exactly_where_the_rest_stays_possible(problem in problem(), choices in vec(any::<prop::sample::Index>(), 8)) {
            let Ok(mut feasible) = Feasible::new(problem) else { return Ok(()) };
            for choice in choices.iter().take(feasible.left() as usize) {
                let next: Vec<Feasible> = (0..feasible.problem.classes.len())
                    .filter_map(|class| {
                        let rest = feasible.problem.without(class).filter(|rest| best_miss(rest) == Some(0));
                        let taken = feasible.take(class);
                        assert_eq!(taken.is_some(), rest.is_some());
                        taken
                    })
                    .collect();
                prop_assert!(!next.is_empty(), "a dead end");
                feasible = next[choice.index(next.len())].clone();
            }
        }
    }

    #[test]
    fn a_search_without_end_is_cut_off_and_not_guessed() {
        // Twenty counters over all pairs of twenty classes, with bounds that almost fit: an honest knapsack.
        let classes = (0..24u64).map(|i| Class { signature: i * 2_654_435_761 % (1 << 20), available: 40 }).collect();
        let bounds = (0..20).map(|_| Bound { min: 249, max: 249 }).collect();
        let hard = Problem { classes, bounds, left: 501 };
        assert_ne!(Feasible::new(hard.clone()).err(), None);
        assert_eq!(hard.solve(0), Answer::Unknown);
    }
}
