//! Questions to a recommender: the best items under a wish, and the ranks of given items (method §2.3).

use super::order::{rank, top_k};
use crate::data::{ItemId, ItemSet};
use crate::{Error, Result};

/// Which items an answer may hold.
#[derive(Debug, Clone, Copy)]
pub enum ItemScope<'a> {
    /// Any but those of the history.
    Unrestricted,
    /// Those of the set (+C), but not those of the history.
    Only(&'a ItemSet),
    /// Those outside the set (-C), but not those of the history.
    Without(&'a ItemSet),
    /// Those of the set, be they in the history or not.
    Candidates(&'a ItemSet),
}

/// "What are the `k` best items after `history` under `scope`?"
#[derive(Debug, Clone, Copy)]
pub struct TopKQuery<'a> {
    /// What the user took, oldest first. The model reads the newest items of it; the answer holds none of it.
    pub history: &'a [ItemId],
    /// Which items the answer may hold.
    pub scope: ItemScope<'a>,
    /// How many items to answer with, at most.
    pub k: usize,
}

/// "Which ranks have `items` after `history`?"
#[derive(Debug, Clone, Copy)]
pub struct RankQuery<'a> {
    /// What the user took, oldest first; it is left out of the ranking (method B24).
    pub history: &'a [ItemId],
    /// The items to rank among all others.
    pub items: &'a [ItemId],
}

/// Whatever scores all items after a history: the teacher, and the baselines beside it.
pub trait Scorer: Sync {
    /// The number of items, with ids from 1.
    fn n_items(&self) -> usize;

    /// Calls `answer` with the position of each history and the scores of all items after it (item 1 first), and
    /// returns its answers in the order of the histories.
    ///
    /// # Errors
    /// The device fails.
    fn answer<T: Send>(&self, histories: &[&[ItemId]], answer: impl Fn(usize, &[f32]) -> T + Sync) -> Result<Vec<T>>;

    /// The best items of each query, best first; equal scores stand in the order of their ids.
    ///
    /// Where a wish leaves fewer than `k` items, the answer is short: it is never filled up with others (method B1).
    ///
    /// # Errors
    /// An item that the catalogue does not have, or a device that fails.
    fn top_k(&self, queries: &[TopKQuery]) -> Result<Vec<Vec<ItemId>>> {
        let histories: Vec<&[ItemId]> = queries.iter().map(|query| query.history).collect();
        check(self.n_items(), histories.iter().copied().flatten())?;
        self.answer(&histories, |at, scores| {
            let query = queries[at];
            let history = ItemSet::from_items(scores.len(), query.history);
            let is_new = |item| !history.contains(item);
            match query.scope {
                ItemScope::Unrestricted => top_k(scores, query.k, is_new),
                ItemScope::Only(set) => top_k(scores, query.k, |item| set.contains(item) && is_new(item)),
                ItemScope::Without(set) => top_k(scores, query.k, |item| !set.contains(item) && is_new(item)),
                ItemScope::Candidates(set) => top_k(scores, query.k, |item| set.contains(item)),
            }
        })
    }

    /// How many items outside the history come before each of the given ones, from 0; an item of the history itself
    /// ranks after all others.
    ///
    /// # Errors
    /// An item that the catalogue does not have, or a device that fails.
    fn ranks(&self, queries: &[RankQuery]) -> Result<Vec<Vec<u32>>> {
        let histories: Vec<&[ItemId]> = queries.iter().map(|query| query.history).collect();
        check(self.n_items(), queries.iter().flat_map(|query| query.history.iter().chain(query.items)))?;
        self.answer(&histories, |at, scores| {
            let masked = ItemSet::from_items(scores.len(), queries[at].history);
            queries[at].items.iter().map(|&item| rank(scores, item, &masked)).collect()
        })
    }
}

fn check<'a>(n_items: usize, mut items: impl Iterator<Item = &'a ItemId>) -> Result<()> {
    match items.find(|item| !(1..=n_items).contains(&item.index())) {
        None => Ok(()),
        Some(item) => Err(Error::bad_input("query")
            .expected(format!("item ids from 1 to {n_items}"))
            .found(item.0)
            .next("ask with items of the data set that the recommender was trained on")
            .into()),
    }
}
