//! Queries to a recommender: the best items within a scope, and the ranks of given items (method §2.3).

use tiller_models::item_tokens::ItemVectors;

use crate::data::order::{rank, top_k};
use crate::data::{ItemId, ItemSet};
use crate::{Error, Result};

/// The items that an answer may hold.
#[derive(Debug, Clone, Copy)]
pub enum ItemScope<'a> {
    /// All but those of the history.
    Unrestricted,
    /// Those of the set (+C), without those of the history.
    Only(&'a ItemSet),
    /// Those outside the set (−C), without those of the history.
    Without(&'a ItemSet),
    /// Those of the set, including those of the history.
    Candidates(&'a ItemSet),
}

/// A query for the `k` best items after a history.
#[derive(Debug, Clone, Copy)]
pub struct TopKQuery<'a> {
    /// The user's items, oldest first. The model reads the newest of them; the answer holds none of them.
    pub history: &'a [ItemId],
    /// The items that the answer may hold.
    pub scope: ItemScope<'a>,
    /// The most items of the answer.
    pub k: usize,
}

/// A query for the ranks of items after a history.
#[derive(Debug, Clone, Copy)]
pub struct RankQuery<'a> {
    /// The user's items, oldest first; they are left out of the ranking (method B24).
    pub history: &'a [ItemId],
    /// The items to rank among all others.
    pub items: &'a [ItemId],
}

/// A recommender that scores all items after a history: the teacher, and the baselines beside it.
pub trait Scorer: Sync {
    /// The number of items, with ids from 1.
    fn n_items(&self) -> usize;

    /// Calls `answer` with the position of each history and the scores of all items after it (item 1 first), and
    /// returns its answers in the order of the histories.
    ///
    /// # Errors
    /// The device fails.
    fn answer<T: Send>(&self, histories: &[&[ItemId]], answer: impl Fn(usize, &[f32]) -> T + Sync) -> Result<Vec<T>>;

    /// The vector that it has of each item; `None` for a recommender without any.
    ///
    /// # Errors
    /// The device fails.
    fn item_vectors(&self) -> Result<Option<ItemVectors>> {
        Ok(None)
    }

    /// The best items of each query, best first; equal scores stand in the order of their ids.
    ///
    /// If the scope leaves fewer than `k` items, the answer is short: it is never filled up with others (method B1).
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

    /// The number of items outside the history that come before each of the given ones; an item of the history itself
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
