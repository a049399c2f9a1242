//! What all examples are made from.

use super::kinds::{ItemFilter, Kinds};
use super::recipe::SamplingRules;
use crate::data::rng::SeededRng;
use crate::data::{Catalogue, ItemId};

/// The catalogue, what can be asked of it, and the rules of asking.
#[derive(Debug, Clone)]
pub(super) struct BuilderContext<'a> {
    pub catalogue: &'a Catalogue,
    pub kinds: Kinds,
    pub rules: SamplingRules,
}

impl BuilderContext<'_> {
    /// A kind that the item is of: in half of the cases a category, in a quarter a condition, in a quarter both; by the authors' rules
    /// always a category. `None` where the item is of no kind.
    pub fn kind_of(&self, item: ItemId, rng: &mut SeededRng) -> Option<ItemFilter> {
        let of_item = |kinds: &[ItemFilter], rng: &mut SeededRng| {
            let kinds: Vec<&ItemFilter> = kinds.iter().filter(|kind| kind.members.contains(item)).collect();
            (!kinds.is_empty()).then(|| (*rng.pick(&kinds)).clone())
        };
        let category = of_item(&self.kinds.categories, rng);
        let condition = self.rules.beyond_categories.then(|| of_item(&self.kinds.conditions, rng)).flatten();
        match (category, condition) {
            (Some(category), Some(condition)) => match rng.below(4) {
                0 => Some(condition),
                1 => category.and(&condition),
                _ => Some(category),
            },
            (one, other) => one.or(other),
        }
    }
}
