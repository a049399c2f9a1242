//! How much is guaranteed about a list.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::constraints::Constraints;
use super::grammar::check_length;
use crate::Result;
use crate::data::Catalogue;
use crate::request::Request;

/// What keeps a list in order while it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The model alone; each item is checked afterwards
    Free,
    /// Every item exists, none repeats, none was taken before, and there are as many as asked for
    Catalogue,
    /// All that, and every rule of the request
    Strict,
}

impl Mode {
    /// What a list has to obey; `None` where nothing is guaranteed.
    ///
    /// # Errors
    /// A request that is too long or that no list satisfies, with the nearest one that can be met.
    pub fn constraints(self, request: &Request, catalogue: &Catalogue) -> Result<Option<Constraints>> {
        let constraints = match self {
            Mode::Free => return Ok(None),
            Mode::Catalogue => {
                let plain = Request { k: request.k, history: request.history.clone(), ..Request::default() };
                Constraints::new(&plain, catalogue)?
            }
            Mode::Strict => Constraints::new(request, catalogue)?,
        };
        check_length(constraints.k as usize)?;
        constraints.feasible()?;
        Ok(Some(constraints))
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
