//! Questions that measure instead of teach (method §4.1): fixed requests about held-out items.

use super::asked::Asked;
use super::category::most_frequent;
use super::chance::Purpose;
use super::example::Draft;
use super::kinds::Kind;
use super::recipe::LIST_LENGTH;
use super::task::Task;
use crate::data::{CategoryId, ItemId};
use crate::recommend::prompt::{HELD_OUT_PHRASINGS, TRAINING_PHRASINGS, tells_feeling};
use crate::request::{Amount, Predicate, Relation, Request, Share};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Probe {
    /// I0: the next item.
    Sequential,
    /// I0 with 1 to 5 items more: 11 to 15 are lengths that training never asks for.
    ItemCount,
    /// I0 among candidates: the 5 best of the target and 9 random other items.
    Candidates,
    /// I1 +C, for the deepest category of the target.
    More,
    /// I1 −C, for the category that the reference list has most of, of those that the target is not in.
    Less,
    /// I1 with a condition on an attribute that the target satisfies.
    Condition,
    /// I1 with a category and a condition that the target satisfies both.
    Conjunction,
    /// +C and −C at once: the deepest category of the target, less the category that shares most items with it.
    Except,
    /// +C against the taste: a category that nothing of the history is in.
    Against,
    /// LP1: at most so many percent of the category of [`Probe::Less`].
    AtMost(u32),
    /// MP: at least so many percent of the category of [`Probe::More`].
    AtLeast(u32),
    /// EP: about so many percent of the category of [`Probe::More`].
    About(u32),
    /// At least 60 % each of two categories, so that some items have to be in both: that of [`Probe::More`], and the one that shares most
    /// items with it.
    Overlap,
}

/// In which words a probe asks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Wording {
    /// Those that no training example has; of shares the plain ones.
    #[default]
    HeldOut,
    /// Those of training examples; of shares the plain ones.
    Trained,
    /// Held-out ones that tell a feeling against the share ("fond as I am of it, stop at 20 %").
    Ambiguous,
}

/// How long the list of [`Probe::Candidates`] is, and from how many it is chosen.
const CHOSEN: u32 = 5;
const CANDIDATES: usize = 10;
/// The share of each category of [`Probe::Overlap`], in percent.
const OVERLAP: u32 = 60;

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
            Probe::Sequential | Probe::ItemCount | Probe::Candidates => Task::I0,
            Probe::More | Probe::Less | Probe::Condition | Probe::Conjunction | Probe::Except | Probe::Against => {
                Task::I1
            }
            Probe::AtMost(_) | Probe::AtLeast(_) | Probe::About(_) | Probe::Overlap => Task::I2,
        }
    }

    /// Whether its category is taken from a reference list: the teacher's (B15), or the authors' way the evaluated model's own.
    pub fn needs_reference(self) -> bool {
        matches!(self, Probe::Less | Probe::AtMost(_))
    }

    /// The phrasings that it may have in a wording.
    pub(super) fn phrasings(self, wording: Wording) -> impl Iterator<Item = usize> {
        let phrasings = if wording == Wording::Trained { TRAINING_PHRASINGS } else { HELD_OUT_PHRASINGS };
        let tells = wording == Wording::Ambiguous;
        phrasings.filter(move |&phrasing| self.task() != Task::I2 || tells_feeling(phrasing) == tells)
    }

    /// The request about user `number` for `k` items, with the target as its only label. `reference` is the list that takes the place of
    /// the teacher's best. `None` where nothing can be asked for.
    pub(super) fn draft(self, number: usize, k: u32, asked: &Asked, reference: Option<&[ItemId]>) -> Option<Draft> {
        let target = asked.case.target;
        let request = Request { k, ..asked.request() };
        let request = match self {
            Probe::Sequential => request,
            Probe::ItemCount => Request { k: k + 1 + number as u32 % 5, ..request },
            Probe::Candidates => Request { k: k.min(CHOSEN), candidates: Some(candidates(number, asked)), ..request },
            Probe::More => Request { all_in: vec![deepest(asked)?], ..request },
            Probe::Less => Request { none_in: vec![unwanted(asked, reference)?], ..request },
            Probe::Condition => requiring(condition(asked, None)?, request),
            Probe::Conjunction => requiring(conjunction(asked)?, request),
            Probe::Except => {
                let all_in = vec![deepest(asked)?];
                Request { none_in: vec![neighbour(all_in[0], asked, false)?], all_in, ..request }
            }
            Probe::Against => requiring(untried(asked)?, request),
            Probe::AtMost(percent) => {
                let shares = vec![share(unwanted(asked, reference)?, Relation::AtMost, percent, asked)];
                Request { shares, ..request }
            }
            Probe::AtLeast(percent) => {
                Request { shares: vec![share(deepest(asked)?, Relation::AtLeast, percent, asked)], ..request }
            }
            Probe::About(percent) => {
                Request { shares: vec![share(deepest(asked)?, Relation::About, percent, asked)], ..request }
            }
            Probe::Overlap => {
                let one = deepest(asked)?;
                let both = [one, neighbour(one, asked, true)?];
                let shares = both.map(|category| share(category, Relation::AtLeast, OVERLAP, asked));
                Request { shares: shares.into(), ..request }
            }
        };
        Some(Draft { task: self.task(), request, target, items: vec![target] })
    }
}

