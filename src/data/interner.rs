//! String interning: names get ids in order of first appearance.

use std::collections::{HashMap, HashSet};

use crate::{Error, Result};

/// Distinct names and their ids, counted from 0.
#[derive(Debug, Clone, Default)]
pub struct Interner {
    names: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl Interner {
    /// Returns the id of a name; a new name gets the next id.
    ///
    /// # Errors
    /// More than 2³² − 1 names (item ids count from 1).
    pub fn intern(&mut self, name: &str) -> Result<u32> {
        if let Some(number) = self.get(name) {
            return Ok(number);
        }
        let number = u32::try_from(self.names.len()).ok().filter(|&number| number < u32::MAX).ok_or_else(|| {
            Error::from(
                Error::bad_input("the data")
                    .expected(format!("at most {} distinct users, items or categories", u32::MAX))
                    .found("more")
                    .next("import a part of it"),
            )
        })?;
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        Ok(number)
    }

    /// Returns the distinct ids of some names; empty names are skipped.
    ///
    /// # Errors
    /// As [`Interner::intern`].
    pub fn intern_distinct<'a>(&mut self, names: impl Iterator<Item = &'a str>) -> Result<Vec<u32>> {
        let numbers = names.filter(|name| !name.is_empty()).map(|name| self.intern(name));
        let mut numbers = numbers.collect::<Result<Vec<_>>>()?;
        let mut seen = HashSet::with_capacity(numbers.len());
        numbers.retain(|&number| seen.insert(number));
        Ok(numbers)
    }

    /// The id of a known name.
    pub fn get(&self, name: &str) -> Option<u32> {
        self.numbers.get(name).copied()
    }

    /// The names in id order.
    pub fn into_vec(self) -> Vec<String> {
        self.names
    }
}
