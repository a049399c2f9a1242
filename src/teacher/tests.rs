//! The guarantees of a teacher, on a catalogue of thirty items.

use std::cell::Cell;

use burn::tensor::Device;
use proptest::prelude::*;
use serde_json::Value;
use tiller_models::archive::Archive;
use tiller_models::sasrec::{SasRec, SasRecConfig};

use super::checkpoint::{BEST, LAST};
use super::config::TeacherConfig;
use super::evaluate::evaluate;
use super::train::TeacherTrainer;
use super::{ItemScope, Popularity, RankQuery, Scorer, Teacher, TopKQuery};
use crate::data::split::Split;
use crate::data::{Catalogue, Dataset, Item, ItemId, ItemSet, User};
use crate::run::folder::RunFolder;
use crate::run::progress::Progress;
use crate::{Error, Result};

const N_ITEMS: u32 = 30;

fn config() -> TeacherConfig {
    let model = SasRecConfig { d_model: 16, n_layers: 2, n_heads: 2, d_ff: 24, length: 5, dropout: 0.2 };
    TeacherConfig { epochs: 3, batch: 64, lr: 0.01, model, ..TeacherConfig::default() }
}

fn catalogue(prefix: &str) -> Catalogue {
    let item = |number: u32| {
        let name = format!("{prefix}{number}");
        Item { key: name.clone(), title: name, categories: Vec::new(), attributes: Vec::new() }
    };
    Catalogue::new((1..=N_ITEMS).map(item).collect(), Vec::new(), Vec::new())
}

/// Users who go round in a circle of items, one after the other, from wherever they start.
fn circle() -> Dataset {
    let user = |start: u32| {
        let items: Vec<ItemId> = (0..8).map(|step| ItemId((start + step) % N_ITEMS + 1)).collect();
        User { key: start.to_string(), timestamps: vec![0; items.len()], items }
    };
    Dataset { name: "circle".into(), catalogue: catalogue("item "), users: (0..60).map(user).collect() }
}

fn random_teacher() -> Teacher {
    Teacher::new(SasRec::new(&config().model, N_ITEMS as usize, 1, &Device::flex()).unwrap())
}

fn items(ids: std::ops::RangeInclusive<u32>, most: usize) -> impl Strategy<Value = Vec<ItemId>> {
    proptest::collection::vec(ids.prop_map(ItemId), 0..most)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn lists_satisfy_their_request_and_are_short_rather_than_wrong(
        history in items(1..=N_ITEMS, 30),
        category in items(1..=N_ITEMS, 20),
        k in 0..35usize,
    ) {
        let teacher = random_teacher();
        let all: Vec<ItemId> = (1..=N_ITEMS).map(ItemId).collect();
        let set = ItemSet::from_items(N_ITEMS as usize, &category);
        let ask = |scope| teacher.top_k(&[TopKQuery { history: &history, scope, k }]).unwrap().remove(0);
        let is_new = |item: &ItemId| !history.contains(item);
        type Allows<'a> = &'a dyn Fn(&ItemId) -> bool;
        let cases: [(Vec<ItemId>, Allows); 4] = [
            (ask(ItemScope::Unrestricted), &is_new),
            (ask(ItemScope::Only(&set)), &|item| category.contains(item) && is_new(item)),
            (ask(ItemScope::Without(&set)), &|item| !category.contains(item) && is_new(item)),
            (ask(ItemScope::Candidates(&set)), &|item| category.contains(item)),
        ];
        for (list, allows) in cases {
            let allowed: Vec<ItemId> = all.iter().copied().filter(|item| allows(item)).collect();
            prop_assert_eq!(list.len(), k.min(allowed.len()));
            prop_assert!(list.iter().all(allows) && !list.contains(&ItemId::PAD));
            // Within the items outside the history, the list is the best of what is allowed.
            if allowed.iter().all(is_new) {
                let ranks = teacher.ranks(&[RankQuery { history: &history, items: &allowed }]).unwrap().remove(0);
                let mut by_rank: Vec<(u32, ItemId)> = ranks.into_iter().zip(allowed).collect();
                by_rank.sort_unstable();
                let best: Vec<ItemId> = by_rank.into_iter().map(|(_, item)| item).take(k).collect();
                prop_assert_eq!(list, best);
            }
        }
    }

    #[test]
    fn ranks_count_from_0_without_the_history(history in items(1..=N_ITEMS, 9)) {
        let teacher = random_teacher();
        let all: Vec<ItemId> = (1..=N_ITEMS).map(ItemId).collect();
        let ranks = teacher.ranks(&[RankQuery { history: &history, items: &all }]).unwrap().remove(0);
        let (old, new): (Vec<_>, Vec<_>) = all.iter().zip(ranks).partition(|(item, _)| history.contains(item));
        let mut new_ranks: Vec<u32> = new.iter().map(|(_, rank)| *rank).collect();
        new_ranks.sort_unstable();
        prop_assert_eq!(new_ranks, (0..new.len() as u32).collect::<Vec<_>>());
        prop_assert!(old.iter().all(|(_, rank)| *rank == new.len() as u32));
    }
}

