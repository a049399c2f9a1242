//! Filters that requests can ask for: categories, conditions drawn from the catalogue's attribute values, and
//! conjunctions of two.

use std::collections::{BTreeMap, BTreeSet};

use crate::data::{Catalogue, CategoryId, ItemId, ItemSet};
use crate::request::predicate::number;
use crate::request::{Predicate, Request};

/// A filter on items: a category, an attribute condition, or both.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemFilter {
    /// Categories that all its items are in.
    pub categories: Vec<CategoryId>,
    /// Conditions that all its items satisfy.
    pub conditions: Vec<Predicate>,
    /// The items.
    pub members: ItemSet,
    /// The number of members.
    pub size: usize,
    /// The fields that its parts test. A conjunction of two parts on one field would be redundant or empty.
    fields: Vec<Field>,
}

/// The field that a category or condition tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Category,
    Column(usize),
}

impl ItemFilter {
    /// The items of a category.
    pub fn category(id: CategoryId, catalogue: &Catalogue) -> Self {
        let members = ItemSet::from_items(catalogue.len(), catalogue.members(id));
        Self {
            size: members.len(),
            members,
            categories: vec![id],
            conditions: Vec::new(),
            fields: vec![Field::Category],
        }
    }

    fn condition(condition: Predicate, column: usize, catalogue: &Catalogue) -> Self {
        let members = condition.items(catalogue);
        Self {
            size: members.len(),
            members,
            categories: Vec::new(),
            conditions: vec![condition],
            fields: vec![Field::Column(column)],
        }
    }

    /// The conjunction; `None` where both test the same field, or have no item in common.
    pub fn and(&self, other: &ItemFilter) -> Option<ItemFilter> {
        if self.fields.iter().any(|field| other.fields.contains(field)) {
            return None;
        }
        let mut members = self.members.clone();
        members.intersect_with(&other.members);
        (!members.is_empty()).then(|| ItemFilter {
            categories: [&self.categories[..], &other.categories].concat(),
            conditions: [&self.conditions[..], &other.conditions].concat(),
            size: members.len(),
            members,
            fields: [&self.fields[..], &other.fields].concat(),
        })
    }

    /// Adds the filter to a request: every item has to satisfy it.
    pub fn require(&self, request: &mut Request) {
        request.all_in.extend(&self.categories);
        request.conditions.extend(self.conditions.iter().cloned());
    }

    /// Returns the filter as one condition, for a share of it.
    pub fn predicate(&self, catalogue: &Catalogue) -> Predicate {
        let categories = self.categories.iter().map(|&id| Predicate::category(id, catalogue));
        Predicate::all(categories.chain(self.conditions.iter().cloned()))
    }

    /// The number of members that are not in `items`.
    pub fn available(&self, items: &[ItemId]) -> usize {
        self.size - items.iter().filter(|&&item| self.members.contains(item)).count()
    }
}

/// All filters that a catalogue offers.
#[derive(Debug, Clone)]
pub struct ItemFilters {
    /// Every category that has an item.
    pub categories: Vec<ItemFilter>,
    /// Conditions on attributes. Opposites (`<` and `>=`, `=` and `!=`) are both among them.
    pub conditions: Vec<ItemFilter>,
}

/// The percentage of values that are numbers from which a column counts as numeric.
const NUMERIC_PERCENT: usize = 90;
/// The quantiles, in percent, at which numeric columns have thresholds.
const QUANTILES: [usize; 5] = [10, 25, 50, 75, 90];
/// The number of a text column's most frequent values that are asked for.
const FREQUENT_VALUES: usize = 30;
/// The number of items from which a value is frequent.
const FREQUENT: usize = 5;
/// Signs with a meaning in conditions. Values and columns that contain one are left out.
const SIGNS: [&str; 9] = ["|", "<", ">", "=", "!", ",", " and ", " AND ", "'"];

impl ItemFilters {
    /// The filters of a catalogue, in a fixed order.
    pub fn of(catalogue: &Catalogue) -> Self {
        let ids = (0..catalogue.categories().len() as u32).map(CategoryId);
        let categories = ids.map(|id| ItemFilter::category(id, catalogue)).filter(|filter| filter.size > 0).collect();
        let conditions = (0..catalogue.attributes().len()).flat_map(|column| conditions(column, catalogue)).collect();
        Self { categories, conditions }
    }
}