fn deepest(asked: &Asked) -> Option<CategoryId> {
    asked.world.catalogue.item(asked.case.target).categories.last().copied()
}

/// The category without the target that the reference list has most of; the last of several.
fn unwanted(asked: &Asked, reference: Option<&[ItemId]>) -> Option<CategoryId> {
    let teachers = || asked.ranking.best(LIST_LENGTH, |_| true);
    let list = reference.map_or_else(teachers, <[ItemId]>::to_vec);
    most_frequent(&list, asked.case.target, asked.world.catalogue).last().copied()
}

fn share(category: CategoryId, relation: Relation, percent: u32, asked: &Asked) -> Share {
    let of = Predicate::category(category, asked.world.catalogue);
    Share { of, relation, amount: Amount::Percent(f64::from(percent)) }
}

fn requiring(kind: Kind, mut request: Request) -> Request {
    kind.require(&mut request);
    request
}

/// Random items and the target among them, in places that go round from user to user.
fn candidates(number: usize, asked: &Asked) -> Vec<ItemId> {
    let target = asked.case.target;
    let is_other = |item: &ItemId| *item != target && !asked.case.history.contains(item);
    let others = asked.world.catalogue.ids().filter(is_other).collect();
    let mut candidates = asked.chance.dice(Purpose::Candidates).sample(others, CANDIDATES - 1);
    candidates.insert((number % CANDIDATES).min(candidates.len()), target);
    candidates
}

/// Whether a whole list of the kind is new to the user.
fn fills_a_list(kind: &Kind, asked: &Asked) -> bool {
    kind.available(asked.case.history) >= LIST_LENGTH
}

/// A condition that the target satisfies; with `category`, together with it.
fn condition(asked: &Asked, category: Option<&Kind>) -> Option<Kind> {
    let of_target = asked.world.kinds.conditions.iter().filter(|kind| kind.members.contains(asked.case.target));
    let kinds = of_target.filter_map(|kind| category.map_or_else(|| Some(kind.clone()), |category| category.and(kind)));
    let kinds: Vec<Kind> = kinds.filter(|kind| fills_a_list(kind, asked)).collect();
    (!kinds.is_empty()).then(|| asked.chance.dice(Purpose::Kind).pick(&kinds).clone())
}

fn conjunction(asked: &Asked) -> Option<Kind> {
    let category = Kind::category(deepest(asked)?, asked.world.catalogue);
    condition(asked, Some(&category))
}

/// A category that neither the history nor the target is in.
fn untried(asked: &Asked) -> Option<Kind> {
    let case = asked.case;
    let is_known = |kind: &Kind| case.history.iter().chain([&case.target]).any(|&item| kind.members.contains(item));
    let untried = asked.world.kinds.categories.iter().filter(|kind| !is_known(kind) && fills_a_list(kind, asked));
    let untried: Vec<&Kind> = untried.collect();
    (!untried.is_empty()).then(|| (*asked.chance.dice(Purpose::Kind).pick(&untried)).clone())
}

/// The category that shares most items with `category`, the last of several; with the target in it or without.
fn neighbour(category: CategoryId, asked: &Asked, with_target: bool) -> Option<CategoryId> {
    let catalogue = asked.world.catalogue;
    let target = catalogue.item(asked.case.target);
    let mut shared = vec![0usize; catalogue.categories().len()];
    for &item in catalogue.members(category) {
        catalogue.item(item).categories.iter().for_each(|other| shared[other.index()] += 1);
    }
    let others = (0..shared.len() as u32).map(CategoryId);
    let others = others.filter(|other| *other != category && target.categories.contains(other) <= with_target);
    others.filter(|other| shared[other.index()] > 0).max_by_key(|other| shared[other.index()])
}
