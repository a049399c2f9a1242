//! The teacher's view of the items after one history: ranks, probabilities, and its list under a request.

use crate::constrain::{FeasibleRequest, greedy_fill};
use crate::data::order::{rank, top_k};
use crate::data::{ItemId, ItemSet};

use super::answer::Wanted;

/// The teacher's scores of all items after a history.
pub struct TeacherView<'a> {
    /// `[n_items]`
    scores: &'a [f32],
    history: ItemSet,
    /// The logarithm of the sum of exp(score) over the items that are not in the history.
    log_sum: f64,
}

impl<'a> TeacherView<'a> {
    /// The view of `scores` after `history`.
    pub fn new(scores: &'a [f32], history: &[ItemId]) -> Self {
        let history = ItemSet::from_items(scores.len(), history);
        let is_new = |column: usize| !history.contains(ItemId(column as u32 + 1));
        let new = || (0..scores.len()).filter(|&column| is_new(column)).map(|column| f64::from(scores[column]));
        let highest = new().fold(f64::NEG_INFINITY, f64::max);
        let log_sum = highest + new().map(|score| (score - highest).exp()).sum::<f64>().ln();
        Self { scores, history, log_sum }
    }

    /// The rank of an item among those that are not in the history; 1 is the best.
    pub fn rank(&self, item: ItemId) -> u32 {
        rank(self.scores, item, &self.history) + 1
    }

    /// The probability of an item by the softmax over those that are not in the history.
    pub fn probability(&self, item: ItemId) -> f64 {
        (f64::from(self.scores[item.index() - 1]) - self.log_sum).exp()
    }

    /// The teacher's list under a request.
    pub fn list(&self, request: &FeasibleRequest) -> Vec<ItemId> {
        greedy_fill(self.scores, request)
    }

    /// For each place of a list, the best item that the teacher passes over there for the first time, if it passes over any.
    pub fn wanted(&self, list: &[ItemId], title: impl Fn(ItemId) -> String) -> Vec<Option<Wanted>> {
        let last = list.iter().map(|&item| self.rank(item)).max().unwrap_or(0);
        let best = top_k(self.scores, last as usize, |item| !self.history.contains(item));
        let mut passed = 0;
        let wanted = |item: &ItemId| {
            let here = best[passed..].iter().position(|best| best == item)?;
            let skipped = best[passed..passed + here].iter().find(|skipped| !list.contains(skipped));
            passed += here + 1;
            skipped.map(|&item| Wanted { title: title(item), probability: self.probability(item) })
        };
        list.iter().map(wanted).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_and_probabilities_leave_the_history_out() {
        let scores = [0.0, 5.0, 1.0, 1.0];
        let view = TeacherView::new(&scores, &[ItemId(2)]);
        assert_eq!([1, 3, 4].map(|item| view.rank(ItemId(item))), [3, 1, 2]);
        let all: f64 = [1, 3, 4].map(|item| view.probability(ItemId(item))).iter().sum();
        assert!((all - 1.0).abs() < 1e-9);
    }

    #[test]
    fn an_item_is_wanted_where_it_is_first_passed_over() {
        let scores = [4.0, 3.0, 2.0, 1.0, 0.0];
        let view = TeacherView::new(&scores, &[ItemId(1)]);
        let wanted = |list: &[u32]| {
            let list: Vec<ItemId> = list.iter().copied().map(ItemId).collect();
            view.wanted(&list, |item| item.0.to_string()).into_iter().map(|w| w.map(|w| w.title)).collect::<Vec<_>>()
        };
        assert_eq!(wanted(&[2, 3]), [None, None]);
        assert_eq!(wanted(&[3, 5]), [Some("2".into()), Some("4".into())]);
        assert_eq!(wanted(&[3, 4]), [Some("2".into()), None]);
        assert_eq!(wanted(&[5, 2]), [Some("3".into()), None], "what comes later is not passed over");
    }
}
