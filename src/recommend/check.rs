//! The check of an answer, item by item (method §8.1): rewards, metrics and the marks that users see are based on it.

use serde::{Deserialize, Serialize};

use crate::data::{Catalogue, ItemId};
use crate::request::{CompiledRequest, Counter, ItemRule, RuleKind, Share};

/// The state of one item of an answer; where several apply, it is the first of them in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// The list is already complete.
    Surplus,
    /// A hallucinated item: no item of the catalogue has this title.
    NotExist,
    /// The item stood in the list before.
    Repeat,
    /// The item is in the request's history.
    InHistory,
    /// A valid recommendation.
    Ok,
}

/// One item of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedItem {
    /// The title as the answer has it.
    pub title: String,
    /// The item of that title.
    pub item: Option<ItemId>,
    /// Its state; [`Status::Ok`] where it is valid.
    pub status: Status,
    /// The rule of the request that an otherwise valid item breaks.
    pub breaks: Option<String>,
}

/// Checks the titles of an answer against a request that was compiled over `catalogue`, in order.
pub fn check<'a>(
    titles: impl IntoIterator<Item = &'a str>,
    request: &CompiledRequest,
    catalogue: &Catalogue,
) -> Vec<CheckedItem> {
    let mut checked: Vec<CheckedItem> = Vec::new();
    for title in titles {
        let item = catalogue.by_title(title);
        let status = if checked.len() >= request.k as usize {
            Status::Surplus
        } else if item.is_none() {
            Status::NotExist
        } else if checked.iter().any(|earlier| earlier.item == item) {
            Status::Repeat
        } else if item.is_some_and(|item| request.in_history(item)) {
            Status::InHistory
        } else {
            Status::Ok
        };
        checked.push(CheckedItem { title: title.to_owned(), item, status, breaks: None });
    }
    mark_breaches(&mut checked, request);
    checked
}

/// Notes at each valid item the first rule of the request that it breaks.
///
/// A share is broken by the items that come when no more like them fit: "at most 3 of Drama" by the fourth of Drama, and "at least 7 of 10"
/// by the fourth that is not counted.
fn mark_breaches(checked: &mut [CheckedItem], request: &CompiledRequest) {
    let mut shares: Vec<(&Counter, &Share, [u32; 2])> = request
        .shares()
        .map(|(counter, share)| {
            let bound = share.bound(request.k);
            // Of a share that no list of k items meets, every item is one too many.
            let left = if bound.min > request.k { [0, 0] } else { [request.k - bound.min, bound.max] };
            (counter, share, left)
        })
        .collect();
    for line in checked.iter_mut().filter(|line| line.status == Status::Ok) {
        let Some(item) = line.item else { continue };
        line.breaks = request.broken_rule(item).map(|rule| breach(rule).to_owned());
        for (counter, share, left) in &mut shares {
            // [others, members]
            let left = &mut left[usize::from(counter.members.contains(item))];
            if *left == 0 {
                line.breaks.get_or_insert_with(|| share.to_string());
            }
            *left = left.saturating_sub(1);
        }
    }
}

