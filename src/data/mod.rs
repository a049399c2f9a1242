//! From raw interactions to a data set: import, filter, split, store, describe, invent.

pub mod dataset;
pub mod split;

pub use dataset::{Catalogue, CategoryId, Dataset, Item, ItemId, User};
