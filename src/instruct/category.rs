//! I1: a list of a kind (+C), or a list without a category (−C) (method §4).

use super::asked::Asked;
use super::chance::Purpose;
use super::example::{Draft, target_first};
use super::recipe::LIST_LENGTH;
use super::task::Task;
use crate::data::{Catalogue, CategoryId, ItemId, ItemSet};
use crate::request::Request;

pub(super) fn draft(asked: &Asked) -> Option<Draft> {
    let (request, allowed) = match asked.chance.dice(Purpose::Form).chance(50) {
        true => less(asked).or_else(|| more(asked)),
        false => more(asked).or_else(|| less(asked)),
    }?;
    let length = asked.draw_length(asked.longest(&allowed));
    let target = asked.case.target;
    let mut items = asked.best(length, |item| allowed.contains(item));
    target_first(&mut items, target);
    Some(Draft::new(Task::I1, request, target, items).perhaps_from_candidates(asked.world, &asked.chance))
}

/// +C: a kind of items, whether it suits the user or not.
fn more(asked: &Asked) -> Option<(Request, ItemSet)> {
    let kind = asked.draw_kind()?;
    let mut request = asked.request();
    kind.require(&mut request);
    Some((request, kind.members))
}

/// −C: without the category that the teacher would recommend most of, of those that the target is not in.
fn less(asked: &Asked) -> Option<(Request, ItemSet)> {
    let catalogue = asked.world.catalogue;
    let recommended = asked.ranking.best(LIST_LENGTH, |_| true);
    let most = most_frequent(&recommended, asked.case.target, catalogue);
    if most.is_empty() {
        return None;
    }
    let category = *asked.chance.dice(Purpose::Kind).pick(&most);
    let allowed = ItemSet::of(catalogue.len(), catalogue.members(category)).complement();
    (asked.longest(&allowed) > 0).then(|| (Request { none_in: vec![category], ..asked.request() }, allowed))
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
