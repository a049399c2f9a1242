//! dataset.json: where a data set comes from and what its import did.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::INFO;
use crate::data::dataset::Dataset;
use crate::data::filter::KCore;
use crate::data::input::file_name;
use crate::data::raw::Dropped;
use crate::data::titles::clean;
use crate::{Error, Result};

/// What dataset.json tells about a data set.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DatasetInfo {
    /// Its name, for reports.
    pub name: String,
    /// Where it comes from.
    pub source: String,
    /// Under which terms.
    pub licence: String,
    /// What the import asked for.
    pub filters: Filters,
    /// What the import found.
    pub counts: DatasetCounts,
}

/// The rules of an import.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Filters {
    /// How many interactions users and items needed to stay.
    #[serde(flatten)]
    pub core: KCore,
    /// How titles were brought into their final form.
    pub titles: String,
}

/// How much an import kept and dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DatasetCounts {
    /// Users kept.
    pub users: usize,
    /// Items kept.
    pub items: usize,
    /// Interactions kept.
    pub interactions: usize,
    /// Categories of the items kept.
    pub categories: usize,
    /// What was left out.
    pub dropped: Dropped,
}

impl DatasetCounts {
    /// Counts a data set.
    pub fn of(dataset: &Dataset, dropped: Dropped) -> Self {
        Self {
            users: dataset.users.len(),
            items: dataset.catalogue.len(),
            interactions: dataset.interactions(),
            categories: dataset.catalogue.categories().len(),
            dropped,
        }
    }
}

impl DatasetInfo {
    /// Reads dataset.json, its texts made safe for a terminal; without it, there is only the folder's name to tell.
    ///
    /// # Errors
    /// A file that is not the JSON object it should be.
    pub fn read(dir: &Path) -> Result<DatasetInfo> {
        let path = dir.join(INFO);
        let named = DatasetInfo { name: file_name(dir), ..DatasetInfo::default() };
        let text = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(named),
            text => text.map_err(Error::io(&path, "read"))?,
        };
        let info: DatasetInfo = serde_json::from_slice(&text).map_err(|error| {
            Error::from(
                Error::bad_input(path.display())
                    .expected("a JSON object with name, source, licence, filters and counts")
                    .found(error)
                    .next("correct it, or delete the file: the data set reads without it"),
            )
        })?;
        let name = Some(clean(&info.name)).filter(|name| !name.is_empty()).unwrap_or(named.name);
        Ok(DatasetInfo { name, source: clean(&info.source), licence: clean(&info.licence), ..info })
    }
}
