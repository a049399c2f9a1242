//! Queries of evaluations (method §4.1): fixed requests about held-out items, which measure instead of teaching.

use std::collections::HashMap;

use super::category::most_frequent;
use super::example::{Example, ExampleDraft, phrasing};
use super::item_filter::ItemFilter;
use super::stream_key::Purpose;
use super::user_context::UserContext;
use crate::data::split::Split;
use crate::data::{CategoryId, ItemId};
use crate::recommend::prompt::{HELD_OUT_PHRASINGS, TRAINING_PHRASINGS, tells_feeling};
use crate::request::{Amount, Predicate, Relation, Request, Share};
use crate::task::{EvalTask, LIST_LENGTH, PromptWording, Task, TaskFamily};

/// The specification of an evaluation's queries.
#[derive(Debug, Clone, Copy)]
pub struct QuerySpec<'a> {
    /// The task, its share and its wording.
    pub task: EvalTask,
    /// The split whose item is the target.
    pub split: Split,
    /// The length of the list.
    pub k: u32,
    /// Lists that take the place of the teacher's best, by user number. A user without one gets no query of a task that
    /// needs a reference list.
    pub references: Option<&'a HashMap<usize, Vec<ItemId>>>,
}

impl QuerySpec<'_> {
    /// Queries for lists of ten, with the teacher's lists as reference.
    pub fn new(task: EvalTask, split: Split) -> Self {
        Self { task, split, k: LIST_LENGTH as u32, references: None }
    }
}

/// The number of items of a [`Task::Candidates`] list, and of its candidates.
const CHOSEN: u32 = 5;
const CANDIDATES: usize = 10;
/// The share of each category of [`Task::Overlap`], in percent.
const OVERLAP_PERCENT: u32 = 60;

/// The query about user `number`, with the target as its only label; `None` where nothing can be asked for.
pub(super) fn query(spec: &QuerySpec, number: usize, context: &UserContext) -> Option<Example> {
    // Method B15: the excluded category comes from the teacher's list, or the authors' way from the evaluated model's own.
    let reference = match (spec.references, spec.task.task) {
        (Some(lists), Task::ExcludeCategory | Task::AtMost) => Some(lists.get(&number)?.as_slice()),
        _ => None,
    };
    let target = context.case.target;
    let request = request(spec, number, context, reference)?;
    let draft = ExampleDraft { family: spec.task.task.family(), request, target, items: vec![target] };
    Some(draft.in_words(context.shared.catalogue, phrasing(&context.stream, phrasings(spec.task))))
}

/// The phrasings that the wording of a task has.
fn phrasings(task: EvalTask) -> impl Iterator<Item = usize> {
    let phrasings = if task.wording == PromptWording::Trained { TRAINING_PHRASINGS } else { HELD_OUT_PHRASINGS };
    let tells = task.wording == PromptWording::Ambiguous;
    phrasings.filter(move |&phrasing| task.task.family() != TaskFamily::I2 || tells_feeling(phrasing) == tells)
}

