//! Conversion of a raw source to a data set: ordering, deduplication, k-core, ids, titles (method §1).

use std::collections::HashSet;

use super::dataset::{Catalogue, CategoryId, Dataset, Item, ItemId, User};
use super::dropped::Dropped;
use super::filter::{Interaction, KCore, k_core, order};
use super::input::quote;
use super::interner::Interner;
use super::raw::{RawData, RawItem};
use super::store::{DatasetCounts, DatasetInfo, Filters};
use super::time::MICROS;
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
    let (source, licence, rules_of_rows) = (raw.source.clone(), raw.licence.clone(), raw.rules);
    let (attributes, repeats, mut dropped) = (raw.attributes.clone(), raw.repeats, raw.dropped);
    let (unit, untimed, unknown) = (raw.times.unit(), raw.untimed, raw.unknown_item.clone());
    let (raw_items, names, mut histories) = raw.into_parts();

    dropped.repeated_interactions = histories.iter_mut().map(|history| order(history, repeats) as u64).sum();
    let before = interactions(&histories);
    k_core(&mut histories, raw_items.len(), rules.core);
    dropped.interactions_below_core = before - interactions(&histories);
    if interactions(&histories) == 0 {
        return Err(nothing_left(&dropped, unknown.as_deref(), raw_items.first()));
    }

    let ties = ties(&histories);
    let numbers = first_appearances(&histories, raw_items.len(), rules.core.min_item == 0);
    let (catalogue, joined_categories) = catalogue(raw_items, &numbers, attributes, rules.shorten)?;
    let users = users(names, histories, &numbers);
    let dataset = Dataset { name: rules.name.clone(), catalogue, users };
    let filters = Filters {
        core: rules.core,
        min_rating: rules_of_rows.min_rating,
        titles: rules.titles.clone(),
        times: unit.map_or_else(String::new, |unit| format!("read as {unit}")),
    };
    let counts = DatasetCounts { ties, untimed, joined_categories, ..DatasetCounts::of(&dataset, dropped) };
    let info = DatasetInfo { name: rules.name.clone(), source, licence, filters, counts, cold: None };
    Ok((dataset, info))
}

fn interactions(histories: &[Vec<Interaction>]) -> u64 {
    histories.iter().map(|history| history.len() as u64).sum()
}

/// The number of interactions at the same time as the one before them, whose order is that of the file.
fn ties(histories: &[Vec<Interaction>]) -> u64 {
    let of_one = |history: &Vec<Interaction>| history.windows(2).filter(|pair| pair[0].time == pair[1].time).count();
    histories.iter().map(|history| of_one(history) as u64).sum()
}

fn nothing_left(dropped: &Dropped, unknown: Option<&str>, an_item: Option<&RawItem>) -> Error {
    let reasons = dropped.reasons().into_iter().filter(|(count, _)| *count > 0);
    let mut reasons: Vec<String> = reasons.map(|(count, reason)| format!("{count} {reason}")).collect();
    if let Some(unknown) = unknown {
        let known = an_item.map_or("it has none".to_owned(), |item| format!("it has {}", quote(&item.key)));
        reasons.push(format!("no item {} in the catalogue ({known})", quote(unknown)));
    }
    let found = if reasons.is_empty() { "no interactions in it".to_owned() } else { reasons.join("; ") };
    Error::bad_input("the data")
        .expected("interactions that can be kept")
        .found(format!("none. Left out: {found}"))
        .next(dropped.remedy())
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
) -> Result<(Catalogue, u64)> {
    let mut kept: Vec<(ItemId, RawItem)> =
        raw_items.into_iter().zip(numbers).filter_map(|(item, number)| Some(((*number)?, item))).collect();
    kept.sort_unstable_by_key(|(number, _)| *number);

    let titles = unique_titles(&kept.iter().map(|(_, item)| item.title.as_str()).collect::<Vec<_>>(), shorten)?;
    let (mut names, mut spellings) = (Interner::folding_case(), HashSet::new());
    let mut items = Vec::with_capacity(kept.len());
    for ((_, raw), title) in kept.into_iter().zip(titles) {
        let categories = categories(&raw.categories, &mut names, &mut spellings)?;
        let attributes = raw.attributes.iter().map(|value| clean(value)).collect();
        items.push(Item { key: raw.key, title, categories, attributes });
    }
    let names = names.into_vec();
    let joined = spellings.len() - names.len();
    Ok((Catalogue::new(items, names, attributes), joined as u64))
}

