//! The list that item scores alone produce under constraints: strict decoding for a recommender that has no language model.

use super::feasible::{Feasible, FeasibleRequest};
use crate::data::ItemId;
use crate::data::order::top_k;

/// The best item after which the list can still be completed, then the next best, and so on: what strict decoding is to a language
/// model. `scores` has one score per item, item 1 first.
pub fn greedy_fill(scores: &[f32], request: &FeasibleRequest) -> Vec<ItemId> {
    let mut rest = request.plan().clone();
    let mut list: Vec<ItemId> = Vec::with_capacity(rest.left() as usize);
    while rest.left() > 0 {
        let mut after: Vec<Option<Feasible>> = (0..request.classes().len()).map(|class| rest.take(class)).collect();
        let is_open =
            |item: ItemId| !list.contains(&item) && request.class_of(item).is_some_and(|class| after[class].is_some());
        let best = top_k(scores, 1, is_open).first().copied();
        let taken = best.and_then(|item| Some((item, after[request.class_of(item)?].take()?)));
        let Some((item, next)) = taken else { break };
        list.push(item);
        rest = next;
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::constrain::Constraints;
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
        let constraints = Constraints::new(&request.compile(&catalogue), &catalogue).unwrap();
        let list = greedy_fill(&scores, &constraints.prove().unwrap());
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
        let constraints = Constraints::new(&request.compile(&catalogue), &catalogue).unwrap();
        let error = crate::Error::from(constraints.prove().unwrap_err());
        assert_eq!(error.exit_code(), 2);
    }
}