/// A rule as a mark beside the item that breaks it.
fn breach(rule: &ItemRule) -> &str {
    match rule.kind {
        RuleKind::Excluded => "not this one",
        RuleKind::Candidates => "one of the candidates",
        _ => &rule.text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::CategoryId;
    use crate::recommend::testing::catalogue;
    use crate::request::{Predicate, Request};
    use proptest::prelude::*;

    fn statuses(titles: &[&str], k: u32, history: &[u32]) -> Vec<Status> {
        let request = Request { k, history: history.iter().copied().map(ItemId).collect(), ..Request::default() };
        check(titles.iter().copied(), &request.compile(&catalogue()), &catalogue())
            .into_iter()
            .map(|checked| checked.status)
            .collect()
    }

    #[test]
    fn each_status_by_hand() {
        use Status::*;
        let catalogue = catalogue();
        let [heat, ran, up] = [1, 2, 3].map(|id| catalogue.title(ItemId(id)));
        assert_eq!(statuses(&[heat, ran], 2, &[3]), [Ok, Ok]);
        assert_eq!(statuses(&[heat, "Heat"], 2, &[]), [Ok, NotExist], "titles are matched exactly");
        assert_eq!(statuses(&["Nope", "Nope"], 2, &[]), [NotExist, NotExist], "what does not exist does not repeat");
        assert_eq!(statuses(&[heat, heat, ran], 3, &[]), [Ok, Repeat, Ok]);
        assert_eq!(statuses(&[up, heat], 2, &[3]), [InHistory, Ok]);
    }

    #[test]
    fn valid_items_that_are_not_what_was_asked_for_are_marked_with_the_rule() {
        let catalogue = catalogue();
        let [heat, ran, up, angry] = [1, 2, 3, 4].map(|id| catalogue.title(ItemId(id)));
        let (crime, drama) = (CategoryId(0), CategoryId(1));
        let share = |text: &str| Share::parse(text, &catalogue).unwrap();
        let broken = |titles: &[&str], request: Request| -> Vec<String> {
            let request = Request { k: 4, ..request }.compile(&catalogue);
            let checked = check(titles.iter().copied(), &request, &catalogue);
            checked.into_iter().map(|line| line.breaks.unwrap_or_default()).collect()
        };
        let plain = Request::default;
        assert_eq!(broken(&[heat, ran, up], Request { none_in: vec![crime], ..plain() }), ["not in Crime", "", ""]);
        assert_eq!(broken(&[up, ran], Request { all_in: vec![drama], ..plain() }), ["in Drama", ""]);
        assert_eq!(broken(&[up, ran], Request { excluded: vec![ItemId(2)], ..plain() }), ["", "not this one"]);
        let candidates = Some(vec![ItemId(2)]);
        assert_eq!(broken(&[up, ran], Request { candidates, ..plain() }), ["one of the candidates", ""]);
        let conditions = vec![Predicate::parse("category!=Crime", &catalogue).unwrap()];
        assert_eq!(broken(&[up, heat], Request { conditions, ..plain() }), ["", "category!=Crime"]);

        let most = || Request { shares: vec![share("Drama<=50%")], ..plain() };
        assert_eq!(broken(&[heat, up, ran, angry], most()), ["", "", "", "at most 50% Drama"]);
        assert_eq!(broken(&[heat, heat, "Nope", ran], most()), ["", "", "", ""], "what is not valid takes no room");
        let least = Request { shares: vec![share("Drama>=3")], ..plain() };
        assert_eq!(broken(&[up, "2. Fast", ran, heat], least), ["", "at least 3 of Drama", "", ""]);
        let never = Request { shares: vec![share("Crime=0"), share("Drama>=1")], ..plain() };
        assert_eq!(broken(&[heat, up, "2. Fast"], never), ["exactly 0 of Crime", "", "exactly 0 of Crime"]);
    }

    #[test]
    fn the_first_reason_in_order_is_the_one_given() {
        use Status::*;
        let catalogue = catalogue();
        let [heat, up] = [1, 3].map(|id| catalogue.title(ItemId(id)));
        assert_eq!(statuses(&[up, up, heat], 3, &[3]), [InHistory, Repeat, Ok], "repeat before in-history");
        assert_eq!(statuses(&[heat, "Nope", heat, up], 1, &[3]), [Ok, Surplus, Surplus, Surplus], "surplus before all");
    }

    proptest! {
        #[test]
        fn valid_items_are_distinct_known_new_and_no_more_than_asked_for(
            picks in prop::collection::vec(0..8u32, 0..12), k in 0..10u32, history in prop::collection::vec(1..7u32, 0..4)
        ) {
            let catalogue = catalogue();
            let titles: Vec<_> = picks.iter().map(|&pick| if pick == 0 { "Nope" } else { catalogue.title(ItemId(pick % 6 + 1)) }).collect();
            let request = Request { k, history: history.into_iter().map(ItemId).collect(), ..Request::default() };
            let checked = check(titles.iter().copied(), &request.compile(&catalogue), &catalogue);
            prop_assert_eq!(checked.len(), titles.len());
            let valid: Vec<_> = checked.iter().filter(|c| c.status == Status::Ok).map(|c| c.item.unwrap()).collect();
            let mut distinct = valid.clone();
            distinct.sort();
            distinct.dedup();
            prop_assert_eq!(distinct.len(), valid.len());
            prop_assert!(valid.len() <= k as usize && valid.iter().all(|item| !request.history.contains(item)));
        }
    }
}