#[test]
fn a_batch_of_queries_is_answered_in_their_order() {
    let teacher = random_teacher();
    let histories: Vec<Vec<ItemId>> =
        (0..700u32).map(|i| (0..i % 7).map(|j| ItemId((i + j) % N_ITEMS + 1)).collect()).collect();
    let queries: Vec<TopKQuery> =
        histories.iter().map(|history| TopKQuery { history, scope: ItemScope::Unrestricted, k: 3 }).collect();
    let together = teacher.top_k(&queries).unwrap();
    for at in [0, 1, 6, 350, 699] {
        assert_eq!(together[at], teacher.top_k(&queries[at..=at]).unwrap()[0], "query {at}");
    }
}

#[test]
fn items_outside_the_catalogue_are_refused() {
    let teacher = random_teacher();
    for id in [ItemId::PAD, ItemId(N_ITEMS + 1)] {
        let query = TopKQuery { history: &[ItemId(1), id], scope: ItemScope::Unrestricted, k: 3 };
        assert_eq!(teacher.top_k(&[query]).unwrap_err().exit_code(), 2);
        assert_eq!(teacher.ranks(&[RankQuery { history: &[], items: &[id] }]).unwrap_err().exit_code(), 2);
    }
}

fn train(
    dataset: &Dataset,
    config: &TeacherConfig,
    run: &mut RunFolder,
    resume: bool,
    stop: impl Fn() -> bool,
) -> Result<()> {
    let start = if resume { TeacherTrainer::resume } else { TeacherTrainer::fresh };
    start(dataset, config, run, &Device::flex())?.run(stop).map(drop)
}

#[test]
fn a_circle_is_learnt_where_popularity_has_nothing_to_go_by() {
    let (dataset, folder) = (circle(), tempfile::tempdir().unwrap());
    let config = TeacherConfig { epochs: 30, ..config() };
    train(&dataset, &config, &mut RunFolder::create(folder.path(), &config).unwrap(), false, || false).unwrap();
    let teacher = Teacher::load(folder.path(), &dataset, &Device::flex()).unwrap();
    let of = |evaluation: super::evaluate::RankingEvaluation| evaluation.at(10).unwrap().ndcg;
    let sasrec = of(evaluate(&teacher, &dataset, Split::Test, &Progress::silent()).unwrap());
    let popularity = of(evaluate(&Popularity::of(&dataset), &dataset, Split::Test, &Progress::silent()).unwrap());
    assert!(sasrec > 0.9 && sasrec > popularity + 0.2, "SASRec {sasrec}, popularity {popularity}");
}

/// metrics.jsonl without the seconds, which no two runs share.
fn metrics(folder: &std::path::Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("metrics.jsonl")).unwrap();
    let line = |line: &str| {
        let mut value: Value = serde_json::from_str(line).unwrap();
        value.as_object_mut().unwrap().remove("seconds");
        value
    };
    text.lines().map(line).collect()
}

