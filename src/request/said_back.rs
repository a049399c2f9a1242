//! A request said back to whoever asked in words.

use serde::Serialize;

use super::flags::shell;
use super::{InWords, Request};
use crate::data::Catalogue;

/// A request as it was understood: in words, and as flags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SaidBack {
    /// The request.
    pub understood: InWords,
    /// The flags of `tiller recommend` that ask for the same.
    pub flags: String,
}

impl SaidBack {
    /// The request said back with the names of `catalogue`.
    pub fn new(request: &Request, catalogue: &Catalogue) -> Self {
        Self { understood: request.in_words(catalogue), flags: shell(&request.flags(catalogue)) }
    }
}
