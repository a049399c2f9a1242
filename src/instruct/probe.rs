//! Questions that measure instead of teach (method §4.1): fixed requests about held-out items.

use super::asked::UserContext;
use super::category::most_frequent;
use super::example::ExampleDraft;
use super::kinds::ItemFilter;
use super::recipe::LIST_LENGTH;
use super::stream_key::Purpose;
use super::task::TaskFamily;
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
pub enum PromptWording {
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
pub(super) fn of_family(family: TaskFamily) -> &'static [Probe] {
    match family {
        TaskFamily::I0 => &[Probe::Sequential],
        TaskFamily::I1 => &[Probe::More, Probe::Less],
        TaskFamily::I2 => &[Probe::AtMost(20), Probe::AtLeast(30), Probe::About(50)],
        TaskFamily::I3 | TaskFamily::I4 => &[],
    }
}

impl Probe {
    /// The task that it measures.
    pub fn family(self) -> TaskFamily {
        match self {
            Probe::Sequential | Probe::ItemCount | Probe::Candidates => TaskFamily::I0,
            Probe::More | Probe::Less | Probe::Condition | Probe::Conjunction | Probe::Except | Probe::Against => {
                TaskFamily::I1
            }
            Probe::AtMost(_) | Probe::AtLeast(_) | Probe::About(_) | Probe::Overlap => TaskFamily::I2,
        }
    }

    /// Whether its category is taken from a reference list: the teacher's (method B15), or the authors' way the evaluated model's own.
    pub fn needs_reference(self) -> bool {
        matches!(self, Probe::Less | Probe::AtMost(_))
    }

    /// The phrasings that it may have in a wording.
    pub(super) fn phrasings(self, wording: PromptWording) -> impl Iterator<Item = usize> {
        let phrasings = if wording == PromptWording::Trained { TRAINING_PHRASINGS } else { HELD_OUT_PHRASINGS };
        let tells = wording == PromptWording::Ambiguous;
        phrasings.filter(move |&phrasing| self.family() != TaskFamily::I2 || tells_feeling(phrasing) == tells)
    }

    /// The request about user `number` for `k` items, with the target as its only label. `reference` is the list that takes the place of
    /// the teacher's best. `None` where nothing can be asked for.
    pub(super) fn draft(
        self,
        number: usize,
        k: u32,
        context: &UserContext,
        reference: Option<&[ItemId]>,
    ) -> Option<ExampleDraft> {
        let target = context.case.target;
        let request = Request { k, ..context.request() };
        let request = match self {
            Probe::Sequential => request,
            Probe::ItemCount => Request { k: k + 1 + number as u32 % 5, ..request },
            Probe::Candidates => Request { k: k.min(CHOSEN), candidates: Some(candidates(number, context)), ..request },
            Probe::More => Request { all_in: vec![deepest(context)?], ..request },
            Probe::Less => Request { none_in: vec![unwanted(context, reference)?], ..request },
            Probe::Condition => requiring(condition(context, None)?, request),
            Probe::Conjunction => requiring(conjunction(context)?, request),
            Probe::Except => {
                let all_in = vec![deepest(context)?];
                Request { none_in: vec![neighbour(all_in[0], context, false)?], all_in, ..request }
            }
            Probe::Against => requiring(untried(context)?, request),
            Probe::AtMost(percent) => {
                let shares = vec![share(unwanted(context, reference)?, Relation::AtMost, percent, context)];
                Request { shares, ..request }
            }
            Probe::AtLeast(percent) => {
                Request { shares: vec![share(deepest(context)?, Relation::AtLeast, percent, context)], ..request }
            }
            Probe::About(percent) => {
                Request { shares: vec![share(deepest(context)?, Relation::About, percent, context)], ..request }
            }
            Probe::Overlap => {
                let one = deepest(context)?;
                let both = [one, neighbour(one, context, true)?];
                let shares = both.map(|category| share(category, Relation::AtLeast, OVERLAP, context));
                Request { shares: shares.into(), ..request }
            }
        };
        Some(ExampleDraft { task: self.family(), request, target, items: vec![target] })
    }
}

