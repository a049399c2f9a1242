//! The guarantees that constrained decoding gives about a list.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::constraints::Constraints;
use super::feasible::FeasibleRequest;
use super::grammar::check_length;
use crate::data::Catalogue;
use crate::request::CompiledRequest;
use crate::{Error, Result};

/// The constraints that hold while a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The model alone; each item is checked afterwards
    Free,
    /// Every item exists, none repeats, none is in the history, and the list has the requested length
    Catalogue,
    /// All that, and every rule of the request
    Strict,
}

impl Mode {
    /// Proves that a list satisfies `request`, compiled over `catalogue`, as far as the mode guarantees it; `None` where it guarantees nothing.
    ///
    /// # Errors
    /// A request that is too long or that no list satisfies, with the nearest one that can be met.
    pub fn prove(self, request: &CompiledRequest, catalogue: &Catalogue) -> Result<Option<FeasibleRequest>> {
        let constraints = match self {
            Mode::Free => return Ok(None),
            Mode::Catalogue => Constraints::new(&request.with_history_only(), catalogue)?,
            Mode::Strict => Constraints::new(request, catalogue)?,
        };
        check_length(constraints.k as usize)?;
        Ok(Some(constraints.prove()?))
    }
}

impl FromStr for Mode {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let known = [Mode::Free, Mode::Catalogue, Mode::Strict].into_iter().find(|mode| mode.to_string() == name);
        known.ok_or_else(|| Error::bad_input("--decode").expected("free, catalogue or strict").found(name).into())
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Mode::Free => "free",
            Mode::Catalogue => "catalogue",
            Mode::Strict => "strict",
        })
    }
}
