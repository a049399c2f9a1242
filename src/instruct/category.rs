//! I1: a list of a kind (+C), or a list without a category (−C) (method §4).

use super::asked::UserContext;
use super::example::{ExampleDraft, target_first};
use super::recipe::LIST_LENGTH;
use super::stream_key::Purpose;
use super::task::TaskFamily;
use crate::data::{Catalogue, CategoryId, ItemId, ItemSet};
use crate::request::Request;

pub(super) fn draft(context: &UserContext) -> Option<ExampleDraft> {
    let (request, allowed) = match context.stream.rng(Purpose::Form).chance(50) {
        true => less(context).or_else(|| more(context)),
        false => more(context).or_else(|| less(context)),
    }?;
    let length = context.draw_length(context.longest(&allowed));
    let target = context.case.target;
    let mut items = context.best(length, |item| allowed.contains(item));
    target_first(&mut items, target);
    Some(
        ExampleDraft::new(TaskFamily::I1, request, target, items)
            .perhaps_from_candidates(context.shared, &context.stream),
    )
}

/// +C: a kind of items, whether it suits the user or not.
fn more(context: &UserContext) -> Option<(Request, ItemSet)> {
    let kind = context.draw_kind()?;
    let mut request = context.request();
    kind.require(&mut request);
    Some((request, kind.members))
}

/// −C: without the category that the teacher would recommend most of, of those that the target is not in.
fn less(context: &UserContext) -> Option<(Request, ItemSet)> {
    let catalogue = context.shared.catalogue;
    let recommended = context.ranking.best(LIST_LENGTH, |_| true);
    let most = most_frequent(&recommended, context.case.target, catalogue);
    if most.is_empty() {
        return None;
    }
    let category = *context.stream.rng(Purpose::Kind).pick(&most);
    let allowed = ItemSet::from_items(catalogue.len(), catalogue.members(category)).complement();
    (context.longest(&allowed) > 0).then(|| (Request { none_in: vec![category], ..context.request() }, allowed))
}

/// Of the categories without `target`, those that most of `items` are in.
pub(super) fn most_frequent(items: &[ItemId], target: ItemId, catalogue: &Catalogue) -> Vec<CategoryId> {
    let counts = category_counts(items, target, catalogue);
    let highest = counts.iter().map(|&(_, count)| count).max();
    counts.into_iter().filter(|&(_, count)| Some(count) == highest).map(|(category, _)| category).collect()
}

/// How many of `items` are in each of the categories without `target`.
pub(super) fn category_counts(items: &[ItemId], target: ItemId, catalogue: &Catalogue) -> Vec<(CategoryId, usize)> {
    let mut counts = vec![0usize; catalogue.categories().len()];
    for category in items.iter().flat_map(|&item| &catalogue.item(item).categories) {
        counts[category.index()] += 1;
    }
    let of_target = &catalogue.item(target).categories;
    let others = (0..counts.len() as u32).map(CategoryId).filter(|category| !of_target.contains(category));
    others.map(|category| (category, counts[category.index()])).collect()
}
