//! A teacher whose opinion is arithmetic, and small worlds to ask it about.

use crate::Result;
use crate::data::synth::{self, generate};
use crate::data::{Catalogue, CategoryId, Dataset, Item, ItemId, User};
use crate::instruct::chat::Conversation;
use crate::instruct::{Example, ExampleBuilder, ExampleConfig, ExampleSplit, Preset};
use crate::task::TaskFamily;
use crate::teacher::Scorer;

/// Scores that depend on the item and on the whole history, and never tie.
pub struct Toy {
    pub n_items: usize,
}

impl Toy {
    pub fn score(history: &[ItemId], item: ItemId) -> f32 {
        let history: u64 = history.iter().map(|item| u64::from(item.0) * 7919).sum();
        // A prime modulus: items below it get different scores.
        ((history + u64::from(item.0) * 40_503) % 9973) as f32
    }
}

impl Scorer for Toy {
    fn n_items(&self) -> usize {
        self.n_items
    }

    fn answer<T: Send>(&self, histories: &[&[ItemId]], answer: impl Fn(usize, &[f32]) -> T + Sync) -> Result<Vec<T>> {
        let scores = |history: &[ItemId]| -> Vec<f32> {
            (1..=self.n_items as u32).map(|item| Self::score(history, ItemId(item))).collect()
        };
        Ok(histories.iter().enumerate().map(|(at, history)| answer(at, &scores(history))).collect())
    }
}

/// Films with genres, years, prices and countries.
pub fn films() -> Dataset {
    generate(&synth::SynthConfig { users: 40, items: 80, length: 12, seed: 7 }, "films").unwrap().0
}

/// Two hundred items, two in each of a hundred categories, and users with four items of different ones.
pub fn many_categories() -> Dataset {
    let item = |n: u32| Item {
        key: n.to_string(),
        title: format!("Thing {n}"),
        categories: vec![CategoryId(n % 100)],
        attributes: Vec::new(),
    };
    let categories = (0..100).map(|n| format!("Sort {n}")).collect();
    dataset(Catalogue::new((0..200).map(item).collect(), categories, Vec::new()), |user| {
        (1..7).map(move |n| user + 13 * n)
    })
}

/// One category of three items beside twenty others, and users who took two of the three.
pub fn scarce() -> Dataset {
    let item = |n: u32| Item {
        key: n.to_string(),
        title: format!("Thing {n}"),
        categories: if n < 3 { vec![CategoryId(0)] } else { Vec::new() },
        attributes: Vec::new(),
    };
    let catalogue = Catalogue::new((0..23).map(item).collect(), vec!["Rare".into()], Vec::new());
    dataset(catalogue, |user| [1, 2, 4 + user % 10, 14 + user % 3, 18, 19].into_iter())
}

fn dataset<I: Iterator<Item = u32>>(catalogue: Catalogue, items: impl Fn(u32) -> I) -> Dataset {
    let user = |n: u32| {
        let items: Vec<ItemId> = items(n).map(ItemId).collect();
        User { key: n.to_string(), timestamps: vec![0; items.len()], items }
    };
    Dataset { name: "toy".into(), catalogue, users: (0..100).map(user).collect() }
}

pub fn conversations() -> Vec<Conversation> {
    let turns = ["Hello", "Hi!", "What is a quay?", "A place where ships are loaded."];
    vec![Conversation { turns: turns.map(str::to_owned).into() }]
}

/// All examples of some tasks in an epoch.
pub fn examples(dataset: &Dataset, tasks: &[TaskFamily], preset: Preset, seed: u64, epoch: u64) -> Vec<Example> {
    let settings = ExampleConfig { tasks: tasks.into(), preset, seed, ..ExampleConfig::default() };
    in_part(dataset, settings, ExampleSplit::Training, epoch)
}

pub fn in_part(dataset: &Dataset, settings: ExampleConfig, part: ExampleSplit, epoch: u64) -> Vec<Example> {
    let (teacher, conversations) = (Toy { n_items: dataset.catalogue.len() }, conversations());
    let builder = ExampleBuilder::new(dataset, &teacher, &conversations, settings).unwrap();
    let epoch = builder.epoch(part, epoch).unwrap();
    builder.examples(&epoch, 0..epoch.len()).unwrap().into_iter().map(|(_, example)| example).collect()
}
