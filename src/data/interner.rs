//! String interning: names get ids in order of first appearance.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::{Error, Result};

/// Distinct names and their ids, counted from 0.
#[derive(Debug, Clone, Default)]
pub struct Interner {
    names: Vec<String>,
    numbers: HashMap<String, u32>,
    folds_case: bool,
}

impl Interner {
    /// Creates an interner in which names that differ in case only are one, spelt as where it stands first.
    pub fn folding_case() -> Self {
        Self { folds_case: true, ..Self::default() }
    }

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
        self.numbers.insert(self.folded(name).into_owned(), number);
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
        self.numbers.get(&*self.folded(name)).copied()
    }

    fn folded<'a>(&self, name: &'a str) -> Cow<'a, str> {
        if self.folds_case { name.to_lowercase().into() } else { name.into() }
    }

    /// The names in id order.
    pub fn into_vec(self) -> Vec<String> {
        self.names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_numbered_and_fold_their_case_where_that_is_asked_for() {
        let names = ["Sci-Fi", "sci-fi", "", "ÉTÉ", "été", "Sci-Fi"];
        let mut exact = Interner::default();
        assert_eq!(exact.intern_distinct(names.into_iter()).unwrap(), [0, 1, 2, 3]);
        let mut folding = Interner::folding_case();
        assert_eq!(folding.intern_distinct(names.into_iter()).unwrap(), [0, 1]);
        assert_eq!(folding.get("SCI-FI"), Some(0));
        assert_eq!(folding.into_vec(), ["Sci-Fi", "ÉTÉ"]);
    }
}
