//! Sets of items, such as the comedies released after 2010.

use std::borrow::Borrow;

use fixedbitset::FixedBitSet;

use super::dataset::ItemId;

/// A set of items of a catalogue; it never contains the padding item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemSet {
    n_items: usize,
    /// One bit per item id; the padding item's bit is always 0.
    bits: FixedBitSet,
}

impl ItemSet {
    /// The empty set over a catalogue of `n_items`.
    pub fn empty(n_items: usize) -> Self {
        Self { n_items, bits: FixedBitSet::with_capacity(n_items + 1) }
    }

    /// The set of all items of a catalogue of `n_items`.
    pub fn all(n_items: usize) -> Self {
        let mut set = Self::empty(n_items);
        set.bits.insert_range(1..);
        set
    }

    /// The set of the given items of a catalogue of `n_items`.
    ///
    /// # Panics
    /// An id outside the catalogue.
    pub fn from_items(n_items: usize, items: impl IntoIterator<Item = impl Borrow<ItemId>>) -> Self {
        let mut set = Self::empty(n_items);
        for item in items {
            set.insert(*item.borrow());
        }
        set
    }

    /// The number of items of the catalogue.
    pub fn n_items(&self) -> usize {
        self.n_items
    }

    /// Adds an item.
    ///
    /// # Panics
    /// An id outside the catalogue.
    pub fn insert(&mut self, item: ItemId) {
        assert!((1..=self.n_items).contains(&item.index()), "no item {} among {}", item.0, self.n_items);
        self.bits.insert(item.index());
    }

    /// Returns true if the item is in the set.
    pub fn contains(&self, item: ItemId) -> bool {
        self.bits.contains(item.index())
    }

    /// The number of items in the set.
    pub fn len(&self) -> usize {
        self.bits.count_ones(..)
    }

    /// Returns true if the set is empty.
    pub fn is_empty(&self) -> bool {
        self.bits.is_clear()
    }

    /// The items in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = ItemId> + '_ {
        self.bits.ones().map(|id| ItemId(id as u32))
    }

    /// The items that are not in the set.
    pub fn complement(self) -> Self {
        let mut others = Self::all(self.n_items);
        others.difference_with(&self);
        others
    }

    /// Adds the items of another set of the same catalogue.
    pub fn union_with(&mut self, other: &ItemSet) {
        self.bits.union_with(&other.bits);
    }

    /// Keeps the items that are also in another set of the same catalogue.
    pub fn intersect_with(&mut self, other: &ItemSet) {
        self.bits.intersect_with(&other.bits);
    }

    /// Removes the items of another set of the same catalogue.
    pub fn difference_with(&mut self, other: &ItemSet) {
        self.bits.difference_with(&other.bits);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sets_of_items_are_sets_without_padding(n_items in 1..200u32, a in 0..200u32, b in 0..200u32) {
            let within = |step: u32| (1..=n_items).filter(move |id| id % (step + 1) == 0).map(ItemId);
            let (some, more): (BTreeSet<_>, BTreeSet<_>) = (within(a).collect(), within(b).collect());
            let n = n_items as usize;
            let after = |change: fn(&mut ItemSet, &ItemSet)| {
                let mut set = ItemSet::from_items(n, &some);
                change(&mut set, &ItemSet::from_items(n, more.clone()));
                set.iter().collect::<BTreeSet<_>>()
            };
            let everything: BTreeSet<_> = (1..=n_items).map(ItemId).collect();
            prop_assert_eq!(ItemSet::all(n).iter().collect::<BTreeSet<_>>(), everything.clone());
            prop_assert_eq!(ItemSet::from_items(n, &some).complement().iter().collect::<BTreeSet<_>>(), &everything - &some);
            prop_assert_eq!(after(ItemSet::union_with), &some | &more);
            prop_assert_eq!(after(ItemSet::intersect_with), &some & &more);
            prop_assert_eq!(after(ItemSet::difference_with), &some - &more);
            prop_assert_eq!((ItemSet::from_items(n, &some).len(), ItemSet::from_items(n, &some).is_empty()), (some.len(), some.is_empty()));
            prop_assert!(!ItemSet::all(n).contains(ItemId::PAD) && !ItemSet::all(n).contains(ItemId(n_items + 1)));
        }
    }

    #[test]
    #[should_panic(expected = "no item 4 among 3")]
    fn a_strange_item_is_no_member() {
        ItemSet::empty(3).insert(ItemId(4));
    }
}
