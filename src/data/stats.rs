//! Statistics of a data set: sizes, sequence lengths, categories, attributes, popularity skew, time span.

use serde::Serialize;

use super::dataset::{Dataset, ItemId};
use super::time::day;

/// The number of largest categories that are listed.
const LARGEST: usize = 10;

/// The description of a data set, as `tiller data stats --json` prints it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stats {
    /// The data set's name.
    pub name: String,
    /// The number of users.
    pub users: usize,
    /// The number of items.
    pub items: usize,
    /// The number of (user, item) pairs.
    pub interactions: usize,
    /// Pairs as a fraction of all possible pairs, 0..1.
    pub density: f64,
    /// Lengths of the users' sequences.
    pub lengths: LengthStats,
    /// Category sizes.
    pub categories: Categories,
    /// Coverage of each attribute.
    pub attributes: Vec<Attribute>,
    /// Popularity skew of the items.
    pub popularity: PopularityStats,
    /// Time span; absent without interactions.
    pub time: Option<TimeSpan>,
}

/// Lengths of sequences: order statistics (nearest rank), mean, and a histogram.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LengthStats {
    /// The shortest.
    pub min: usize,
    /// A quarter of the users is no longer than this.
    pub q1: usize,
    /// Half of the users.
    pub median: usize,
    /// Three quarters.
    pub q3: usize,
    /// The longest.
    pub max: usize,
    /// The mean.
    pub mean: f64,
    /// Users by length, in bins that widen as 1, 2, 5, 10, 20, 50…
    pub histogram: Vec<Bin>,
}

/// The users whose sequences hold `from` to `to` items, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Bin {
    /// The shortest length of the bin.
    pub from: usize,
    /// The longest.
    pub to: usize,
    /// The number of users.
    pub users: usize,
}

/// Categories and their sizes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Categories {
    /// The number of categories.
    pub count: usize,
    /// The number of items without a category.
    pub items_without: usize,
    /// The ten largest, largest first (equal sizes: in order of first appearance).
    pub largest: Vec<Category>,
}

/// A category and its size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Category {
    /// Its name.
    pub name: String,
    /// The number of its items.
    pub items: usize,
}

/// An attribute and its coverage.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Attribute {
    /// The column's name.
    pub name: String,
    /// The number of items with a value.
    pub items: usize,
    /// The fraction of items with a value, 0..1.
    pub coverage: f64,
}

/// The distribution of interactions over the items.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PopularityStats {
    /// The Gini coefficient: 0 if all items are equally popular, near 1 if one item has all interactions.
    pub gini: f64,
    /// The fraction of interactions with the most popular 1 % of the items, 0..1.
    pub top_1_percent: f64,
    /// The fraction of interactions with the most popular 10 %, 0..1.
    pub top_10_percent: f64,
}

/// The time between the first and the last interaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TimeSpan {
    /// The first, in unix seconds.
    pub first: i64,
    /// The last, in unix seconds.
    pub last: i64,
    /// The day of the first (UTC).
    pub first_day: String,
    /// The day of the last (UTC).
    pub last_day: String,
    /// Interactions in the same second as the user's one before; their order is that of the file.
    pub ties: usize,
}

impl Stats {
    /// Describes a data set.
    pub fn of(dataset: &Dataset) -> Self {
        let (users, items, interactions) = (dataset.users.len(), dataset.catalogue.len(), dataset.interactions());
        Self {
            name: dataset.name.clone(),
            users,
            items,
            interactions,
            density: share(interactions, users.saturating_mul(items)),
            lengths: LengthStats::of(dataset.users.iter().map(|user| user.items.len()).collect()),
            categories: Categories::of(dataset),
            attributes: attributes(dataset),
            popularity: PopularityStats::of(counts(dataset)),
            time: span(dataset),
        }
    }
}

/// The fraction `part / whole`, 0 for an empty whole.
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

impl LengthStats {
    fn of(mut lengths: Vec<usize>) -> Self {
        lengths.sort_unstable();
        // Nearest rank: the smallest length that at least this share of the users does not exceed.
        let quantile = |quarters: usize| {
            let rank = (lengths.len() * quarters).div_ceil(4).max(1);
            lengths.get(rank - 1).copied().unwrap_or(0)
        };
        Self {
            min: lengths.first().copied().unwrap_or(0),
            q1: quantile(1),
            median: quantile(2),
            q3: quantile(3),
            max: lengths.last().copied().unwrap_or(0),
            mean: share(lengths.iter().sum(), lengths.len()),
            histogram: histogram(&lengths),
        }
    }
}

/// A histogram of sorted lengths, from the shortest's bin to the longest's.
fn histogram(sorted: &[usize]) -> Vec<Bin> {
    let (Some(&min), Some(&max)) = (sorted.first(), sorted.last()) else { return Vec::new() };
    let edges = (0..).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_usize.saturating_pow(power)));
    let upper_edges = edges.clone().skip(1);
    edges
        .zip(upper_edges)
        .skip_while(|&(_, next)| next <= min)
        .take_while(|&(from, _)| from <= max)
        .map(|(from, next)| {
            let below = |bound| sorted.partition_point(|&length| length < bound);
            Bin { from, to: next - 1, users: below(next) - below(from) }
        })
        .collect()
}

impl Categories {
    fn of(dataset: &Dataset) -> Self {
        let catalogue = &dataset.catalogue;
        let mut categories: Vec<Category> = catalogue
            .categories()
            .iter()
            .map(|name| Category {
                name: name.clone(),
                items: catalogue.category(name).map_or(0, |category| catalogue.members(category).len()),
            })
            .collect();
        let count = categories.len();
        categories.sort_by_key(|category| std::cmp::Reverse(category.items));
        categories.truncate(LARGEST);
        let items_without = catalogue.items().iter().filter(|item| item.categories.is_empty()).count();
        Self { count, items_without, largest: categories }
    }
}

