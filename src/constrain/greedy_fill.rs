//! The list that scores alone would write under constraints: how a recommender without words obeys a request.

use super::constraints::Constraints;
use super::feasible::Feasible;
use crate::Result;
use crate::data::ItemId;
use crate::data::order::top_k;

/// The best item after which the list can still be completed, then the next best, and so on: what strict decoding is to a language
/// model. `scores` has one score per item, item 1 first.
///
/// # Errors
/// A request that no list satisfies, with the nearest one that can be met.
pub fn greedy_fill(scores: &[f32], constraints: &Constraints) -> Result<Vec<ItemId>> {
    let (mut rest, classes) = constraints.feasible()?;
    let mut list: Vec<ItemId> = Vec::with_capacity(rest.left() as usize);
    while rest.left() > 0 {
        let mut after: Vec<Option<Feasible>> = (0..classes.len()).map(|class| rest.take(class)).collect();
        let open_class = |item: ItemId| classes.iter().position(|members| members.contains(item));
        let is_open =
            |item: ItemId| !list.contains(&item) && open_class(item).is_some_and(|class| after[class].is_some());
        let best = top_k(scores, 1, is_open).first().copied();
        let taken = best.and_then(|item| Some((item, after[open_class(item)?].take()?)));
        let Some((item, next)) = taken else { break };
        list.push(item);
        rest = next;
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Catalogue, CategoryId, Item};
    use crate::request::{Request, Share};

    /// Twelve items; every second one is even, every third one a triple.
    fn catalogue() -> Catalogue {
        let item = |n: u32| Item {
            key: n.to_string(),
            title: format!("Thing {n}"),
            categories: [(n.is_multiple_of(2), 0), (n.is_multiple_of(3), 1)]
                .into_iter()
                .filter(|(is_in, _)| *is_in)
                .map(|(_, category)| CategoryId(category))
                .collect(),
            ..Item::default()
        };
        Catalogue::new((1..=12).map(item).collect(), vec!["Even".into(), "Triple".into()], Vec::new())
    }

    fn filled(request: Request) -> Vec<u32> {
        let catalogue = catalogue();
        // The later an item, the better; but 1 is the best.
        let scores: Vec<f32> = (1..=12).map(|n| if n == 1 { 99.0 } else { n as f32 }).collect();
        let list = greedy_fill(&scores, &Constraints::new(&request, &catalogue).unwrap()).unwrap();
        list.into_iter().map(|item| item.0).collect()
    }

    fn shares(texts: &[&str]) -> Vec<Share> {
        texts.iter().map(|text| Share::parse(text, &catalogue()).unwrap()).collect()
    }

    #[test]
    fn the_best_come_first_as_far_as_the_request_allows() {
        let plain = Request { k: 4, history: vec![ItemId(12)], ..Request::default() };
        assert_eq!(filled(plain.clone()), [1, 11, 10, 9]);
        assert_eq!(filled(Request { all_in: vec![CategoryId(1)], k: 3, ..plain.clone() }), [9, 6, 3]);
        assert_eq!(filled(Request { none_in: vec![CategoryId(0)], ..plain.clone() }), [1, 11, 9, 7]);
        assert_eq!(filled(Request { shares: shares(&["Even<=25%"]), ..plain.clone() }), [1, 11, 10, 9]);
        assert_eq!(filled(Request { shares: shares(&["Even>=75%"]), ..plain.clone() }), [1, 10, 8, 6]);
        assert_eq!(filled(Request { shares: shares(&["Even=0"]), ..plain.clone() }), [1, 11, 9, 7]);
        assert_eq!(filled(Request { mandatory: vec![ItemId(2)], ..plain.clone() }), [1, 11, 10, 2]);
        assert_eq!(filled(Request { candidates: Some([12, 4, 5, 6, 7].map(ItemId).into()), ..plain }), [7, 6, 5, 4]);
    }

    #[test]
    fn shares_that_need_the_same_items_are_both_met() {
        let both = Request { k: 5, shares: shares(&["Even>=60%", "Triple>=60%"]), ..Request::default() };
        let list = filled(both);
        assert_eq!(list[..2], [1, 12]);
        let count = |of: u32| list.iter().filter(|item| item.is_multiple_of(of)).count();
        assert!(list.len() == 5 && count(2) >= 3 && count(3) >= 3, "{list:?}");
    }

    #[test]
    fn what_cannot_be_met_is_refused() {
        let catalogue = catalogue();
        let request = Request { k: 7, all_in: vec![CategoryId(0)], ..Request::default() };
        let error = greedy_fill(&[0.0; 12], &Constraints::new(&request, &catalogue).unwrap()).unwrap_err();
        assert_eq!(error.exit_code(), 2);
    }
}