#[test]
fn a_run_stopped_at_every_second_step_is_the_unbroken_run() {
    let (dataset, config) = (circle(), config());
    let [unbroken, broken] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    train(&dataset, &config, &mut RunFolder::create(unbroken.path(), &config).unwrap(), false, || false).unwrap();

    let steps = Cell::new(0);
    let every_second = || {
        steps.set(steps.get() + 1);
        steps.get() % 2 == 0
    };
    let mut run = RunFolder::create(broken.path(), &config).unwrap();
    let mut outcome = train(&dataset, &config, &mut run, false, every_second);
    let mut stops = 0;
    while let Err(Error::Interrupted(_)) = outcome {
        stops += 1;
        drop(run);
        run = RunFolder::reopen(broken.path()).unwrap();
        outcome = train(&dataset, &config, &mut run, true, every_second);
    }
    outcome.unwrap();
    assert!(stops > 3, "{stops} stops");
    assert_eq!(metrics(broken.path()), metrics(unbroken.path()));
    assert_eq!(metrics(broken.path()).len(), 4);
    let best = |folder: &tempfile::TempDir| std::fs::read(folder.path().join("checkpoints").join(BEST)).unwrap();
    assert!(best(&broken) == best(&unbroken));
}

#[test]
fn a_run_goes_on_with_more_epochs_but_not_with_other_settings() {
    let (dataset, folder) = (circle(), tempfile::tempdir().unwrap());
    let short = TeacherConfig { epochs: 1, ..config() };
    train(&dataset, &short, &mut RunFolder::create(folder.path(), &short).unwrap(), false, || false).unwrap();
    let longer = TeacherConfig { epochs: 2, ..config() };
    train(&dataset, &longer, &mut RunFolder::reopen(folder.path()).unwrap(), true, || false).unwrap();
    assert_eq!(metrics(folder.path()).len(), 3);

    let other = TeacherConfig { seed: 1, ..longer.clone() };
    let mut run = RunFolder::reopen(folder.path()).unwrap();
    let error = train(&dataset, &other, &mut run, true, || false).unwrap_err();
    assert!(error.to_string().contains("--resume") && error.exit_code() == 2, "{error}");
    let stored = std::fs::read_to_string(folder.path().join("config.toml")).unwrap();
    assert_eq!(toml::from_str::<TeacherConfig>(&stored).unwrap(), longer, "a refused resume leaves no trace");
}

#[test]
fn a_teacher_of_another_catalogue_or_of_none_is_refused() {
    let (dataset, folder) = (circle(), tempfile::tempdir().unwrap());
    let config = TeacherConfig { epochs: 0, ..config() };
    train(&dataset, &config, &mut RunFolder::create(folder.path(), &config).unwrap(), false, || false).unwrap();
    let load = |folder: &std::path::Path, dataset| Teacher::load(folder, dataset, &Device::flex());
    assert!(load(folder.path(), &dataset).is_ok());

    let other = Dataset { catalogue: catalogue("other "), ..dataset.clone() };
    let missing = folder.path().join("none");
    for (folder, dataset, part) in [(folder.path(), &other, "another catalogue"), (&missing, &dataset, "no such file")]
    {
        let error = load(folder, dataset).unwrap_err();
        assert!(error.to_string().contains(part) && error.to_string().contains("tiller sasrec train"), "{error}");
        assert_eq!(error.exit_code(), 2);
    }
}

#[test]
fn a_checkpoint_that_is_not_what_it_says_is_refused() {
    let (dataset, folder) = (circle(), tempfile::tempdir().unwrap());
    let config = TeacherConfig { epochs: 0, ..config() };
    let mut run = RunFolder::create(folder.path(), &config).unwrap();
    train(&dataset, &config, &mut run, false, || false).unwrap();
    let best = run.checkpoint(BEST);

    // A best model is no training to go on with.
    std::fs::copy(&best, run.checkpoint(LAST)).unwrap();
    let error = train(&dataset, &config, &mut run, true, || false).unwrap_err();
    assert!(error.to_string().contains("last.safetensors metadata: expected position"), "{error}");

    // Sizes that the file cannot hold are found out before they are allocated.
    let mut archive = Archive::read(&best).unwrap();
    let boast = archive.words["config"].replace("d_model = 16", "d_model = 60000");
    archive.words.insert("config".into(), boast);
    archive.write(&best).unwrap();
    let error = Teacher::load(folder.path(), &dataset, &Device::flex()).unwrap_err();
    assert!(error.to_string().contains("weights, as its configuration says") && error.exit_code() == 2, "{error}");
}
