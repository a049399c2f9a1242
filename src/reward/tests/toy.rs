//! A catalogue of letters: A1 … A6 in category A, B1 … B6 in category B, and years.

use crate::data::{Catalogue, CategoryId, Item, ItemId};
use crate::recommend::{CheckedItem, check};
use crate::request::{Request, Share};
use crate::reward::{RewardRules, Rewards, Targets, rewards};

/// A1 is item 1 and of the year 2001, B6 is item 12 and of the year 2006.
pub fn letters() -> Catalogue {
    let item = |(letter, category): (char, u32), number: u32| Item {
        key: format!("{letter}{number}"),
        title: format!("{letter}{number}"),
        categories: vec![CategoryId(category)],
        attributes: vec![(2000 + number).to_string()],
    };
    let items = [('A', 0), ('B', 1)].into_iter().flat_map(|kind| (1..=6).map(move |number| item(kind, number)));
    Catalogue::new(items.collect(), vec!["A".into(), "B".into()], vec!["year".into()])
}

pub fn item(title: &str) -> ItemId {
    letters().by_title(title).unwrap()
}

pub fn asked(k: u32) -> Request {
    Request { k, ..Request::default() }
}

pub fn with_share(k: u32, share: &str) -> Request {
    Request { shares: vec![Share::parse(share, &letters()).unwrap()], ..asked(k) }
}

/// A list in words, checked: "A1 B2 nope".
pub fn list(request: &Request, titles: &str) -> Vec<CheckedItem> {
    check(titles.split_whitespace(), &request.compile(&letters()), &letters())
}

/// The rewards of a list whose items have their place in the catalogue as the teacher's rank: A1 0, …, B6 11.
pub fn reward(request: &Request, target: Option<&str>, titles: &str, rules: &RewardRules) -> Rewards {
    let list = list(request, titles);
    let ranks: Vec<u32> = list.iter().map(|line| line.item.map_or(0, |item| item.0 - 1)).collect();
    let catalogue = letters();
    rewards(&Targets::of(&request.compile(&catalogue)), target.map(item), &list, &ranks, catalogue.len(), rules)
}
