//! What all examples are made from.

use super::kinds::Kinds;
use super::recipe::Rules;
use crate::data::Catalogue;

/// The catalogue, what can be asked of it, and the rules of asking.
#[derive(Debug, Clone)]
pub(super) struct World<'a> {
    pub catalogue: &'a Catalogue,
    pub kinds: Kinds,
    pub rules: Rules,
}
