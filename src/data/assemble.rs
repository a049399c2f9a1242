//! Conversion of a raw source to a data set: ordering, deduplication, k-core, ids, titles (method §1).

use super::dataset::{Catalogue, CategoryId, Dataset, Item, ItemId, User};
use super::filter::{Interaction, KCore, k_core, order};
use super::interner::Interner;
use super::raw::{RawData, RawItem};
use super::store::{DatasetCounts, DatasetInfo, Filters};
use super::titles::{Shorten, clean, unique_titles};
use crate::{Error, Result};

/// The settings of a conversion.
pub struct ImportRules<'a> {
    /// The name of the data set.
    pub name: String,
    /// The k-core filter.
    pub core: KCore,
    /// The function that shortens titles.
    pub shorten: &'a Shorten<'a>,
    /// A description of `shorten` for dataset.json.
    pub titles: String,
}

/// Converts a raw source to a data set. Users keep the order of first appearance in the source, items the order of
/// first appearance in these users' histories. With `min_item` 0, items without interactions follow.
///
/// # Errors
/// No items or interactions left after filtering, or a tokenizer that does not round-trip titles.
pub fn assemble(raw: RawData, rules: &ImportRules) -> Result<(Dataset, DatasetInfo)> {
    let (source, licence) = (raw.source.clone(), raw.licence.clone());
    let (attributes, repeats, mut dropped) = (raw.attributes.clone(), raw.repeats, raw.dropped);
    let (raw_items, names, mut histories) = raw.into_parts();

    dropped.repeated_interactions = histories.iter_mut().map(|history| order(history, repeats) as u64).sum();
    let before = interactions(&histories);
    k_core(&mut histories, raw_items.len(), rules.core);
    dropped.interactions_below_core = before - interactions(&histories);
    if interactions(&histories) == 0 {
        return Err(nothing_left(rules.core, raw_items.len(), before));
    }

    let numbers = first_appearances(&histories, raw_items.len(), rules.core.min_item == 0);
    let catalogue = catalogue(raw_items, &numbers, attributes, rules.shorten)?;
    let users = users(names, histories, &numbers);
    let dataset = Dataset { name: rules.name.clone(), catalogue, users };
    let filters = Filters { core: rules.core, titles: rules.titles.clone() };
    let counts = DatasetCounts::of(&dataset, dropped);
    let info = DatasetInfo { name: rules.name.clone(), source, licence, filters, counts };
    Ok((dataset, info))
}

fn interactions(histories: &[Vec<Interaction>]) -> u64 {
    histories.iter().map(|history| history.len() as u64).sum()
}

fn nothing_left(core: KCore, items: usize, interactions: u64) -> Error {
    Error::bad_input("the data")
        .expected(format!("users with {} and items with {} interactions or more", core.min_user, core.min_item))
        .found(format!("none among {interactions} interactions with {items} items"))
        .next("lower --min-user and --min-item, and check that the items file holds the items of the interactions")
        .into()
}

/// The id of each source item, in order of first appearance; `None` for dropped items.
fn first_appearances(histories: &[Vec<Interaction>], items: usize, keep_untaken: bool) -> Vec<Option<ItemId>> {
    let mut numbers = vec![None; items];
    let taken = histories.iter().flatten().map(|event| event.item as usize);
    let untaken = (0..items).filter(|_| keep_untaken);
    let mut next = 1;
    for item in taken.chain(untaken) {
        if numbers[item].is_none() {
            numbers[item] = Some(ItemId(next));
            next += 1;
        }
    }
    numbers
}

fn catalogue(
    raw_items: Vec<RawItem>,
    numbers: &[Option<ItemId>],
    attributes: Vec<String>,
    shorten: &Shorten,
) -> Result<Catalogue> {
    let mut kept: Vec<(ItemId, RawItem)> =
        raw_items.into_iter().zip(numbers).filter_map(|(item, number)| Some(((*number)?, item))).collect();
    kept.sort_unstable_by_key(|(number, _)| *number);

    let titles = unique_titles(&kept.iter().map(|(_, item)| item.title.as_str()).collect::<Vec<_>>(), shorten)?;
    let mut names = Interner::default();
    let mut items = Vec::with_capacity(kept.len());
    for ((_, raw), title) in kept.into_iter().zip(titles) {
        let categories = categories(&raw.categories, &mut names)?;
        let attributes = raw.attributes.iter().map(|value| clean(value)).collect();
        items.push(Item { key: raw.key, title, categories, attributes });
    }
    Ok(Catalogue::new(items, names.into_vec(), attributes))
}

