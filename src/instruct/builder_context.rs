//! The context that all examples share: the catalogue, its filters and the sampling rules.

use super::item_filter::{ItemFilter, ItemFilters};
use super::preset::SamplingRules;
use crate::data::rng::SeededRng;
use crate::data::{Catalogue, ItemId};

/// The catalogue, the filters that can be asked for, and the sampling rules.
#[derive(Debug, Clone)]
pub(super) struct BuilderContext<'a> {
    pub catalogue: &'a Catalogue,
    pub filters: ItemFilters,
    pub rules: SamplingRules,
    /// See [`ExampleConfig`](super::ExampleConfig).
    pub by_title: bool,
}

impl BuilderContext<'_> {
    /// Draws a filter that the item satisfies: a category in half of the cases, a condition in a quarter, both in a
    /// quarter; by the authors' rules always a category. `None` where the item satisfies none.
    pub fn filter_of(&self, item: ItemId, rng: &mut SeededRng) -> Option<ItemFilter> {
        let of_item = |filters: &[ItemFilter], rng: &mut SeededRng| {
            let filters: Vec<&ItemFilter> = filters.iter().filter(|filter| filter.members.contains(item)).collect();
            (!filters.is_empty()).then(|| (*rng.pick(&filters)).clone())
        };
        let category = of_item(&self.filters.categories, rng);
        let condition = self.rules.beyond_categories.then(|| of_item(&self.filters.conditions, rng)).flatten();
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
