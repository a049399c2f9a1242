//! A request in words, for machine-readable output. Its keys are the names of the flags that ask for each part.

use serde::Serialize;

use super::Request;
use crate::data::{Catalogue, CategoryId, ItemId};

/// A request with titles and category names in the place of numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InWords {
    k: u32,
    history: Vec<String>,
    exclude: Vec<String>,
    must: Vec<String>,
    candidates: Option<Vec<String>>,
    more: Vec<String>,
    less: Vec<String>,
    #[serde(rename = "where")]
    conditions: Vec<String>,
    share: Vec<String>,
}

impl Request {
    /// The request with titles and category names in the place of numbers.
    pub fn in_words(&self, catalogue: &Catalogue) -> InWords {
        let titles = |items: &[ItemId]| items.iter().map(|&item| catalogue.title(item).to_owned()).collect();
        let names = |ids: &[CategoryId]| ids.iter().map(|id| catalogue.categories()[id.index()].clone()).collect();
        InWords {
            k: self.k,
            history: titles(&self.history),
            exclude: titles(&self.excluded),
            must: titles(&self.mandatory),
            candidates: self.candidates.as_deref().map(titles),
            more: names(&self.all_in),
            less: names(&self.none_in),
            conditions: self.conditions.iter().map(ToString::to_string).collect(),
            share: self.shares.iter().map(ToString::to_string).collect(),
        }
    }
}
