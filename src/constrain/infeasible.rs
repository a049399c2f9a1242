//! Requests that no list satisfies: the reasons, and the nearest requests that can be met.

use std::fmt;

use super::constraints::{Constraints, Narrowing};
use super::grammar::LONGEST_LIST;
use super::problem::{Class, LINE_EFFORT};
use crate::Error;
use crate::request::{Bound, CountRule};

/// List lengths that are tried in either direction when a request cannot be met.
const REACH: u32 = 50;

/// A request that no list satisfies, or none that could be found within the limit of the search.
#[derive(Debug, Clone, PartialEq)]
pub struct Infeasible {
    /// The length of the list that was asked for.
    pub k: u32,
    /// The steps from the catalogue to the allowed set.
    pub narrowing: Vec<Narrowing>,
    /// The counters and their bounds.
    pub counted: Vec<(CountRule, Bound)>,
    /// The counters overlap too much to decide; there may be a list after all.
    pub undecided: bool,
    /// The list length nearest to `k` at which the request, otherwise as it is, can be met.
    pub other_k: Option<u32>,
    /// The counters relaxed by as few items as possible in total.
    pub relaxed: Option<Relaxed>,
}

/// A request with its counters relaxed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relaxed {
    /// The length of the list: the requested one, or the number of allowed items if that is less.
    pub k: u32,
    /// The new bound of each counter, by its number; only of those that are relaxed.
    pub bounds: Vec<(usize, Bound)>,
}

impl Infeasible {
    /// The reasons why no list was found, and the nearest requests that can be met.
    pub(super) fn explain(constraints: &Constraints, classes: &[Class], undecided: bool) -> Self {
        let k = constraints.k;
        let counted = constraints.counters.iter().map(|counter| (counter.rule.clone(), counter.rule.bound(k)));
        Self {
            k,
            narrowing: constraints.narrowing.clone(),
            counted: counted.collect(),
            undecided,
            other_k: nearest_length(constraints, classes),
            relaxed: relax(constraints, classes),
        }
    }
}

/// The feasible length nearest to `k`; the shorter one of two equally near.
fn nearest_length(constraints: &Constraints, classes: &[Class]) -> Option<u32> {
    let k = constraints.k;
    let allowed: u32 = classes.iter().map(|class| class.available).sum();
    let longest = allowed.min(LONGEST_LIST as u32);
    let shortest_first = (0..=REACH).flat_map(|step| [k.min(longest).saturating_sub(step), k.saturating_add(step)]);
    let mut lengths = shortest_first.filter(|&length| length > 0 && length <= longest && length != k);
    lengths.find(|&length| constraints.problem(classes, length).solve(0, LINE_EFFORT).plan().is_some())
}

/// Lets the counters miss their bounds by one item in total, then by two, until a list exists.
fn relax(constraints: &Constraints, classes: &[Class]) -> Option<Relaxed> {
    let k = constraints.k.min(classes.iter().map(|class| class.available).sum());
    if k == 0 || constraints.counters.is_empty() {
        return None;
    }
    let problem = constraints.problem(classes, k);
    let most = (k + 1) * constraints.counters.len() as u32;
    let plan = (0..=most).find_map(|slack| problem.solve(slack, LINE_EFFORT).plan())?;
    let widened = problem.bounds.iter().zip(problem.counts(&plan)).enumerate();
    let bounds = widened.filter(|(_, (bound, count))| bound.missed_by(*count) > 0).map(|(counter, (bound, count))| {
        // A bound that is empty for want of whole numbers closes around the count itself.
        let Bound { min, max } = *bound;
        (counter, Bound { min: min.min(count), max: max.max(count) })
    });
    let bounds: Vec<(usize, Bound)> = bounds.collect();
    // Where only the length stood in the way, the other length says it all.
    (!bounds.is_empty()).then_some(Relaxed { k, bounds })
}

impl From<Infeasible> for Error {
    fn from(no: Infeasible) -> Self {
        let rules: Vec<String> = no.counted.iter().map(|(rule, _)| rule.to_string()).collect();
        let with = if rules.is_empty() { "" } else { " with " };
        let mut found: Vec<String> = no.narrowing.iter().map(|step| format!("{} {}", step.left, step.rule)).collect();
        if no.undecided {
            found.push("shares that overlap too much to decide".into());
        } else if no.narrowing.last().is_some_and(|last| last.left >= no.k as usize) {
            found.push("no list that meets all shares".into());
        }
        Error::bad_input("the request")
            .expected(format!("a list of {} items{with}{}", no.k, rules.join(" and ")))
            .found(found.join(", "))
            .next(no.nearest())
            .into()
    }
}

impl Infeasible {
    /// The nearest requests that can be met, in words.
    fn nearest(&self) -> String {
        let shorter = self.other_k.map(|k| format!("ask for -k {k}"));
        let relaxed = self.relaxed.as_ref().map(|Relaxed { k, bounds }| {
            let length = if *k == self.k { String::new() } else { format!("-k {k} and ") };
            let changes: Vec<String> =
                bounds.iter().map(|(counter, bound)| self.counted[*counter].0.with(*bound, *k)).collect();
            format!("ask for {length}{}", changes.join(" and "))
        });
        let ways: Vec<String> = shorter.into_iter().chain(relaxed).collect();
        if ways.is_empty() { "drop one of the rules".to_owned() } else { ways.join(", or ") }
    }
}

impl CountRule {
    /// The rule with another bound, in words.
    fn with(&self, Bound { min, max }: Bound, k: u32) -> String {
        let of = match self {
            CountRule::Share(share) => share.of.to_string(),
            CountRule::Mandatory(_) => "the mandatory items".to_owned(),
        };
        match (min, max) {
            (min, max) if min == max => format!("exactly {min} of {of}"),
            (0, max) => format!("at most {max} of {of}"),
            (min, max) if max >= k => format!("at least {min} of {of}"),
            (min, max) => format!("{min} to {max} of {of}"),
        }
    }
}

impl fmt::Display for CountRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CountRule::Share(share) => write!(f, "{share}"),
            CountRule::Mandatory(number) => write!(f, "all {number} mandatory items"),
        }
    }
}
