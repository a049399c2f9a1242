//! Sets of items: the language in which wishes such as "comedies from after 2010" are put to a recommender.

use crate::data::ItemId;

/// A set of items of a catalogue; the padding item is never in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemSet {
    n_items: usize,
    /// One bit per id; bit 0 of the first word is padding's and stays 0.
    words: Vec<u64>,
}

impl ItemSet {
    /// No item of a catalogue with `n_items`.
    pub fn none(n_items: usize) -> Self {
        Self { n_items, words: vec![0; n_items / 64 + 1] }
    }

    /// Every item of a catalogue with `n_items`.
    pub fn all(n_items: usize) -> Self {
        Self::none(n_items).complement()
    }

    /// These items of a catalogue with `n_items`.
    ///
    /// # Panics
    /// On an id that the catalogue does not have.
    pub fn of<'a>(n_items: usize, items: impl IntoIterator<Item = &'a ItemId>) -> Self {
        let mut set = Self::none(n_items);
        for &item in items {
            set.insert(item);
        }
        set
    }

    /// Adds an item.
    ///
    /// # Panics
    /// On an id that the catalogue does not have.
    pub fn insert(&mut self, item: ItemId) {
        assert!((1..=self.n_items).contains(&item.index()), "no item {} among {}", item.0, self.n_items);
        self.words[item.index() / 64] |= 1 << (item.index() % 64);
    }

    /// Whether the item is in the set.
    pub fn contains(&self, item: ItemId) -> bool {
        self.words.get(item.index() / 64).is_some_and(|word| word >> (item.index() % 64) & 1 == 1)
    }

    /// How many items are in the set.
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether no item is in the set.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    /// The items, ascending.
    pub fn iter(&self) -> impl Iterator<Item = ItemId> + '_ {
        self.words.iter().enumerate().flat_map(|(at, &word)| {
            // Each step clears the lowest bit that is set.
            let rest = std::iter::successors(Some(word), |&word| Some(word & word.wrapping_sub(1)));
            rest.take_while(|&word| word != 0).map(move |word| ItemId(at as u32 * 64 + word.trailing_zeros()))
        })
    }

    /// All items outside the set.
    pub fn complement(mut self) -> Self {
        for word in &mut self.words {
            *word = !*word;
        }
        self.words[0] &= !1;
        let used = self.n_items % 64 + 1;
        if used < 64
            && let Some(last) = self.words.last_mut()
        {
            *last &= (1 << used) - 1;
        }
        self
    }

    /// Adds the items of another set of the same catalogue.
    pub fn unite(&mut self, other: &ItemSet) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word |= other;
        }
    }

    /// Keeps only the items that are also in another set of the same catalogue.
    pub fn intersect(&mut self, other: &ItemSet) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word &= other;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sets_agree_with_plain_sets(
            n_items in 0..200usize,
            a in proptest::collection::vec(any::<u32>(), 0..40),
            b in proptest::collection::vec(any::<u32>(), 0..40),
        ) {
            let within = |ids: Vec<u32>| -> BTreeSet<ItemId> {
                ids.into_iter().filter(|_| n_items > 0).map(|id| ItemId(id % n_items as u32 + 1)).collect()
            };
            let (a, b) = (within(a), within(b));
            let of = |set: &BTreeSet<ItemId>| ItemSet::of(n_items, set);
            let list = |set: &ItemSet| set.iter().collect::<BTreeSet<_>>();
            prop_assert_eq!(list(&of(&a)), a.clone());
            prop_assert_eq!(of(&a).len(), a.len());
            let everything: BTreeSet<ItemId> = (1..=n_items as u32).map(ItemId).collect();
            prop_assert_eq!(list(&ItemSet::all(n_items)), everything.clone());
            prop_assert_eq!(list(&of(&a).complement()), everything.difference(&a).copied().collect());
            let (mut united, mut common) = (of(&a), of(&a));
            united.unite(&of(&b));
            common.intersect(&of(&b));
            prop_assert_eq!(list(&united), a.union(&b).copied().collect());
            prop_assert_eq!(list(&common), a.intersection(&b).copied().collect());
            prop_assert!(!united.contains(ItemId::PAD) && !united.contains(ItemId(100_000)));
        }
    }
}
