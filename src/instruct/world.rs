//! What all examples are made from.

use super::kinds::{Kind, Kinds};
use super::recipe::Rules;
use crate::data::dice::Dice;
use crate::data::{Catalogue, ItemId};

/// The catalogue, what can be asked of it, and the rules of asking.
#[derive(Debug, Clone)]
pub(super) struct World<'a> {
    pub catalogue: &'a Catalogue,
    pub kinds: Kinds,
    pub rules: Rules,
}

impl World<'_> {
    /// A kind that the item is of: in half of the cases a category, in a quarter a condition, in a quarter both; by the authors' rules
    /// always a category. `None` where the item is of no kind.
    pub fn kind_of(&self, item: ItemId, dice: &mut Dice) -> Option<Kind> {
        let of_item = |kinds: &[Kind], dice: &mut Dice| {
            let kinds: Vec<&Kind> = kinds.iter().filter(|kind| kind.members.contains(item)).collect();
            (!kinds.is_empty()).then(|| (*dice.pick(&kinds)).clone())
        };
        let category = of_item(&self.kinds.categories, dice);
        let condition = self.rules.beyond_categories.then(|| of_item(&self.kinds.conditions, dice)).flatten();
        match (category, condition) {
            (Some(category), Some(condition)) => match dice.below(4) {
                0 => Some(condition),
                1 => category.and(&condition),
                _ => Some(category),
            },
            (one, other) => one.or(other),
        }
    }
}
