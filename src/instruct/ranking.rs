//! The teacher's ranking after one history.

use crate::data::order::top_k;
use crate::data::{ItemId, ItemSet};

/// All items in the teacher's order, without those of the history.
#[derive(Debug, Clone)]
pub(super) struct Ranking<'a> {
    /// One score per item, item 1 first.
    scores: &'a [f32],
    history: ItemSet,
}

impl<'a> Ranking<'a> {
    pub(super) fn new(scores: &'a [f32], history: &[ItemId]) -> Self {
        Self { scores, history: ItemSet::from_items(scores.len(), history) }
    }

    /// The number of items to recommend.
    pub(super) fn available(&self) -> usize {
        self.scores.len() - self.history.len()
    }

    /// The `k` best items for which `allowed` holds, best first; fewer where there are fewer.
    pub(super) fn best(&self, k: usize, allowed: impl Fn(ItemId) -> bool) -> Vec<ItemId> {
        top_k(self.scores, k, |item| allowed(item) && !self.history.contains(item))
    }

    /// [`Ranking::best`], filled up to `k` with the best of all other items, even those of the history: the answer of the
    /// authors' teacher (method B1).
    pub(super) fn best_filled_up(&self, k: usize, allowed: impl Fn(ItemId) -> bool) -> Vec<ItemId> {
        let mut items = self.best(k, &allowed);
        let others = top_k(self.scores, k - items.len(), |item| !allowed(item) || self.history.contains(item));
        items.extend(others);
        items
    }

    /// Sorts items by the teacher's order, best first.
    pub(super) fn sort(&self, items: &mut [ItemId]) {
        let score = |item: ItemId| self.scores[item.index() - 1];
        items.sort_by(|&a, &b| score(b).total_cmp(&score(a)).then(a.cmp(&b)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_come_first_without_the_history_and_filling_up_is_on_demand() {
        let ranking = Ranking::new(&[0.1, 0.9, 0.5, 0.7, 0.5], &[ItemId(2)]);
        let ids = |items: Vec<ItemId>| items.iter().map(|item| item.0).collect::<Vec<_>>();
        assert_eq!(ranking.available(), 4);
        assert_eq!(ids(ranking.best(3, |_| true)), [4, 3, 5]);
        assert_eq!(ids(ranking.best(3, |item| item.0 < 3)), [1]);
        assert_eq!(ids(ranking.best_filled_up(3, |item| item.0 < 3)), [1, 2, 4]);
        let mut items = [5, 1, 3, 2].map(ItemId);
        ranking.sort(&mut items);
        assert_eq!(items.map(|item| item.0), [2, 3, 5, 1]);
    }
}