fn attributes(dataset: &Dataset) -> Vec<Attribute> {
    let items = dataset.catalogue.items();
    let names = dataset.catalogue.attributes().iter().enumerate();
    names
        .map(|(at, name)| {
            let known =
                items.iter().filter(|item| item.attributes.get(at).is_some_and(|value| !value.is_empty())).count();
            Attribute { name: name.clone(), items: known, coverage: share(known, items.len()) }
        })
        .collect()
}

/// The number of interactions of each item; position 0 is the item with id 1.
fn counts(dataset: &Dataset) -> Vec<usize> {
    let mut counts = vec![0; dataset.catalogue.len() + 1];
    for &item in dataset.users.iter().flat_map(|user| &user.items) {
        counts[item.index()] += 1;
    }
    counts.split_off(ItemId::PAD.index() + 1)
}

impl PopularityStats {
    fn of(mut counts: Vec<usize>) -> Self {
        counts.sort_unstable();
        let (items, total) = (counts.len(), counts.iter().sum::<usize>());
        let top = |percent: usize| {
            let most_popular = (items * percent).div_ceil(100);
            share(counts.iter().rev().take(most_popular).sum(), total)
        };
        let weighted: f64 = counts.iter().zip(1..).map(|(&count, rank)| rank as f64 * count as f64).sum();
        let n = items as f64;
        let gini = if total == 0 { 0.0 } else { 2.0 * weighted / (n * total as f64) - (n + 1.0) / n };
        Self { gini, top_1_percent: top(1), top_10_percent: top(10) }
    }
}

fn span(dataset: &Dataset) -> Option<TimeSpan> {
    let first = *dataset.users.iter().filter_map(|user| user.timestamps.first()).min()?;
    let last = *dataset.users.iter().filter_map(|user| user.timestamps.last()).max()?;
    let tied = |times: &[i64]| times.windows(2).filter(|pair| pair[0] == pair[1]).count();
    let ties = dataset.users.iter().map(|user| tied(&user.timestamps)).sum();
    Some(TimeSpan { first, last, first_day: day(first), last_day: day(last), ties })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::dataset::{Catalogue, CategoryId, Item, User};

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12
    }

    #[test]
    fn lengths_by_nearest_rank_and_widening_bins() {
        let lengths = LengthStats::of(vec![5, 5, 6, 9, 10, 19, 23, 60]);
        assert_eq!((lengths.min, lengths.q1, lengths.median, lengths.q3, lengths.max), (5, 5, 9, 19, 60));
        assert!(close(lengths.mean, 137.0 / 8.0));
        let bins: Vec<_> = lengths.histogram.iter().map(|bin| (bin.from, bin.to, bin.users)).collect();
        assert_eq!(bins, [(5, 9, 4), (10, 19, 2), (20, 49, 1), (50, 99, 1)]);
        assert_eq!(LengthStats::of(vec![1]).histogram, [Bin { from: 1, to: 1, users: 1 }]);
    }

    #[test]
    fn popularity_from_equal_to_one_takes_all() {
        let equal = PopularityStats::of(vec![3; 200]);
        assert!(close(equal.gini, 0.0) && close(equal.top_1_percent, 0.01) && close(equal.top_10_percent, 0.1));
        let mut counts = vec![0; 100];
        counts[17] = 42;
        let one = PopularityStats::of(counts);
        assert!(close(one.gini, 0.99) && close(one.top_1_percent, 1.0));
        assert!(close(PopularityStats::of(vec![1, 3]).gini, 0.25));
        assert!(close(PopularityStats::of(vec![0, 0]).gini, 0.0));
    }

    #[test]
    fn a_hand_made_data_set_is_described() {
        let item = |key: &str, categories: &[u32], year: &str| Item {
            key: key.into(),
            title: key.into(),
            categories: categories.iter().map(|&category| CategoryId(category)).collect(),
            attributes: vec![year.into()],
        };
        let items = vec![item("a", &[0], "1999"), item("b", &[1, 0], ""), item("c", &[], ""), item("d", &[0], "")];
        let catalogue = Catalogue::new(items, vec!["Rare".into(), "Rarer".into()], vec!["year".into()]);
        let user = User { key: "u".into(), items: [2, 1, 3].map(ItemId).to_vec(), timestamps: vec![0, 86_400, 86_400] };
        let stats = Stats::of(&Dataset { name: "hand".into(), catalogue, users: vec![user] });
        assert_eq!((stats.users, stats.items, stats.interactions), (1, 4, 3));
        assert!(close(stats.density, 0.75) && close(stats.attributes[0].coverage, 0.25));
        assert_eq!((stats.categories.count, stats.categories.items_without), (2, 1));
        assert_eq!(stats.categories.largest[0], Category { name: "Rare".into(), items: 3 });
        let time = stats.time.unwrap();
        assert_eq!((time.first_day.as_str(), time.last_day.as_str(), time.ties), ("1970-01-01", "1970-01-02", 1));
    }

    #[test]
    fn a_data_set_without_users_is_described_too() {
        let stats = Stats::of(&Dataset { name: "none".into(), catalogue: Catalogue::default(), users: Vec::new() });
        assert_eq!((stats.lengths.max, stats.time), (0, None));
        assert!(close(stats.density, 0.0) && close(stats.popularity.gini, 0.0));
    }
}
