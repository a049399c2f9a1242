//! What is wrong with each item of an answer (method §8.1): the ground of rewards, of metrics and of what users are shown.

use serde::{Deserialize, Serialize};

use crate::data::{Catalogue, ItemId};
use crate::request::Request;

/// The state of one item of an answer; where several apply, it is the first of them in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It stands behind the number of items asked for.
    Surplus,
    /// No item of the catalogue has this title.
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
pub struct Checked {
    /// The title as the answer has it.
    pub title: String,
    /// The item of that title.
    pub item: Option<ItemId>,
    /// What is wrong with it, if anything.
    pub status: Status,
}

/// Checks the titles of an answer against the request, in order.
pub fn check<'a>(titles: impl IntoIterator<Item = &'a str>, request: &Request, catalogue: &Catalogue) -> Vec<Checked> {
    let mut checked: Vec<Checked> = Vec::new();
    for title in titles {
        let item = catalogue.by_title(title);
        let status = if checked.len() >= request.k as usize {
            Status::Surplus
        } else if item.is_none() {
            Status::NotExist
        } else if checked.iter().any(|earlier| earlier.item == item) {
            Status::Repeat
        } else if item.is_some_and(|item| request.history.contains(&item)) {
            Status::InHistory
        } else {
            Status::Ok
        };
        checked.push(Checked { title: title.to_owned(), item, status });
    }
    checked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recommend::testing::catalogue;
    use proptest::prelude::*;

    fn statuses(titles: &[&str], k: u32, history: &[u32]) -> Vec<Status> {
        let request = Request { k, history: history.iter().copied().map(ItemId).collect(), ..Request::default() };
        check(titles.iter().copied(), &request, &catalogue()).into_iter().map(|checked| checked.status).collect()
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
            let checked = check(titles.iter().copied(), &request, &catalogue);
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
