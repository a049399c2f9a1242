//! Questions that measure instead of teach (method §4.1): fixed requests about held-out items, in wordings that training never saw.

use super::asked::Asked;
use super::category::most_frequent;
use super::example::Draft;
use super::recipe::LIST_LENGTH;
use super::task::Task;
use crate::data::CategoryId;
use crate::recommend::prompt::{HELD_OUT_PHRASINGS, tells_feeling};
use crate::request::{Amount, Predicate, Relation, Request, Share};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// I0: the next item.
    Sequential,
    /// I0 with 11 to 15 items, lengths that training never asks for.
    ItemCount,
    /// I1 +C, for the deepest category of the target.
    More,
    /// I1 −C, for the category that the teacher's list has most of, of those that the target is not in (B15).
    Less,
    /// LP1: at most so many percent of the category of [`Probe::Less`].
    AtMost(u32),
    /// MP: at least so many percent of the category of [`Probe::More`].
    AtLeast(u32),
    /// EP: about so many percent of the category of [`Probe::More`].
    About(u32),
}

/// The probes that validate a task, in turn from user to user.
pub(super) fn of_task(task: Task) -> &'static [Probe] {
    match task {
        Task::I0 => &[Probe::Sequential],
        Task::I1 => &[Probe::More, Probe::Less],
        Task::I2 => &[Probe::AtMost(20), Probe::AtLeast(30), Probe::About(50)],
        Task::I3 | Task::I4 => &[],
    }
}

impl Probe {
    /// The task that it measures.
    pub fn task(self) -> Task {
        match self {
            Probe::Sequential | Probe::ItemCount => Task::I0,
            Probe::More | Probe::Less => Task::I1,
            Probe::AtMost(_) | Probe::AtLeast(_) | Probe::About(_) => Task::I2,
        }
    }

    /// The wordings that it may have: held out, and of shares the plain ones.
    pub(super) fn phrasings(self) -> impl Iterator<Item = usize> {
        HELD_OUT_PHRASINGS.filter(move |&phrasing| self.task() != Task::I2 || !tells_feeling(phrasing))
    }

    /// The request about user `number`, with the target as its only label; `None` where no category can be asked for.
    pub(super) fn draft(self, number: usize, asked: &Asked) -> Option<Draft> {
        let catalogue = asked.world.catalogue;
        let target = asked.case.target;
        let deepest = || catalogue.item(target).categories.last().copied();
        let unwanted = || {
            let recommended = asked.ranking.best(LIST_LENGTH, |_| true);
            most_frequent(&recommended, target, catalogue).last().copied()
        };
        let share = |category: CategoryId, relation, percent: u32| {
            let of = Predicate::category(category, catalogue);
            vec![Share { of, relation, amount: Amount::Percent(f64::from(percent)) }]
        };
        let mut request = Request { k: LIST_LENGTH as u32, ..asked.request() };
        match self {
            Probe::Sequential => {}
            Probe::ItemCount => request.k += 1 + number as u32 % 5,
            Probe::More => request.all_in = vec![deepest()?],
            Probe::Less => request.none_in = vec![unwanted()?],
            Probe::AtMost(percent) => request.shares = share(unwanted()?, Relation::AtMost, percent),
            Probe::AtLeast(percent) => request.shares = share(deepest()?, Relation::AtLeast, percent),
            Probe::About(percent) => request.shares = share(deepest()?, Relation::About, percent),
        }
        Some(Draft { task: self.task(), request, target, items: vec![target] })
    }
}
