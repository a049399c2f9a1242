//! The popularity baseline: the same list for everybody, the items with most users first.

use rayon::prelude::*;

use super::query::Scorer;
use crate::Result;
use crate::data::split::training_items;
use crate::data::{Dataset, ItemId};

/// Scores an item by the number of users with it among their training items.
#[derive(Debug, Clone)]
pub struct Popularity {
    /// One count per item, item 1 first.
    counts: Vec<f32>,
}

impl Popularity {
    /// Counts the training items of a data set.
    pub fn of(dataset: &Dataset) -> Self {
        let mut counts = vec![0.0; dataset.catalogue.len()];
        for item in dataset.users.iter().flat_map(training_items) {
            counts[item.index() - 1] += 1.0;
        }
        Self { counts }
    }
}

impl Scorer for Popularity {
    fn n_items(&self) -> usize {
        self.counts.len()
    }

    fn answer<T: Send>(&self, histories: &[&[ItemId]], answer: impl Fn(usize, &[f32]) -> T + Sync) -> Result<Vec<T>> {
        Ok((0..histories.len()).into_par_iter().map(|at| answer(at, &self.counts)).collect())
    }
}
