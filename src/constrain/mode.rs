//! The guarantees that constrained decoding gives about a list.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::constraints::Constraints;
use super::feasible::FeasibleRequest;
use super::grammar::check_length;
use crate::Result;
use crate::data::Catalogue;
use crate::request::CompiledRequest;

/// The constraints that hold while a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
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
            Mode::Catalogue => Constraints::new(&request.without_wishes(), catalogue)?,
            Mode::Strict => Constraints::new(request, catalogue)?,
        };
        check_length(constraints.k as usize)?;
        Ok(Some(constraints.prove()?))
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
