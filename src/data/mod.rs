//! Data sets: import of raw interactions, filtering, splits, storage, statistics, synthetic data.

pub mod assemble;
pub mod csv_file;
pub mod dataset;
pub mod filter;
pub mod import;
pub mod input;
pub mod interner;
pub mod item_set;
pub mod order;
pub mod protocol;
pub mod raw;
pub(crate) mod rng;
pub mod split;
pub mod stats;
pub mod store;
pub mod synth;
pub mod time;
pub mod titles;

pub use dataset::{Catalogue, CategoryId, Dataset, Item, ItemId, User};
pub use item_set::ItemSet;
pub use store::DatasetInfo;
