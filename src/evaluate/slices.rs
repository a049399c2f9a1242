//! Slices of an evaluation: groups of users whose HR and NDCG are told apart.
//!
//! - By the length of the user's history, in quartiles of the evaluated users. Users of equal length stay together.
//! - By the popularity of the target. The most popular items with a third of the training interactions are the head, those with the next
//!   third the middle, the others the tail. Items of equal popularity stand in the order of their ids.
//! - Cold items: targets that no training interaction has.
//!
//! Every user is in one slice of each kind. Where the target of a user is among few, as the cold ones, the interval tells.

use std::collections::BTreeMap;

use super::accumulator::Accumulator;
use super::bootstrap::{Bootstrap, ConfidenceInterval};
use super::evaluation::EvalSlice;
use crate::data::Dataset;
use crate::data::split::{NextItemCase, Split, held_out, training_items};
use crate::task::Metric;

/// The metrics of a slice.
pub const SLICED: [Metric; 2] = [Metric::HR, Metric::NDCG];

/// Groups of the evaluated users.
#[derive(Debug, Clone)]
pub struct UserSlices {
    slices: Vec<EvalSlice>,
    /// `[slices][users]` True for the users of a slice.
    members: Vec<Vec<bool>>,
}

/// The parts of the catalogue by popularity.
const PARTS: [(&str, &str); 4] = [
    ("head items", "the target is one of the most popular items, which have a third of the training interactions"),
    ("middle items", "the target is one of the next items, which have the second third"),
    ("tail items", "the target is one of the other items with training interactions"),
    ("cold items", "the target has no training interaction"),
];

impl UserSlices {
    /// The slices of `users` that hold any of them; each has a target in `split`.
    pub fn of(dataset: &Dataset, users: &[usize], split: Split) -> Self {
        let cases: Vec<NextItemCase> = users.iter().filter_map(|&user| held_out(&dataset.users[user], split)).collect();
        let lengths: Vec<usize> = cases.iter().map(|case| case.history.len()).collect();
        let parts = popularity_parts(dataset);
        let mut found = Self { slices: Vec::new(), members: Vec::new() };
        let mut from = 0;
        for to in quartiles(&lengths) {
            let members: Vec<bool> = lengths.iter().map(|length| (from..=to).contains(length)).collect();
            let of_members = || lengths.iter().filter(|length| (from..=to).contains(*length));
            if let (Some(least), Some(most)) = (of_members().min(), of_members().max()) {
                let lengths = if least == most { least.to_string() } else { format!("{least}–{most}") };
                found.add(format!("history {lengths}"), format!("{lengths} items before the target"), members);
            }
            from = to + 1;
        }
        for (part, (name, about)) in PARTS.into_iter().enumerate() {
            let is_member = |case: &NextItemCase| parts[case.target.index() - 1] == part;
            found.add(name.to_owned(), about.to_owned(), cases.iter().map(is_member).collect());
        }
        found
    }

    fn add(&mut self, name: String, about: String, members: Vec<bool>) {
        let users = members.iter().filter(|is_member| **is_member).count();
        if users > 0 {
            self.slices.push(EvalSlice { slice: name, about, users });
            self.members.push(members);
        }
    }

    /// The slices, for the result.
    pub fn slices(&self) -> &[EvalSlice] {
        &self.slices
    }

    /// The metrics of a task in every slice, by its name.
    pub fn metrics(
        &self,
        sums: &Accumulator,
        bootstrap: &Bootstrap,
    ) -> BTreeMap<String, BTreeMap<Metric, ConfidenceInterval>> {
        let of_slice = |members: &Vec<bool>| -> BTreeMap<Metric, ConfidenceInterval> {
            let interval = |metric: Metric| {
                let figures = sums.figures(metric)?;
                let of_members = figures.iter().zip(members);
                let of_members = of_members.map(|(figure, is_member)| if *is_member { *figure } else { f64::NAN });
                Some((metric, bootstrap.interval(&of_members.collect::<Vec<_>>())?))
            };
            SLICED.into_iter().filter_map(interval).collect()
        };
        let named = |(slice, members): (&EvalSlice, &Vec<bool>)| (slice.slice.clone(), of_slice(members));
        self.slices.iter().zip(&self.members).map(named).filter(|(_, metrics)| !metrics.is_empty()).collect()
    }
}

/// The largest length of each quartile; a length that fills several quartiles is in there once.
fn quartiles(lengths: &[usize]) -> Vec<usize> {
    let mut sorted = lengths.to_vec();
    sorted.sort_unstable();
    let last = |quarter: usize| sorted.get((sorted.len() * quarter).div_ceil(4).checked_sub(1)?).copied();
    let mut ends: Vec<usize> = (1..=4).filter_map(last).collect();
    ends.dedup();
    ends
}

/// The part of [`PARTS`] that each item is in, item 1 first.
fn popularity_parts(dataset: &Dataset) -> Vec<usize> {
    let mut counts = vec![0usize; dataset.catalogue.len()];
    dataset.users.iter().flat_map(training_items).for_each(|item| counts[item.index() - 1] += 1);
    let total: usize = counts.iter().sum();
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by_key(|&item| std::cmp::Reverse(counts[item]));
    let mut parts = vec![3; counts.len()];
    let mut before = 0;
    for item in order.into_iter().filter(|&item| counts[item] > 0) {
        parts[item] = 3 * before / total;
        before += counts[item];
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Catalogue, Item, ItemId, User};

    #[test]
    fn users_are_told_apart_by_their_history_and_by_their_target() {
        let item = |key: u32| Item { key: key.to_string(), title: key.to_string(), ..Item::default() };
        let catalogue = Catalogue::new((1..=6).map(item).collect(), Vec::new(), Vec::new());
        let user = |items: &[u32]| User {
            key: String::new(),
            items: items.iter().copied().map(ItemId).collect(),
            timestamps: vec![0; items.len()],
        };
        // Training interactions: item 1 four, items 2 and 3 two each, item 4 one, items 5 and 6 none.
        let users =
            vec![user(&[2, 3, 1]), user(&[1, 3, 4, 2]), user(&[1, 2, 4, 5, 3]), user(&[1, 2, 6]), user(&[1, 3, 5, 6])];
        let dataset = Dataset { name: "tiny".into(), catalogue, users };
        let slices = UserSlices::of(&dataset, &[0, 1, 2, 3], Split::Test);
        let names: Vec<&str> = slices.slices().iter().map(|slice| slice.slice.as_str()).collect();
        let expected = [
            ("history 2", [true, false, false, true]),
            ("history 3", [false, true, false, false]),
            ("history 4", [false, false, true, false]),
            ("head items", [true, false, false, false]),
            ("middle items", [false, true, false, false]),
            ("tail items", [false, false, true, false]),
            ("cold items", [false, false, false, true]),
        ];
        assert_eq!(names, expected.map(|(name, _)| name));
        assert_eq!(slices.members, expected.map(|(_, members)| members.to_vec()));
        assert_eq!(slices.slices()[0].users, 2);
    }

    #[test]
    fn equal_lengths_are_in_one_quartile() {
        assert_eq!(quartiles(&[5, 1, 2, 3, 4, 6, 7, 8]), [2, 4, 6, 8]);
        assert_eq!(quartiles(&[3, 3, 3, 3, 3, 9]), [3, 9]);
        assert_eq!(quartiles(&[4]), [4]);
        assert_eq!(quartiles(&[]), Vec::<usize>::new());
    }
}
