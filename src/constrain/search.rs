//! The search for numbers per class that add up and keep every bound ([`super::problem`]).
//!
//! First by exchange: any full list, improved one swap at a time, finds almost every plan that exists. Where it gets stuck, the
//! exhaustive search finds a plan or proves that there is none: it decides the classes one by one, gives up a branch as soon as
//! the classes ahead cannot repair it, and remembers the states that failed. Its cost grows with the counters that
//! overlap, and not with the catalogue.

use std::collections::HashSet;

use super::problem::{Class, Problem, Solution};

impl Problem {
    /// Looks for numbers per class that add up to `left` and miss the bounds by `slack` in total at most (0: not at all),
    /// visiting `effort` states at most.
    pub fn solve(&self, slack: u32, effort: usize) -> Solution {
        match by_exchange(self) {
            Some(plan) if self.missed_by(&plan) <= slack => Solution::Plan(plan),
            Some(_) => exhaustive(self, slack, effort),
            None => Solution::Impossible,
        }
    }
}

/// A full list that no single exchange of two classes brings nearer to its bounds; `None` where there are too few items.
pub fn by_exchange(problem: &Problem) -> Option<Vec<u32>> {
    let mut plan = first_fit(problem)?;
    let mut missed = problem.missed_by(&plan);
    while missed > 0 {
        let counts = problem.counts(&plan);
        let swaps = exchanges(problem, &plan).map(|(from, to)| (missed_after(problem, &counts, from, to), from, to));
        let Some((better, from, to)) = swaps.min().filter(|&(better, ..)| better < missed) else {
            break;
        };
        plan[from] -= 1;
        plan[to] += 1;
        missed = better;
    }
    Some(plan)
}

/// The first items at hand.
fn first_fit(problem: &Problem) -> Option<Vec<u32>> {
    let mut left = problem.left;
    let take = |class: &Class| {
        let number = class.available.min(left);
        left -= number;
        number
    };
    let plan = problem.classes.iter().map(take).collect();
    (left == 0).then_some(plan)
}

/// Pairs of classes between which one item can move.
fn exchanges<'a>(problem: &'a Problem, plan: &'a [u32]) -> impl Iterator<Item = (usize, usize)> + 'a {
    let classes = 0..plan.len();
    let given = classes.clone().filter(|&from| plan[from] > 0);
    given.flat_map(move |from| {
        let takers = classes.clone().filter(move |&to| to != from && plan[to] < problem.classes[to].available);
        takers.map(move |to| (from, to))
    })
}

/// The total distance of the counts from their bounds once an item has moved.
fn missed_after(problem: &Problem, counts: &[u32], from: usize, to: usize) -> u32 {
    let (from, to) = (problem.classes[from], problem.classes[to]);
    let missed = problem.bounds.iter().zip(counts).enumerate();
    missed.map(|(at, (bound, count))| bound.missed_by(count - from.counted_by(at) + to.counted_by(at))).sum()
}

/// A plan that misses the bounds by `slack` in total at most, or the proof that there is none, within `effort` states.
pub fn exhaustive(problem: &Problem, slack: u32, effort: usize) -> Solution {
    let mut search = Search::new(problem, slack, effort);
    let mut state = State { at: 0, left: problem.left, taken: vec![0; problem.bounds.len()], plan: Vec::new() };
    match search.descend(&mut state) {
        Some(true) => Solution::Plan(state.plan),
        Some(false) => Solution::Impossible,
        None => Solution::Unknown,
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
    /// States that may still be visited.
    effort: usize,
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
    fn new(problem: &'a Problem, slack: u32, effort: usize) -> Self {
        let mut ahead = vec![0; problem.classes.len() + 1];
        let mut ahead_in = vec![vec![0; problem.bounds.len()]; problem.classes.len() + 1];
        for (at, class) in problem.classes.iter().enumerate().rev() {
            ahead[at] = ahead[at + 1] + class.available;
            let further = (0..).zip(&ahead_in[at + 1]);
            ahead_in[at] =
                further.map(|(counter, items)| items + class.counted_by(counter) * class.available).collect();
        }
        Self { problem, slack, ahead, ahead_in, failed: HashSet::new(), effort }
    }

    /// Completes `state` if that is possible, and leaves it as it was if not; `None` where the effort runs out.
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
        self.effort = self.effort.checked_sub(1)?;
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

    /// Returns false where the classes ahead, taken independently, cannot fill the list and bring the counters within the slack.
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

    /// The part of a state that decides whether it can be completed: the items left, and per counter its need and its free places.
    fn outlook(&self, state: &State) -> Vec<i64> {
        let left = i64::from(state.left);
        let counters = self.problem.bounds.iter().zip(&state.taken).flat_map(|(bound, &taken)| {
            let taken = i64::from(taken);
            // Needs that are met are all alike, and so are free places for everything that is left. What was taken beyond a
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
            *taken += number * class.counted_by(counter);
        }
    }

    fn step_back(&mut self, class: Class) {
        let number = self.plan.pop().unwrap_or(0);
        self.at -= 1;
        self.left += number;
        for (counter, taken) in self.taken.iter_mut().enumerate() {
            *taken -= number * class.counted_by(counter);
        }
    }
}
