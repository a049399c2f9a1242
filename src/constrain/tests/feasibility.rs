//! The arithmetic of feasibility against brute force.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::constrain::feasible::Feasible;
use crate::constrain::problem::{Class, Problem, REQUEST_EFFORT as EFFORT, Solution};
use crate::constrain::search;
use crate::request::Bound;

/// The least miss of any way to take `left` items, over all counts that can be reached class by class.
fn best_miss(problem: &Problem) -> Option<u32> {
    let mut reached = BTreeSet::from([(0, vec![0; problem.bounds.len()])]);
    for class in &problem.classes {
        let further = reached.iter().flat_map(|(taken, counts): &(u32, Vec<u32>)| {
            (0..=class.available.min(problem.left - taken)).map(move |number| {
                let counted = |counter: usize| number * class.counted_by(counter);
                (taken + number, counts.iter().enumerate().map(|(counter, count)| count + counted(counter)).collect())
            })
        });
        reached = further.collect();
    }
    let full = reached.iter().filter(|(taken, _)| *taken == problem.left);
    let missed = |counts: &[u32]| problem.bounds.iter().zip(counts).map(|(bound, &count)| bound.missed_by(count)).sum();
    full.map(|(_, counts)| missed(counts)).min()
}

prop_compose! {
    fn problem()(counters in 0usize..5)(
        classes in vec((0u32..1 << counters, 0u32..5), 0..9),
        bounds in vec((0u32..6, 0u32..8), counters),
        left in 0u32..11,
    ) -> Problem {
        Problem {
            classes: classes.into_iter().map(|(signature, available)| Class { signature, available }).collect(),
            bounds: bounds.into_iter().map(|(min, max)| Bound { min, max }).collect(),
            left,
        }
    }
}

/// One-sided or exact bounds around the counts of a hidden plan.
fn solvable() -> impl Strategy<Value = Problem> {
    (3usize..6).prop_flat_map(|counters| {
        let classes = vec((0u32..1 << counters, 0u32..4, 0u32..3), 6..14);
        (classes, vec(0usize..3, counters)).prop_map(|(classes, sides)| {
            let plan: Vec<u32> = classes.iter().map(|(_, taken, _)| *taken).collect();
            let classes = classes.iter().map(|&(signature, taken, more)| Class { signature, available: taken + more });
            let free = vec![Bound { min: 0, max: 0 }; sides.len()];
            let mut problem = Problem { classes: classes.collect(), bounds: free, left: plan.iter().sum() };
            let bounds = problem.counts(&plan).into_iter().zip(&sides).map(|(count, side)| match side {
                0 => Bound { min: count, max: problem.left },
                1 => Bound { min: 0, max: count },
                _ => Bound { min: count, max: count },
            });
            problem.bounds = bounds.collect();
            problem
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_hidden_plan_is_found(problem in solvable()) {
        for answer in [problem.solve(0, EFFORT), search::exhaustive(&problem, 0, EFFORT)] {
            let Solution::Plan(plan) = answer else { return Err(TestCaseError::fail("no plan was found")) };
            prop_assert_eq!(problem.missed_by(&plan), 0);
        }
    }

    #[test]
    fn the_answer_is_that_of_trying_everything(problem in problem(), slack in 0u32..4) {
        for answer in [problem.solve(slack, EFFORT), search::exhaustive(&problem, slack, EFFORT)] {
            match answer {
                Solution::Plan(plan) => {
                    prop_assert_eq!(plan.iter().sum::<u32>(), problem.left);
                    prop_assert!(plan.iter().zip(&problem.classes).all(|(&n, class)| n <= class.available));
                    prop_assert!(problem.missed_by(&plan) <= slack);
                }
                Solution::Impossible => prop_assert!(best_miss(&problem).is_none_or(|best| best > slack)),
                Solution::Unknown => prop_assert!(false, "so small a search ran out of effort"),
            }
        }
    }

    #[test]
    fn taking_is_allowed_exactly_where_the_rest_stays_possible(problem in problem(), choices in vec(any::<prop::sample::Index>(), 8)) {
        let Ok(mut feasible) = Feasible::new(problem) else { return Ok(()) };
        for choice in choices.iter().take(feasible.left() as usize) {
            let next: Vec<Feasible> = (0..feasible.problem().classes.len())
                .filter_map(|class| {
                    let rest = feasible.problem().without(class).filter(|rest| best_miss(rest) == Some(0));
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
fn a_search_that_runs_out_of_effort_does_not_guess() {
    // Every item counts twice, so the counts cannot add up to an odd number; no single counter shows it.
    let pairs = (0u32..1 << 4).filter(|signature| signature.count_ones() == 2);
    let classes = pairs.map(|signature| Class { signature, available: 9 }).collect();
    let bounds = [3, 3, 3, 4].map(|count| Bound { min: count, max: count }).to_vec();
    let odd = Problem { classes, bounds, left: 6 };
    assert_eq!(odd.solve(0, EFFORT), Solution::Impossible);
    assert_eq!(odd.solve(0, 5), Solution::Unknown);
    assert!(matches!(odd.solve(1, 5), Solution::Plan(_)));
}
