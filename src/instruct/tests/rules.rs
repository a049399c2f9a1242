//! The sampling rules: each resolution of method §13, and what the authors did instead.

use std::collections::BTreeSet;

use tiller_models::chat::MessageKind;

use super::toy::{Toy, conversations, examples, films, in_part, many_categories, scarce};
use crate::data::{Dataset, ItemId};
use crate::instruct::{BATCH, Example, ExampleBuilder, ExampleConfig, ExampleSplit, Preset};
use crate::request::{Amount, Relation, Request, Share};
use crate::task::TaskFamily;

fn requests(dataset: &Dataset, task: TaskFamily, preset: Preset) -> Vec<(Request, Example)> {
    let all = (0..10).flat_map(|seed| examples(dataset, &[task], preset, seed, 0));
    all.filter_map(|example| Some((example.request.clone()?, example))).collect()
}

/// Method B1: three items are rare, two of them in most histories.
#[test]
fn lists_are_asked_for_no_longer_than_their_kind_lasts() {
    let dataset = scarce();
    let rare = |items: &[ItemId]| items.iter().filter(|item| item.0 <= 3).count();
    let (mut short, mut filled) = (0, 0);
    for (request, example) in requests(&dataset, TaskFamily::I1, Preset::Default) {
        if !request.all_in.is_empty() {
            assert!(request.k as usize <= 3 - rare(&request.history));
            assert_eq!(rare(&example.items), example.items.len());
            short += usize::from(request.k == 1);
        }
    }
    for (request, example) in requests(&dataset, TaskFamily::I1, Preset::Paper) {
        if !request.all_in.is_empty() {
            assert!(request.k <= 3 && example.items.len() == request.k as usize);
            filled += usize::from(rare(&example.items) < example.items.len());
        }
    }
    assert!(short > 0 && filled > 0, "{short} short, {filled} filled up");
}

/// Method B21 and method B23: the stated amounts, their forms, and the order of the labels.
#[test]
fn shares_are_stated_in_the_forms_of_the_preset() {
    let dataset = films();
    let told = |preset| {
        let share = |(request, _): (Request, Example)| request.shares.into_iter().next();
        requests(&dataset, TaskFamily::I2, preset).into_iter().filter_map(share).collect::<Vec<Share>>()
    };
    let forms = |shares: &[Share]| {
        let form = |share: &Share| format!("{:?} {}", share.relation, matches!(share.amount, Amount::Count(_)));
        shares.iter().map(form).collect::<BTreeSet<_>>()
    };
    let zeros = |shares: &[Share]| shares.iter().filter(|share| is_zero(share.amount)).count();
    let (ours, theirs) = (told(Preset::Default), told(Preset::Paper));
    assert_eq!(forms(&ours).len(), 5);
    assert!(forms(&ours).contains("About false") && !forms(&theirs).contains("About false"));
    assert_eq!(forms(&theirs).len(), 4);
    assert_eq!(zeros(&ours), 0);
    assert!(zeros(&theirs) > 0, "the authors ask for at least 0%");
    assert!(ours.iter().all(|share| share.relation != Relation::Exactly));
    assert!(theirs.iter().all(|share| dataset.catalogue.category(&share.of.to_string()).is_some()));
}

fn is_zero(amount: Amount) -> bool {
    matches!(amount, Amount::Count(0)) || matches!(amount, Amount::Percent(percent) if percent == 0.0)
}

#[test]
fn the_authors_shuffle_the_labels_of_a_share() {
    let dataset = films();
    let in_order = |preset| {
        let lists = requests(&dataset, TaskFamily::I2, preset);
        let is_ordered = |(request, example): &&(Request, Example)| {
            example.items.is_sorted_by(|&a, &b| Toy::score(&request.history, a) > Toy::score(&request.history, b))
        };
        lists.iter().filter(is_ordered).count() as f64 / lists.len() as f64
    };
    assert_eq!(in_order(Preset::Default), 1.0);
    assert!(in_order(Preset::Paper) < 0.1);
}