/// The conditions on a column: thresholds of numbers, or frequent values of text.
fn conditions(column: usize, catalogue: &Catalogue) -> Vec<ItemFilter> {
    let name = &catalogue.attributes()[column];
    let values: Vec<&str> = catalogue
        .items()
        .iter()
        .filter_map(|item| item.attributes.get(column).map(|value| value.trim()))
        .filter(|value| !value.is_empty())
        .collect();
    let mut numbers: Vec<f64> = values.iter().filter_map(|value| number(value)).collect();
    let texts = if values.is_empty() || has_sign(name) {
        Vec::new()
    } else if numbers.len() * 100 >= values.len() * NUMERIC_PERCENT {
        thresholds(name, &mut numbers)
    } else {
        equalities(name, &values)
    };
    let filters = texts.iter().filter_map(|text| Predicate::parse(text, catalogue).ok());
    // A condition that all or no items satisfy filters nothing.
    filters
        .map(|condition| ItemFilter::condition(condition, column, catalogue))
        .filter(|filter| filter.size > 0 && filter.size < catalogue.len())
        .collect()
}

fn thresholds(name: &str, numbers: &mut [f64]) -> Vec<String> {
    numbers.sort_by(f64::total_cmp);
    let at = |percent: usize| numbers[(numbers.len() - 1) * percent / 100];
    let distinct: BTreeSet<String> = QUANTILES.iter().map(|&percent| at(percent).to_string()).collect();
    distinct.iter().flat_map(|value| [format!("{name}>={value}"), format!("{name}<{value}")]).collect()
}

fn equalities(name: &str, values: &[&str]) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for value in values.iter().filter(|value| !has_sign(value)) {
        *counts.entry(value).or_default() += 1;
    }
    let mut frequent: Vec<_> = counts.into_iter().filter(|&(_, count)| count >= FREQUENT).collect();
    // Stable: of equally frequent values the alphabetically first.
    frequent.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    let frequent = frequent.iter().take(FREQUENT_VALUES);
    frequent.flat_map(|(value, _)| [format!("{name}={value}"), format!("{name}!={value}")]).collect()
}

fn has_sign(text: &str) -> bool {
    SIGNS.iter().any(|sign| text.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Item;

    /// Twenty items: a year each, a country for most, a note that nobody can ask for.
    fn catalogue() -> Catalogue {
        let item = |n: usize| Item {
            key: n.to_string(),
            title: format!("Thing {n}"),
            categories: vec![CategoryId((n % 2) as u32)],
            attributes: vec![(2000 + n).to_string(), ["France", "Japan", ""][n % 3].into(), format!("a|{n}")],
        };
        let columns = ["year", "country", "note"].map(str::to_owned).to_vec();
        Catalogue::new((0..20).map(item).collect(), vec!["Even".into(), "Odd".into(), "Empty".into()], columns)
    }

    #[test]
    fn numbers_become_thresholds_at_quantiles_and_words_their_frequent_values() {
        let filters = ItemFilters::of(&catalogue());
        let texts: Vec<_> = filters.conditions.iter().map(|filter| filter.conditions[0].to_string()).collect();
        let years = [2001, 2004, 2009, 2014, 2017].map(|year| [format!("year>={year}"), format!("year<{year}")]);
        let countries = ["country=France", "country!=France", "country=Japan", "country!=Japan"].map(str::to_owned);
        assert_eq!(texts, [years.concat(), countries.to_vec()].concat());
        assert_eq!(filters.categories.len(), 2, "an empty category is not asked for");
    }

    #[test]
    fn members_are_the_items_for_which_the_kind_holds() {
        let catalogue = catalogue();
        let filters = ItemFilters::of(&catalogue);
        let [even, late] = [&filters.categories[0], &filters.conditions[6]];
        assert_eq!(late.conditions[0].to_string(), "year>=2014");
        let both = even.and(late).unwrap();
        let predicate = both.predicate(&catalogue);
        for id in catalogue.ids() {
            let item = catalogue.item(id);
            let year: usize = item.attributes[0].parse().unwrap();
            assert_eq!(both.members.contains(id), year >= 2014 && year.is_multiple_of(2));
            assert_eq!(both.members.contains(id), predicate.matches(item));
        }
        assert_eq!((both.size, both.available(&[ItemId(15), ItemId(16)])), (3, 2));
        let mut request = Request::default();
        both.require(&mut request);
        assert_eq!((request.all_in.len(), request.conditions.len()), (1, 1));
    }

    #[test]
    fn two_kinds_of_one_field_make_no_conjunction() {
        let filters = ItemFilters::of(&catalogue());
        assert_eq!(filters.categories[0].and(&filters.categories[1]), None);
        assert_eq!(filters.conditions[0].and(&filters.conditions[1]), None);
        assert!(filters.conditions[0].and(&filters.conditions[11]).is_some());
    }
}