fn deepest(context: &UserContext) -> Option<CategoryId> {
    context.shared.catalogue.item(context.case.target).categories.last().copied()
}

/// The category without the target that the reference list has most of; the last of several.
fn unwanted(context: &UserContext, reference: Option<&[ItemId]>) -> Option<CategoryId> {
    let teachers = || context.ranking.best(LIST_LENGTH, |_| true);
    let list = reference.map_or_else(teachers, <[ItemId]>::to_vec);
    most_frequent(&list, context.case.target, context.shared.catalogue).last().copied()
}

fn share(category: CategoryId, relation: Relation, percent: u32, context: &UserContext) -> Share {
    let of = Predicate::category(category, context.shared.catalogue);
    Share { of, relation, amount: Amount::Percent(f64::from(percent)) }
}

fn requiring(kind: ItemFilter, mut request: Request) -> Request {
    kind.require(&mut request);
    request
}

/// Random items and the target among them, in places that go round from user to user.
fn candidates(number: usize, context: &UserContext) -> Vec<ItemId> {
    let target = context.case.target;
    let is_other = |item: &ItemId| *item != target && !context.case.history.contains(item);
    let others = context.shared.catalogue.ids().filter(is_other).collect();
    let mut candidates = context.stream.rng(Purpose::Candidates).sample(others, CANDIDATES - 1);
    candidates.insert((number % CANDIDATES).min(candidates.len()), target);
    candidates
}

/// Whether a whole list of the kind is new to the user.
fn fills_a_list(kind: &ItemFilter, context: &UserContext) -> bool {
    kind.available(context.case.history) >= LIST_LENGTH
}

/// A condition that the target satisfies; with `category`, together with it.
fn condition(context: &UserContext, category: Option<&ItemFilter>) -> Option<ItemFilter> {
    let of_target = context.shared.kinds.conditions.iter().filter(|kind| kind.members.contains(context.case.target));
    let kinds = of_target.filter_map(|kind| category.map_or_else(|| Some(kind.clone()), |category| category.and(kind)));
    let kinds: Vec<ItemFilter> = kinds.filter(|kind| fills_a_list(kind, context)).collect();
    (!kinds.is_empty()).then(|| context.stream.rng(Purpose::Kind).pick(&kinds).clone())
}

fn conjunction(context: &UserContext) -> Option<ItemFilter> {
    let category = ItemFilter::category(deepest(context)?, context.shared.catalogue);
    condition(context, Some(&category))
}

/// A category that neither the history nor the target is in.
fn untried(context: &UserContext) -> Option<ItemFilter> {
    let case = context.case;
    let is_known =
        |kind: &ItemFilter| case.history.iter().chain([&case.target]).any(|&item| kind.members.contains(item));
    let untried = context.shared.kinds.categories.iter().filter(|kind| !is_known(kind) && fills_a_list(kind, context));
    let untried: Vec<&ItemFilter> = untried.collect();
    (!untried.is_empty()).then(|| (*context.stream.rng(Purpose::Kind).pick(&untried)).clone())
}

/// The category that shares most items with `category`, the last of several; with the target in it or without.
fn neighbour(category: CategoryId, context: &UserContext, with_target: bool) -> Option<CategoryId> {
    let catalogue = context.shared.catalogue;
    let target = catalogue.item(context.case.target);
    let mut shared = vec![0usize; catalogue.categories().len()];
    for &item in catalogue.members(category) {
        catalogue.item(item).categories.iter().for_each(|other| shared[other.index()] += 1);
    }
    let others = (0..shared.len() as u32).map(CategoryId);
    let others = others.filter(|other| *other != category && target.categories.contains(other) <= with_target);
    others.filter(|other| shared[other.index()] > 0).max_by_key(|other| shared[other.index()])
}
