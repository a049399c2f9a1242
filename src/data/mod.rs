//! Data sets: import of raw interactions, filtering, splits, storage, statistics, synthetic data.

pub mod assemble;
pub mod cold;
pub mod csv_file;
mod csv_record;
pub mod dataset;
pub mod dropped;
pub mod filter;
pub mod import;
pub mod input;
pub mod interner;
pub mod item_set;
pub mod markup;
pub mod order;
pub mod protocol;
pub mod raw;
pub(crate) mod rng;
pub mod split;
pub mod stats;
pub mod store;
pub mod synth;
pub mod time;
pub mod time_column;
pub mod titles;

pub use dataset::{Catalogue, CategoryId, Dataset, Item, ItemId, User};
pub use item_set::ItemSet;
pub use store::DatasetInfo;
