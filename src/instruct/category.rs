//! I1, category control: a list of a filter (+C), or a list without a category (−C) (method §4).

use super::example::{ExampleDraft, target_first};
use super::stream_key::Purpose;
use super::user_context::UserContext;
use crate::data::{Catalogue, CategoryId, ItemId, ItemSet};
use crate::request::Request;
use crate::task::{LIST_LENGTH, TaskFamily};

pub(super) fn draft(context: &UserContext) -> Option<ExampleDraft> {
    let (request, allowed) = match context.stream.rng(Purpose::Form).chance(50) {
        true => exclude(context).or_else(|| include(context)),
        false => include(context).or_else(|| exclude(context)),
    }?;
    let length = context.draw_length(context.longest(&allowed));
    let target = context.case.target;
    let mut items = context.best(length, |item| allowed.contains(item));
    target_first(&mut items, target);
    let draft = ExampleDraft::new(TaskFamily::I1, request, target, items);
    Some(draft.perhaps_from_candidates(context.shared, &context.stream))
}

/// +C: items of a filter, whether it suits the user or not.
fn include(context: &UserContext) -> Option<(Request, ItemSet)> {
    let filter = context.draw_filter()?;
    let mut request = context.request();
    filter.require(&mut request);
    Some((request, filter.members))
}

/// −C: without the category that the teacher would recommend most, of those that the target is not in.
fn exclude(context: &UserContext) -> Option<(Request, ItemSet)> {
    let catalogue = context.shared.catalogue;
    let recommended = context.ranking.best(LIST_LENGTH, |_| true);
    let most = most_frequent(&recommended, context.case.target, catalogue);
    if most.is_empty() {
        return None;
    }
    let category = *context.stream.rng(Purpose::Filter).pick(&most);
    let allowed = ItemSet::from_items(catalogue.len(), catalogue.members(category)).complement();
    (context.longest(&allowed) > 0).then(|| (Request { none_in: vec![category], ..context.request() }, allowed))
}

/// The categories without `target` that most of `items` are in.
pub(super) fn most_frequent(items: &[ItemId], target: ItemId, catalogue: &Catalogue) -> Vec<CategoryId> {
    let counts = category_counts(items, target, catalogue);
    let highest = counts.iter().map(|&(_, count)| count).max();
    counts.into_iter().filter(|&(_, count)| Some(count) == highest).map(|(category, _)| category).collect()
}

/// The number of `items` in each of the categories without `target`.
pub(super) fn category_counts(items: &[ItemId], target: ItemId, catalogue: &Catalogue) -> Vec<(CategoryId, usize)> {
    let mut counts = vec![0usize; catalogue.categories().len()];
    for category in items.iter().flat_map(|&item| &catalogue.item(item).categories) {
        counts[category.index()] += 1;
    }
    let of_target = &catalogue.item(target).categories;
    let others = (0..counts.len() as u32).map(CategoryId).filter(|category| !of_target.contains(category));
    others.map(|category| (category, counts[category.index()])).collect()
}
