//! The data set on disk: a folder with items.csv, interactions.csv and dataset.json.

mod info;
mod read;
mod write;

pub use info::{DatasetCounts, DatasetInfo, Filters};
pub use write::refuse_to_replace;

/// The file of the catalogue: item, title, categories, then the attributes.
pub const ITEMS: &str = "items.csv";
/// The file of the histories: user, item, timestamp.
pub const INTERACTIONS: &str = "interactions.csv";
/// The metadata file; optional in a folder made by hand.
pub const INFO: &str = "dataset.json";
