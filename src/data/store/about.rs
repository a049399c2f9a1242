//! dataset.json: where a data set comes from and what its import did.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::ABOUT;
use crate::data::dataset::Dataset;
use crate::data::filter::Core;
use crate::data::input::file_name;
use crate::data::raw::Dropped;
use crate::data::titles::clean;
use crate::{Error, Result};

/// What dataset.json tells about a data set.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct About {
    /// Its name, for reports.
    pub name: String,
    /// Where it comes from.
    pub source: String,
    /// Under which terms.
    pub licence: String,
    /// What the import asked for.
    pub filters: Filters,
    /// What the import found.
    pub counts: Counts,
}

/// The rules of an import.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Filters {
    /// How many interactions users and items needed to stay.
    #[serde(flatten)]
    pub core: Core,
    /// How titles were brought into their final form.
    pub titles: String,
}

/// How much an import kept and dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
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

impl Counts {
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

impl About {
    /// Reads dataset.json, its texts made safe for a terminal; without it, there is only the folder's name to tell.
    ///
    /// # Errors
    /// A file that is not the JSON object it should be.
    pub fn read(dir: &Path) -> Result<About> {
        let path = dir.join(ABOUT);
        let named = About { name: file_name(dir), ..About::default() };
        let text = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(named),
            text => text.map_err(Error::io(&path, "read"))?,
        };
        let about: About = serde_json::from_slice(&text).map_err(|error| {
            Error::from(
                Error::bad_input(path.display())
                    .expected("a JSON object with name, source, licence, filters and counts")
                    .found(error)
                    .next("correct it, or delete the file: the data set reads without it"),
            )
        })?;
        let name = Some(clean(&about.name)).filter(|name| !name.is_empty()).unwrap_or(named.name);
        Ok(About { name, source: clean(&about.source), licence: clean(&about.licence), ..about })
    }
}
