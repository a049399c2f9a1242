//! The history filters of method §1.2: order in time, deduplication, iterative k-core.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

/// An interaction of a user with an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interaction {
    /// The item, by its position among the items of the source.
    pub item: u32,
    /// The time in microseconds since 1970.
    pub time: i64,
}

/// The choice among several interactions of one user with one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Repeats {
    /// The oldest.
    #[default]
    FirstInTime,
    /// The one that stands first in the file (Amazon, method §1.2).
    FirstInFile,
}

/// The minimum numbers of interactions per user and per item; 0 turns a bound off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KCore {
    /// Minimum interactions of a user.
    pub min_user: usize,
    /// Minimum interactions of an item.
    pub min_item: usize,
}

impl KCore {
    /// Keeps everything.
    pub const OFF: KCore = KCore { min_user: 0, min_item: 0 };
}

impl Default for KCore {
    fn default() -> Self {
        KCore::OFF
    }
}

/// Sorts a history by time (ties keep the file order) and keeps one interaction per item.
/// Returns the number of dropped repeats.
pub fn order(history: &mut Vec<Interaction>, repeats: Repeats) -> usize {
    let before = history.len();
    if repeats == Repeats::FirstInFile {
        drop_repeats(history);
    }
    history.sort_by_key(|event| event.time);
    drop_repeats(history);
    before - history.len()
}

fn drop_repeats(history: &mut Vec<Interaction>) {
    let mut seen = HashSet::with_capacity(history.len());
    history.retain(|event| seen.insert(event.item));
}

/// Removes users and items with too few interactions until every remaining one meets its minimum.
///
/// A removal lowers the counts of its neighbours only, and only they are checked again, so the time is linear in the
/// number of interactions. The result is the largest set that meets both bounds, as in the rounds of method §1.2.
pub fn k_core(histories: &mut [Vec<Interaction>], items: usize, core: KCore) {
    let users = histories.len();
    let takers = takers(histories, items);
    // Users and items are the nodes of one graph, users first.
    let needed = |node: usize| if node < users { core.min_user } else { core.min_item };
    let mut links: Vec<usize> = histories.iter().map(Vec::len).chain(takers.iter().map(Vec::len)).collect();
    let mut fallen: Vec<bool> = links.iter().enumerate().map(|(node, &links)| links < needed(node)).collect();
    let mut falling: Vec<usize> = (0..fallen.len()).filter(|&node| fallen[node]).collect();
    while let Some(node) = falling.pop() {
        let neighbours: Vec<usize> = match node.checked_sub(users) {
            None => histories[node].iter().map(|event| users + event.item as usize).collect(),
            Some(item) => takers[item].clone(),
        };
        for neighbour in neighbours {
            links[neighbour] -= 1;
            if links[neighbour] < needed(neighbour) && !fallen[neighbour] {
                fallen[neighbour] = true;
                falling.push(neighbour);
            }
        }
    }
    for (user, history) in histories.iter_mut().enumerate() {
        history.retain(|event| !fallen[user] && !fallen[users + event.item as usize]);
    }
}

/// The users of each item, by position.
fn takers(histories: &[Vec<Interaction>], items: usize) -> Vec<Vec<usize>> {
    let mut takers = vec![Vec::new(); items];
    for (user, history) in histories.iter().enumerate() {
        for event in history {
            takers[event.item as usize].push(user);
        }
    }
    takers
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn history(events: &[(u32, i64)]) -> Vec<Interaction> {
        events.iter().map(|&(item, time)| Interaction { item, time }).collect()
    }

    #[test]
    fn equal_times_keep_the_order_of_the_file() {
        let mut events = history(&[(3, 5), (1, 9), (2, 5), (4, 1)]);
        assert_eq!(order(&mut events, Repeats::FirstInTime), 0);
        assert_eq!(events, history(&[(4, 1), (3, 5), (2, 5), (1, 9)]));
    }

    #[test]
    fn the_kept_one_of_a_pair_is_the_oldest_or_the_first_in_the_file() {
        let file = history(&[(1, 9), (2, 5), (1, 3), (2, 5)]);
        for (repeats, kept) in [(Repeats::FirstInTime, [(1, 3), (2, 5)]), (Repeats::FirstInFile, [(2, 5), (1, 9)])] {
            let mut events = file.clone();
            assert_eq!(order(&mut events, repeats), 2);
            assert_eq!(events, history(&kept), "{repeats:?}");
        }
    }

    #[test]
    fn a_chain_of_dependents_falls_to_the_last() {
        // Every user has two items and every item two users, except at one end, where removal starts and reaches all.
        // Long enough that a quadratic algorithm would not finish.
        const USERS: u32 = 1_000_000;
        let mut chain: Vec<_> = (0..USERS).map(|user| history(&[(user, 0), (user + 1, 1)])).collect();
        k_core(&mut chain, USERS as usize + 1, KCore { min_user: 2, min_item: 2 });
        assert!(chain.iter().all(Vec::is_empty));
    }

    #[test]
    fn zero_turns_the_filter_off() {
        let all = vec![history(&[(0, 0)]), Vec::new(), history(&[(2, 0), (0, 3)])];
        let mut kept = all.clone();
        k_core(&mut kept, 3, KCore::OFF);
        assert_eq!(kept, all);
    }

    /// Removes one user or one item at a time, whichever comes first, and counts everything anew each time.
    fn slow_k_core(mut pairs: Vec<(usize, u32)>, core: KCore) -> Vec<(usize, u32)> {
        loop {
            let short =
                pairs.iter().find(|(u, _)| pairs.iter().filter(|(v, _)| v == u).count() < core.min_user).copied();
            let rare =
                pairs.iter().find(|(_, i)| pairs.iter().filter(|(_, j)| j == i).count() < core.min_item).copied();
            match (short, rare) {
                (Some((user, _)), _) => pairs.retain(|&(other, _)| other != user),
                (None, Some((_, item))) => pairs.retain(|&(_, other)| other != item),
                (None, None) => return pairs,
            }
        }
    }

    proptest! {
        #[test]
        fn the_core_is_the_one_that_slow_peeling_leaves(
            pairs in prop::collection::btree_set((0..12_usize, 0..12_u32), 0..90),
            min_user in 0..6_usize,
            min_item in 0..6_usize,
        ) {
            let core = KCore { min_user, min_item };
            let mut histories = vec![Vec::new(); 12];
            for &(user, item) in &pairs {
                histories[user].push(Interaction { item, time: 0 });
            }
            k_core(&mut histories, 12, core);
            let counts = takers(&histories, 12).iter().map(Vec::len).collect::<Vec<_>>();
            prop_assert!(histories.iter().all(|history| history.is_empty() || history.len() >= min_user));
            prop_assert!(counts.iter().all(|&count| count == 0 || count >= min_item));
            let kept = histories.iter().enumerate().flat_map(|(u, h)| h.iter().map(move |e| (u, e.item)));
            prop_assert_eq!(kept.collect::<Vec<_>>(), slow_k_core(pairs.into_iter().collect(), core));
        }
    }
}