fn request(spec: &QuerySpec, number: usize, context: &UserContext, reference: Option<&[ItemId]>) -> Option<Request> {
    let k = spec.k;
    let request = Request { k, ..context.request() };
    let share = |category: CategoryId, relation: Relation| {
        let percent = spec.task.percent.unwrap_or(OVERLAP_PERCENT);
        let of = Predicate::category(category, context.shared.catalogue);
        Share { of, relation, amount: Amount::Percent(f64::from(percent)) }
    };
    Some(match spec.task.task {
        Task::Sequential => request,
        Task::ItemCount => Request { k: k + 1 + number as u32 % 5, ..request },
        Task::Candidates => Request { k: k.min(CHOSEN), candidates: Some(candidates(number, context)), ..request },
        Task::IncludeCategory => Request { all_in: vec![deepest(context)?], ..request },
        Task::ExcludeCategory => Request { none_in: vec![unwanted(context, reference)?], ..request },
        Task::Condition => requiring(condition(context, None)?, request),
        Task::Conjunction => requiring(conjunction(context)?, request),
        Task::Except => {
            let all_in = vec![deepest(context)?];
            Request { none_in: vec![neighbour(all_in[0], context, false)?], all_in, ..request }
        }
        Task::Against => requiring(untried(context)?, request),
        Task::AtMost => Request { shares: vec![share(unwanted(context, reference)?, Relation::AtMost)], ..request },
        Task::AtLeast => Request { shares: vec![share(deepest(context)?, Relation::AtLeast)], ..request },
        Task::About => Request { shares: vec![share(deepest(context)?, Relation::About)], ..request },
        Task::Overlap => {
            let one = deepest(context)?;
            let both = [one, neighbour(one, context, true)?];
            Request { shares: both.map(|category| share(category, Relation::AtLeast)).into(), ..request }
        }
    })
}

/// The deepest category of the target: its last one, which is the most specific.
fn deepest(context: &UserContext) -> Option<CategoryId> {
    context.shared.catalogue.item(context.case.target).categories.last().copied()
}

/// The category without the target that most items of the reference list are in; the last of several.
fn unwanted(context: &UserContext, reference: Option<&[ItemId]>) -> Option<CategoryId> {
    let teachers = || context.ranking.best(LIST_LENGTH, |_| true);
    let list = reference.map_or_else(teachers, <[ItemId]>::to_vec);
    most_frequent(&list, context.case.target, context.shared.catalogue).last().copied()
}

fn requiring(filter: ItemFilter, mut request: Request) -> Request {
    filter.require(&mut request);
    request
}

/// Random items and the target among them, in positions that go round from user to user.
fn candidates(number: usize, context: &UserContext) -> Vec<ItemId> {
    let target = context.case.target;
    let is_other = |item: &ItemId| *item != target && !context.case.history.contains(item);
    let others = context.shared.catalogue.ids().filter(is_other).collect();
    let mut candidates = context.stream.rng(Purpose::Candidates).sample(others, CANDIDATES - 1);
    candidates.insert((number % CANDIDATES).min(candidates.len()), target);
    candidates
}

/// Returns true where the filter has a whole list of items that are new to the user.
fn fills_a_list(filter: &ItemFilter, context: &UserContext) -> bool {
    filter.available(context.case.history) >= LIST_LENGTH
}

/// A condition that the target satisfies; with `category`, together with it.
fn condition(context: &UserContext, category: Option<&ItemFilter>) -> Option<ItemFilter> {
    let conditions = context.shared.filters.conditions.iter();
    let of_target = conditions.filter(|condition| condition.members.contains(context.case.target));
    let joined = |condition: &ItemFilter| match category {
        Some(category) => category.and(condition),
        None => Some(condition.clone()),
    };
    let filters: Vec<ItemFilter> = of_target.filter_map(joined).filter(|found| fills_a_list(found, context)).collect();
    (!filters.is_empty()).then(|| context.stream.rng(Purpose::Filter).pick(&filters).clone())
}

fn conjunction(context: &UserContext) -> Option<ItemFilter> {
    let category = ItemFilter::category(deepest(context)?, context.shared.catalogue);
    condition(context, Some(&category))
}

/// A category that neither the history nor the target is in.
fn untried(context: &UserContext) -> Option<ItemFilter> {
    let case = context.case;
    let is_known =
        |filter: &ItemFilter| case.history.iter().chain([&case.target]).any(|&item| filter.members.contains(item));
    let categories = context.shared.filters.categories.iter();
    let untried: Vec<&ItemFilter> =
        categories.filter(|category| !is_known(category) && fills_a_list(category, context)).collect();
    (!untried.is_empty()).then(|| (*context.stream.rng(Purpose::Filter).pick(&untried)).clone())
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
