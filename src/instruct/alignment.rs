//! Prompts for alignment (method §6): a policy answers them itself and is rewarded, so they need no labels.

use std::ops::RangeInclusive;

use super::category::category_counts;
use super::example::{Example, ExampleDraft, phrasing};
use super::item_filter::ItemFilter;
use super::share_form::ShareForm;
use super::stream_key::{Purpose, StreamKey};
use super::user_context::UserContext;
use crate::data::{CategoryId, ItemId, ItemSet};
use crate::recommend::prompt::TRAINING_PHRASINGS;
use crate::request::{Amount, Relation, Request, Share};
use crate::task::Task;

/// The lengths of lists that are asked for.
const LENGTHS: RangeInclusive<u64> = 6..=10;
/// The number of recommended items from which a category is frequent enough to exclude or bound.
const FREQUENT: usize = 2;
/// The stream of the first task; those of the families come before it.
const FIRST_STREAM: u64 = 1000;

/// The key of a prompt's draws, apart from those of training examples.
pub(super) fn stream_of(task: Task, seed: u64, episode: u64, user: usize) -> StreamKey {
    StreamKey::of_stream(seed, episode, FIRST_STREAM + task as u64, user)
}

/// The prompt of a task for one user, with the target as its only label; `None` where the catalogue has nothing to ask
/// for, or where the task is only evaluated.
pub(super) fn prompt(task: Task, context: &UserContext) -> Option<Example> {
    let plain = |request| (request, None);
    let (request, form) = match task {
        Task::Sequential => plain(sequential(context)?),
        Task::IncludeCategory => plain(include(context)?),
        Task::ExcludeCategory => plain(exclude(context)?),
        Task::AtMost => at_most(context)?,
        Task::AtLeast => of_target(Relation::AtLeast, context)?,
        Task::About => of_target(Relation::About, context)?,
        _ => return None,
    };
    let is_said = |phrasing: &usize| form.is_none_or(|form: ShareForm| form.is_said_by(*phrasing));
    let target = context.case.target;
    let draft = ExampleDraft { family: task.family(), request, target, items: vec![target] };
    let phrasing = phrasing(&context.stream, TRAINING_PHRASINGS.filter(is_said));
    Some(draft.in_words(context.shared.catalogue, phrasing))
}

fn sequential(context: &UserContext) -> Option<Request> {
    Some(Request { k: length(context, context.ranking.available())?, ..context.request() })
}

/// +C: a filter that the target satisfies.
fn include(context: &UserContext) -> Option<Request> {
    let filter = context.shared.filter_of(context.case.target, &mut context.stream.rng(Purpose::Filter))?;
    let mut request = Request { k: length(context, context.longest(&filter.members))?, ..context.request() };
    filter.require(&mut request);
    Some(request)
}

/// −C: without a category that the teacher would recommend and the target is not in.
fn exclude(context: &UserContext) -> Option<Request> {
    let catalogue = context.shared.catalogue;
    let categories = frequent(context, length(context, context.ranking.available())?)?;
    let category = *context.stream.rng(Purpose::Filter).pick(&categories);
    let allowed = ItemSet::from_items(catalogue.len(), catalogue.members(category)).complement();
    let k = length(context, context.longest(&allowed))?;
    Some(Request { k, none_in: vec![category], ..context.request() })
}

/// LP: at most a number of items of a category as for −C. At most all of them would be no constraint.
fn at_most(context: &UserContext) -> Option<(Request, Option<ShareForm>)> {
    let k = length(context, context.ranking.available())?;
    let category = *context.stream.rng(Purpose::Filter).pick(&frequent(context, k)?);
    share(Relation::AtMost, &ItemFilter::category(category, context.shared.catalogue), k - 1, k, context)
}

/// MP, EP: at least or about a number of items of a filter that the target satisfies.
fn of_target(relation: Relation, context: &UserContext) -> Option<(Request, Option<ShareForm>)> {
    let k = length(context, context.ranking.available())?;
    let filter = context.shared.filter_of(context.case.target, &mut context.stream.rng(Purpose::Filter))?;
    share(relation, &filter, k, k, context)
}

/// A share of a filter, of `longest` items at most, in a list of `k`.
fn share(
    relation: Relation,
    filter: &ItemFilter,
    longest: u32,
    k: u32,
    context: &UserContext,
) -> Option<(Request, Option<ShareForm>)> {
    let rules = &context.shared.rules;
    let history = if rules.fills_up { &[] } else { context.case.history };
    let most = (filter.available(history) as u64).min(u64::from(longest));
    let least = rules.least_share as u64;
    let choices = (most + 1).checked_sub(least).filter(|&choices| choices > 0)?;
    let count = (least + context.stream.rng(Purpose::Items).below(choices)) as u32;

    let is_counted = rules.aligns_counts && relation != Relation::About && context.stream.rng(Purpose::Form).chance(50);
    let amount = match is_counted {
        true => Amount::Count(count),
        false => Amount::Percent(percent(relation, count, k)),
    };
    let share = Share { of: filter.predicate(context.shared.catalogue), relation, amount };
    let form = ShareForm::of(relation, rules.alignment_sentiment);
    Some((Request { k, shares: vec![share], ..context.request() }, Some(form)))
}

/// The multiple of ten that means `count` of `length` items. The authors always state the one below, which for "at most
/// 3 of 7" says 2.
fn percent(relation: Relation, count: u32, length: u32) -> f64 {
    let tenths = match relation {
        Relation::AtLeast => 10 * count / length,
        _ => (10 * count).div_ceil(length),
    };
    f64::from(10 * tenths)
}

/// Draws a length of `longest` at most; `None` where that is none.
fn length(context: &UserContext, longest: usize) -> Option<u32> {
    let span = LENGTHS.end() - LENGTHS.start() + 1;
    let drawn = LENGTHS.start() + context.stream.rng(Purpose::Count).below(span);
    (longest > 0).then(|| drawn.min(longest as u64) as u32)
}

/// The categories without the target that the teacher's best `length` items are often in; `None` where there is no other
/// category.
fn frequent(context: &UserContext, length: u32) -> Option<Vec<CategoryId>> {
    let recommended: Vec<ItemId> = context.ranking.best(length as usize, |_| true);
    let counts = category_counts(&recommended, context.case.target, context.shared.catalogue);
    let often = counts.iter().map(|&(_, count)| count).max()?.min(FREQUENT);
    Some(counts.into_iter().filter(|&(_, count)| count >= often).map(|(category, _)| category).collect())
}
