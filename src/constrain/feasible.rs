//! Feasibility: the proof that a list can still be completed, carried along while it is written.
//!
//! The proof is a plan: a number of items from each class. The search for one is exact up to a limit of effort, which random requests with
//! up to four overlapping shares in lists of fifty, or six in lists of ten, stayed below. Past the limit the answer is
//! [`Solution::Unknown`], which callers treat as "no": nothing is guaranteed without a proof.

use super::constraints::Constraints;
use super::infeasible::Infeasible;
use super::problem::{LINE_EFFORT, Problem, REQUEST_EFFORT, Solution};
use crate::data::{ItemId, ItemSet};

/// A request of which it is proven that a list satisfies it: the plan of such a list, and the items of each class.
///
/// Made once, before a model is loaded, and handed on to the decoding.
#[derive(Debug, Clone)]
pub struct FeasibleRequest {
    plan: Feasible,
    /// `[classes]` Interchangeable items, by the counters that count them.
    classes: Vec<ItemSet>,
}

impl Constraints {
    /// Proves that a list satisfies the constraints.
    ///
    /// # Errors
    /// [`Infeasible`], with the nearest request that can be met.
    pub fn prove(&self) -> Result<FeasibleRequest, Infeasible> {
        let (classes, members) = self.classes();
        match Feasible::new(self.problem(&classes, self.k)) {
            Ok(plan) => Ok(FeasibleRequest { plan, classes: members }),
            Err(answer) => Err(Infeasible::explain(self, &classes, answer == Solution::Unknown)),
        }
    }
}

impl FeasibleRequest {
    /// The length of the list.
    pub fn k(&self) -> u32 {
        self.plan.left()
    }

    /// The plan of the whole list.
    pub fn plan(&self) -> &Feasible {
        &self.plan
    }

    /// `[classes]` The items of each class.
    pub fn classes(&self) -> &[ItemSet] {
        &self.classes
    }

    /// The class of an item; `None` for one that is not allowed.
    pub fn class_of(&self, item: ItemId) -> Option<usize> {
        self.classes.iter().position(|members| members.contains(item))
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

    /// The rest once an item of `class` is taken; `None` where the list could no longer be completed, or where
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

    /// The problem that the plan solves.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// The number of items still to be taken.
    pub fn left(&self) -> u32 {
        self.problem.left
    }
}
