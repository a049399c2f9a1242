//! dataset.json: the source of a data set and the record of its import.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::INFO;
use crate::data::cold::ColdSplit;
use crate::data::dataset::Dataset;
use crate::data::dropped::Dropped;
use crate::data::filter::KCore;
use crate::data::input::file_name;
use crate::data::titles::clean;
use crate::{Error, Result};

/// The metadata of a data set, as in dataset.json.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DatasetInfo {
    /// Its name, for reports.
    pub name: String,
    /// Its source.
    pub source: String,
    /// Its licence.
    pub licence: String,
    /// The filters of the import.
    pub filters: Filters,
    /// The counts of the import.
    pub counts: DatasetCounts,
    /// The cold items of a split.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cold: Option<ColdSplit>,
}

/// The filters of an import.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Filters {
    /// The k-core bounds.
    #[serde(flatten)]
    pub core: KCore,
    /// The lowest rating that counts; `None` where every rating does.
    pub min_rating: Option<f64>,
    /// A description of how titles were shortened.
    pub titles: String,
    /// The unit in which the times of the source were read; empty for dates and generated times.
    pub times: String,
}

/// Records kept and dropped by an import.
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
    /// Interactions at the same time as the one before them; their order is that of the file.
    pub ties: u64,
    /// Interactions kept without a time; the order of the file places them.
    pub untimed: u64,
    /// Spellings of categories that differ in case only from one that was taken.
    pub joined_categories: u64,
    /// Dropped records by reason.
    pub dropped: Dropped,
}

impl DatasetCounts {
    /// Counts the records of a data set.
    pub fn of(dataset: &Dataset, dropped: Dropped) -> Self {
        Self {
            users: dataset.users.len(),
            items: dataset.catalogue.len(),
            interactions: dataset.interactions(),
            categories: dataset.catalogue.categories().len(),
            dropped,
            ..Self::default()
        }
    }
}

impl DatasetInfo {
    /// Reads dataset.json and cleans its texts for a terminal. Without the file, only the folder's name is known.
    ///
    /// # Errors
    /// Malformed JSON.
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
