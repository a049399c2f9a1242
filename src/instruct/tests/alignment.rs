//! Prompts for alignment: the requests of method §6.

use std::collections::{BTreeMap, BTreeSet};

use super::toy::{Toy, films, scarce};
use crate::data::{Catalogue, CategoryId, Dataset, ItemId};
use crate::instruct::{Example, ExampleBuilder, ExampleConfig, Preset};
use crate::request::{Amount, Bound, Relation};
use crate::task::Task;

/// All prompts of some episodes.
fn prompts(dataset: &Dataset, preset: Preset, episodes: u64) -> Vec<(Task, Example)> {
    let teacher = Toy { n_items: dataset.catalogue.len() };
    let settings = ExampleConfig { preset, ..ExampleConfig::default() };
    let builder = ExampleBuilder::new(dataset, &teacher, &[], settings).unwrap();
    let episode = |number| {
        let episode = builder.episode(&Task::TRAINED, number).unwrap();
        builder.prompts(&episode, 0..episode.len()).unwrap()
    };
    (0..episodes).flat_map(episode).collect()
}

/// The teacher's best items after a history.
fn recommended(history: &[ItemId], count: u32, catalogue: &Catalogue) -> Vec<ItemId> {
    let mut items: Vec<ItemId> = catalogue.ids().filter(|item| !history.contains(item)).collect();
    items.sort_by(|&a, &b| Toy::score(history, b).total_cmp(&Toy::score(history, a)));
    items.truncate(count as usize);
    items
}

#[test]
fn every_task_asks_what_the_method_says() {
    let dataset = films();
    let catalogue = &dataset.catalogue;
    let (mut counted, mut lengths, mut seen) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::<Task, u32>::new());
    for (task, example) in prompts(&dataset, Preset::Default, 8) {
        let (request, target) = (example.request.unwrap(), example.target.unwrap());
        *seen.entry(task).or_default() += 1;
        lengths.insert(request.k);
        assert!((6..=10).contains(&request.k) || task == Task::IncludeCategory, "{}", request.k);
        assert!(!request.history.contains(&target) && request.candidates.is_none());
        assert_eq!((example.family, example.items), (task.family(), vec![target]));
        let is_often = |category: &CategoryId| {
            let count = |category: CategoryId| {
                let items = recommended(&request.history, request.k, catalogue);
                items.iter().filter(|&&item| catalogue.item(item).categories.contains(&category)).count()
            };
            let of_target = &catalogue.item(target).categories;
            let others = (0..catalogue.categories().len() as u32).map(CategoryId).filter(|id| !of_target.contains(id));
            !of_target.contains(category) && count(*category) >= others.map(count).max().unwrap().min(2)
        };
        match task {
            Task::Sequential => assert!(!request.has_intention()),
            Task::IncludeCategory => {
                assert!(request.all_in.iter().all(|id| catalogue.item(target).categories.contains(id)));
                assert!(request.conditions.iter().all(|condition| condition.matches(catalogue.item(target))));
                assert!(request.all_in.len() + request.conditions.len() > 0);
            }
            Task::ExcludeCategory => assert!(request.none_in.iter().all(is_often) && request.none_in.len() == 1),
            Task::AtMost | Task::AtLeast | Task::About => {
                let [share] = &request.shares[..] else { panic!("{:?}", request.shares) };
                let of_target = share.of.matches(catalogue.item(target));
                let Bound { min, max } = share.bound(request.k);
                let expected = match task {
                    Task::AtMost => {
                        assert!(is_often(&catalogue.category(&share.of.to_string()).unwrap()));
                        assert!((1..request.k).contains(&max));
                        Relation::AtMost
                    }
                    Task::AtLeast => {
                        assert!((1..=request.k).contains(&min));
                        Relation::AtLeast
                    }
                    _ => Relation::About,
                };
                assert_eq!((of_target, share.relation), (task != Task::AtMost, expected));
                counted.insert(format!("{task} {}", matches!(share.amount, Amount::Count(_))));
            }
            other => panic!("{other} is only evaluated"),
        }
    }
    assert_eq!(lengths.into_iter().filter(|k| (6..=10).contains(k)).count(), 5);
    assert_eq!(seen.len(), 6);
    assert!(seen.values().all(|&count| count > 300), "{seen:?}");
    assert_eq!(counted.into_iter().collect::<Vec<_>>(), ["EP false", "LP false", "LP true", "MP false", "MP true"]);
}

/// Method B1: only as many as there are; the authors ask for more.
#[test]
fn a_rare_kind_is_asked_for_no_longer_than_it_lasts() {
    let dataset = scarce();
    let longest = |preset| {
        let lengths = prompts(&dataset, preset, 6).into_iter().filter(|(task, _)| *task == Task::IncludeCategory);
        lengths.map(|(_, example)| example.request.unwrap().k).max().unwrap()
    };
    assert_eq!((longest(Preset::Default), longest(Preset::Paper)), (2, 3));
}

#[test]
fn the_authors_state_percentages_of_categories_without_a_feeling() {
    let dataset = films();
    let mut zeros = 0;
    for (task, example) in prompts(&dataset, Preset::Paper, 4) {
        let request = example.request.unwrap();
        assert!(request.conditions.is_empty() && request.all_in.len() <= 1, "{task}");
        for share in request.shares {
            assert!(dataset.catalogue.category(&share.of.to_string()).is_some());
            assert!(matches!(share.amount, Amount::Percent(_)));
            zeros += usize::from(share.amount == Amount::Percent(0.0));
        }
        let last_turn = &example.messages.last().unwrap().content;
        assert!(!last_turn.contains("I like") && !last_turn.contains("to my taste"), "{last_turn}");
    }
    assert!(zeros > 0);
}

#[test]
fn an_episode_is_the_same_in_any_portions_and_the_next_one_differs() {
    let dataset = films();
    let teacher = Toy { n_items: dataset.catalogue.len() };
    let builder = ExampleBuilder::new(&dataset, &teacher, &[], ExampleConfig::default()).unwrap();
    let [first, second] = [0, 1].map(|number| builder.episode(&Task::TRAINED, number).unwrap());
    assert_eq!(first.len(), 6 * dataset.users.len());
    let whole = builder.prompts(&first, 0..first.len()).unwrap();
    let portions = (0..first.len()).flat_map(|place| builder.prompts(&first, place..place + 1).unwrap());
    assert_eq!(portions.collect::<Vec<_>>(), whole);
    assert_ne!(builder.prompts(&second, 0..second.len()).unwrap(), whole);
}
