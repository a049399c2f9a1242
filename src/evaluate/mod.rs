//! What lists are worth (method §10): each one measured against its request, and means over many.
//!
//! [`measure`] takes titles as they are. The forgiving figures are those of the same measures over titles that a [`TitleIndex`] has mended
//! before.

mod fuzzy;
mod measure;
mod metric;
mod summary;

pub use fuzzy::TitleIndex;
pub use measure::{Measures, measure};
pub use metric::Metric;
pub use summary::Summary;