/// Method B22: of a hundred categories, a user knows five or so.
#[test]
fn half_of_the_wanted_categories_are_related_to_the_user() {
    let dataset = many_categories();
    let related = |preset| {
        let wanted: Vec<_> =
            requests(&dataset, TaskFamily::I1, preset).into_iter().filter(|(r, _)| !r.all_in.is_empty()).collect();
        let is_related = |(request, example): &&(Request, Example)| {
            let known = request.history.iter().chain(&example.target);
            let mut categories = known.flat_map(|&item| &dataset.catalogue.item(item).categories);
            categories.any(|category| request.all_in.contains(category))
        };
        wanted.iter().filter(is_related).count() as f64 / wanted.len() as f64
    };
    let (ours, theirs) = (related(Preset::Default), related(Preset::Paper));
    assert!((0.42..0.62).contains(&ours), "{ours}");
    assert!(theirs < 0.12, "{theirs}");
}

#[test]
fn attributes_and_conjunctions_are_asked_for_as_categories_are() {
    let dataset = films();
    let parts = |(request, _): &(Request, Example)| (request.all_in.len(), request.conditions.len());
    for task in [TaskFamily::I1, TaskFamily::I3] {
        let asked: BTreeSet<_> = requests(&dataset, task, Preset::Default).iter().map(parts).collect();
        assert!(asked.is_superset(&[(1, 0), (0, 1), (1, 1)].into()), "{task}: {asked:?}");
        let asked: BTreeSet<_> = requests(&dataset, task, Preset::Paper).iter().map(parts).collect();
        assert_eq!(asked, [(0, 0), (1, 0)].into(), "{task}: a category, or without one");
    }
    let shares: Vec<_> = requests(&dataset, TaskFamily::I2, Preset::Default);
    let shares = shares.iter().map(|(request, _)| request.shares[0].of.to_string());
    let sorts: BTreeSet<_> = shares.map(|kind| (kind.contains(" and "), kind.contains(['=', '<', '>']))).collect();
    assert!(sorts.is_superset(&[(false, false), (false, true), (true, true)].into()), "{sorts:?}");
}

#[test]
fn an_item_search_asks_in_both_directions() {
    let dataset = films();
    let all: Vec<_> =
        (0..10).flat_map(|seed| examples(&dataset, &[TaskFamily::I3], Preset::Default, seed, 0)).collect();
    let (searches, reversed): (Vec<_>, Vec<_>) = all.iter().partition(|example| example.request.is_some());
    assert!(reversed.len() * 5 > all.len() && reversed.len() * 5 < all.len() * 2, "a third: {}", reversed.len());
    for example in reversed {
        let item = dataset.catalogue.item(example.target.unwrap());
        assert!(example.messages.last().unwrap().content.contains(&item.title));
        let category = |name: &str| dataset.catalogue.category(name).unwrap();
        let named = example.answer.rsplit('\'').nth(1).unwrap();
        assert!(example.answer.starts_with(&format!("'{}'", item.title)) && item.categories.contains(&category(named)));
    }
    assert!(searches.iter().all(|example| example.request.as_ref().is_some_and(|request| request.history.is_empty())));
    assert!(requests(&dataset, TaskFamily::I3, Preset::Paper).iter().all(|(request, _)| request.k == 1));
}

#[test]
fn an_epoch_has_every_user_and_item_once_and_its_share_of_conversations() {
    let dataset = films();
    let all = examples(&dataset, &TaskFamily::ALL, Preset::Default, 1, 0);
    let count = |task| all.iter().filter(|example| example.family == task).count();
    assert_eq!([TaskFamily::I0, TaskFamily::I1, TaskFamily::I2].map(count), [40; 3]);
    let mut found: Vec<_> =
        all.iter().filter(|example| example.family == TaskFamily::I3).map(|example| example.target).collect();
    found.sort_unstable();
    assert_eq!(found, dataset.catalogue.ids().map(Some).collect::<Vec<_>>());
    assert_eq!(count(TaskFamily::I4), (3 * 40 + 80) / 2);
    assert!(!all.is_sorted_by_key(|example| example.family));
}