/// The ids of an item's categories. A `|` in a name is replaced, because items.csv separates categories with it.
fn categories(raw: &[String], names: &mut Interner) -> Result<Vec<CategoryId>> {
    let cleaned: Vec<String> = raw.iter().map(|name| clean(&name.replace('|', "/"))).collect();
    let numbers = names.intern_distinct(cleaned.iter().map(String::as_str))?;
    Ok(numbers.into_iter().map(CategoryId).collect())
}

fn users(names: Vec<String>, histories: Vec<Vec<Interaction>>, numbers: &[Option<ItemId>]) -> Vec<User> {
    let kept = names.into_iter().zip(histories).filter(|(_, history)| !history.is_empty());
    kept.map(|(key, history)| User {
        key,
        items: history.iter().filter_map(|event| numbers[event.item as usize]).collect(),
        timestamps: history.iter().map(|event| event.timestamp).collect(),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::titles::truncate_title;

    fn raw(interactions: &[(&str, &str, i64)]) -> RawData {
        let mut raw = RawData::new("test", "none", &["year"]);
        for (key, category) in [("a", "X"), ("b", "Y|Z"), ("c", " X\n"), ("d", "")] {
            let categories = vec!["All".to_owned(), category.to_owned(), category.to_owned()];
            let attributes = vec![" 19\u{7}99".to_owned()];
            raw.push_item(RawItem { key: key.into(), title: format!("Title {key}"), categories, attributes }).unwrap();
        }
        for (user, item, timestamp) in interactions {
            raw.push_interaction(user, item, *timestamp).unwrap();
        }
        raw
    }

    fn rules(core: KCore) -> ImportRules<'static> {
        ImportRules { name: "test".into(), core, shorten: &truncate_title, titles: "cut".into() }
    }

    fn keys(dataset: &Dataset) -> Vec<&str> {
        dataset.catalogue.items().iter().map(|item| item.key.as_str()).collect()
    }

    #[test]
    fn ids_follow_the_first_appearance_in_ordered_histories() {
        let interactions = [("u", "c", 9), ("v", "a", 1), ("u", "b", 3), ("u", "c", 5)];
        let (dataset, info) = assemble(raw(&interactions), &rules(KCore { min_user: 1, min_item: 1 })).unwrap();
        assert_eq!(keys(&dataset), ["b", "c", "a"]);
        assert_eq!(dataset.users[0].items, [ItemId(1), ItemId(2)]);
        assert_eq!(dataset.users[0].timestamps, [3, 5]);
        assert_eq!(dataset.users[1].key, "v");
        assert_eq!(dataset.catalogue.categories(), ["All", "Y/Z", "X"]);
        assert_eq!(dataset.catalogue.items()[1].categories, [CategoryId(0), CategoryId(2)]);
        assert_eq!(dataset.catalogue.items()[0].attributes, ["19 99"]);
        assert_eq!((info.counts.interactions, info.counts.dropped.repeated_interactions), (3, 1));
    }

    #[test]
    fn items_that_nobody_took_stay_only_where_the_filter_is_off() {
        let (all, _) = assemble(raw(&[("u", "c", 1)]), &rules(KCore::OFF)).unwrap();
        assert_eq!(keys(&all), ["c", "a", "b", "d"]);
        let (taken, _) = assemble(raw(&[("u", "c", 1)]), &rules(KCore { min_user: 0, min_item: 1 })).unwrap();
        assert_eq!(keys(&taken), ["c"]);
    }

    #[test]
    fn nothing_left_is_an_error_with_a_way_out() {
        let error = assemble(raw(&[("u", "c", 1)]), &rules(KCore { min_user: 5, min_item: 5 })).unwrap_err();
        assert!(error.to_string().contains("lower --min-user"));
        assert_eq!(error.exit_code(), 2);
    }

    #[test]
    fn counts_agree_with_what_is_kept() {
        let interactions = [("u", "a", 1), ("u", "b", 2), ("v", "a", 3), ("v", "b", 4), ("w", "a", 5), ("w", "zzz", 6)];
        let core = KCore { min_user: 2, min_item: 2 };
        let (dataset, info) = assemble(raw(&interactions), &rules(core)).unwrap();
        let DatasetCounts { users, items, interactions, dropped, .. } = info.counts;
        assert_eq!((users, items, interactions), (2, 2, 4));
        assert_eq!((dropped.interactions_of_unknown_items, dropped.interactions_below_core), (1, 1));
        assert!(dataset.catalogue.ids().all(|id| dataset.users.iter().all(|user| user.items.contains(&id))));
    }
}