/// The ids of an item's categories, one for all spellings in other case. A `|` in a name is replaced, because items.csv
/// separates categories with it.
fn categories(raw: &[String], names: &mut Interner, spellings: &mut HashSet<String>) -> Result<Vec<CategoryId>> {
    let cleaned: Vec<String> = raw.iter().map(|name| clean(&name.replace('|', "/"))).collect();
    let numbers = names.intern_distinct(cleaned.iter().map(String::as_str))?;
    spellings.extend(cleaned.into_iter().filter(|name| !name.is_empty()));
    Ok(numbers.into_iter().map(CategoryId).collect())
}

fn users(names: Vec<String>, histories: Vec<Vec<Interaction>>, numbers: &[Option<ItemId>]) -> Vec<User> {
    let kept = names.into_iter().zip(histories).filter(|(_, history)| !history.is_empty());
    kept.map(|(key, history)| User {
        key,
        items: history.iter().filter_map(|event| numbers[event.item as usize]).collect(),
        timestamps: history.iter().map(|event| event.time.div_euclid(MICROS)).collect(),
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
            raw.push_event(user, item, Some(timestamp * MICROS)).unwrap();
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
    fn nothing_left_is_an_error_with_the_reasons_and_a_way_out() {
        let error = assemble(raw(&[("u", "c", 1)]), &rules(KCore { min_user: 5, min_item: 5 })).unwrap_err();
        assert!(error.to_string().contains("1 interactions of users and items with too few\n  next: lower --min-user"));
        assert_eq!(error.exit_code(), 2);
        let unknown = assemble(raw(&[("u", "9", 1), ("", "a", 1), ("v", "9", 2)]), &rules(KCore::OFF)).unwrap_err();
        let expected = "none. Left out: 1 interactions without user or item; 2 interactions with items that are not in \
                        the catalogue; no item \"9\" in the catalogue (it has \"a\")\n  next: check that both files";
        assert!(unknown.to_string().contains(expected), "{unknown}");
        let none = assemble(raw(&[]), &rules(KCore::OFF)).unwrap_err().to_string();
        assert!(none.contains("no interactions in it") && none.contains("the right files"), "{none}");
    }

    #[test]
    fn spellings_that_differ_in_case_are_one_category() {
        let mut source = raw(&[("u", "a", 1), ("u", "e", 1)]);
        let categories = ["all", "x", "ALL"].map(str::to_owned).to_vec();
        source.push_item(RawItem { key: "e".into(), title: "E".into(), categories, attributes: vec![] }).unwrap();
        source.push_event("u", "e", Some(MICROS)).unwrap();
        let (dataset, info) = assemble(source, &rules(KCore { min_user: 1, min_item: 1 })).unwrap();
        assert_eq!(dataset.catalogue.categories(), ["All", "X"]);
        assert_eq!(dataset.catalogue.items()[1].categories, [CategoryId(0), CategoryId(1)]);
        assert_eq!((info.counts.joined_categories, info.counts.ties), (3, 1));
    }

    #[test]
    fn fractions_of_a_second_order_a_history() {
        let mut source = raw(&[]);
        for (item, time) in [("a", 1_700_000), ("b", 1_200_000), ("c", 900_000)] {
            source.push_event("u", item, Some(time)).unwrap();
        }
        let (dataset, info) = assemble(source, &rules(KCore { min_user: 1, min_item: 1 })).unwrap();
        assert_eq!((keys(&dataset), info.counts.ties), (vec!["c", "b", "a"], 0));
        assert_eq!(dataset.users[0].timestamps, [0, 1, 1]);
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