#[test]
fn the_same_seed_repeats_an_epoch_and_another_draws_anew() {
    let dataset = films();
    let of = |seed, epoch| examples(&dataset, &TaskFamily::ALL, Preset::Default, seed, epoch);
    assert_eq!(of(3, 5), of(3, 5));
    let alike = |a: Vec<Example>, b: Vec<Example>| a.iter().filter(|example| b.contains(example)).count();
    // Conversations are few and come again; of the rest hardly any does.
    for other in [of(3, 6), of(4, 5)] {
        let kept = |all: Vec<Example>| all.into_iter().filter(|example| example.family != TaskFamily::I4).collect();
        assert!(alike(kept(of(3, 5)), kept(other)) < 20);
    }
}

#[test]
fn examples_are_the_same_in_any_batches_and_ahead_of_the_reader() {
    let dataset = invent_many();
    let (teacher, conversations) = (Toy { n_items: dataset.catalogue.len() }, conversations());
    let settings = ExampleConfig { tasks: TaskFamily::ALL.into(), ..ExampleConfig::default() };
    let builder = ExampleBuilder::new(&dataset, &teacher, &conversations, settings).unwrap();
    let epoch = builder.epoch(ExampleSplit::Training, 2).unwrap();
    assert!(epoch.len() > 3 * BATCH);
    let whole = builder.examples(&epoch, 0..epoch.len()).unwrap();
    let ahead: Vec<_> = builder.stream(&epoch, 0, |examples| examples.map(Result::unwrap).collect());
    assert_eq!(ahead, whole);
    let from = 300;
    let resumed: Vec<_> = builder.stream(&epoch, from, |examples| examples.take(50).map(Result::unwrap).collect());
    let rest: Vec<_> = whole.into_iter().filter(|(place, _)| *place >= from).take(50).collect();
    assert_eq!(resumed, rest);
}

fn invent_many() -> Dataset {
    let mut dataset = many_categories();
    let users = dataset.users.clone();
    dataset.users.extend([users.clone(), users].concat());
    dataset
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let dataset = films();
    let (teacher, small) = (Toy { n_items: dataset.catalogue.len() }, Toy { n_items: 3 });
    let refused = |teacher: &Toy, settings: ExampleConfig| match ExampleBuilder::new(&dataset, teacher, &[], settings) {
        Ok(_) => panic!("accepted"),
        Err(error) => (error.exit_code(), error.to_string()),
    };
    let (code, told) = refused(&teacher, ExampleConfig { tasks: TaskFamily::ALL.into(), ..ExampleConfig::default() });
    assert!(code == 2 && told.contains("--chat"), "{told}");
    let (_, told) = refused(&teacher, ExampleConfig { chat_ratio: f64::NAN, ..ExampleConfig::default() });
    assert!(told.contains("--chat-ratio"), "{told}");
    let (_, told) = refused(&small, ExampleConfig::default());
    assert!(told.contains("one of 3 items"), "{told}");

    let settings = ExampleConfig { tasks: vec![TaskFamily::I3], ..ExampleConfig::default() };
    let nothing = ExampleBuilder::new(&dataset, &teacher, &[], settings).unwrap();
    let error = nothing.epoch(ExampleSplit::Validation, 0).err().unwrap();
    assert!(error.to_string().contains("tasks I3"), "{error}");
}

#[test]
fn items_are_asked_for_by_their_titles_where_models_have_item_tokens() {
    let dataset = films();
    let asked = |by_title: bool| {
        let settings = ExampleConfig { tasks: vec![TaskFamily::I3], by_title, ..ExampleConfig::default() };
        let examples = (0..4).flat_map(|epoch| in_part(&dataset, settings.clone(), ExampleSplit::Training, epoch));
        let is_by_title = |example: &Example| example.request.is_none() && !example.items.is_empty();
        examples.filter(is_by_title).collect::<Vec<_>>()
    };
    assert!(asked(false).is_empty());
    let asked = asked(true);
    assert!(asked.len() > 3, "{}", asked.len());
    for Example { messages, items, answer, target, .. } in asked {
        let title = dataset.catalogue.title(items[0]);
        assert_eq!((items.len(), target, answer), (1, Some(items[0]), format!("1. {title}\n")));
        let question = messages.last().unwrap();
        assert!(question.content.contains(title) && question.kind == MessageKind::Text, "{question:?}");
    }
}
