//! A set of small numbers as bits: what [`super::ItemSet`] is made of, and any other numbering of items, such as the places of a trie.

use std::ops::Range;

const BITS: usize = u64::BITS as usize;

/// A set of numbers below a fixed length, one bit each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BitSet {
    words: Vec<u64>,
}

impl BitSet {
    /// The empty set of numbers below `length`.
    pub fn new(length: usize) -> Self {
        Self { words: vec![0; length.div_ceil(BITS)] }
    }

    /// The set of `members`, all of them below `length`.
    pub fn of(length: usize, members: impl IntoIterator<Item = usize>) -> Self {
        let mut set = Self::new(length);
        for member in members {
            set.insert(member);
        }
        set
    }

    /// The empty set of the same length.
    pub fn cleared(&self) -> Self {
        Self { words: vec![0; self.words.len()] }
    }

    /// Adds a number below the length.
    pub fn insert(&mut self, member: usize) {
        self.words[member / BITS] |= 1 << (member % BITS);
    }

    /// Removes a number below the length.
    pub fn remove(&mut self, member: usize) {
        self.words[member / BITS] &= !(1 << (member % BITS));
    }

    /// Whether a number is in the set; numbers past the length are not.
    pub fn contains(&self, member: usize) -> bool {
        self.words.get(member / BITS).is_some_and(|word| word >> (member % BITS) & 1 == 1)
    }

    /// Whether any number of `range` is in the set: at most one look per 64 numbers.
    pub fn any_in(&self, range: Range<usize>) -> bool {
        if range.is_empty() {
            return false;
        }
        let (first, last) = (range.start / BITS, (range.end - 1) / BITS);
        let from_start = u64::MAX << (range.start % BITS);
        let to_end = u64::MAX >> (BITS - 1 - (range.end - 1) % BITS);
        if first == last {
            return self.words[first] & from_start & to_end != 0;
        }
        self.words[first] & from_start != 0
            || self.words[first + 1..last].iter().any(|&word| word != 0)
            || self.words[last] & to_end != 0
    }

    /// How many numbers are in the set.
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether no number is in the set.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    /// The numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(at, &word)| {
            let rest = std::iter::successors(Some(word), |rest| Some(rest & rest.wrapping_sub(1)));
            rest.take_while(|&rest| rest != 0).map(move |rest| at * BITS + rest.trailing_zeros() as usize)
        })
    }

    /// Adds everything of `other`, a set of the same length.
    pub fn union_with(&mut self, other: &BitSet) {
        self.merge(other, |a, b| a | b);
    }

    /// Keeps what `other`, a set of the same length, has too.
    pub fn intersect_with(&mut self, other: &BitSet) {
        self.merge(other, |a, b| a & b);
    }

    /// Removes everything of `other`, a set of the same length.
    pub fn difference_with(&mut self, other: &BitSet) {
        self.merge(other, |a, b| a & !b);
    }

    fn merge(&mut self, other: &BitSet, combine: impl Fn(u64, u64) -> u64) {
        debug_assert_eq!(self.words.len(), other.words.len());
        for (word, &others) in self.words.iter_mut().zip(&other.words) {
            *word = combine(*word, others);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::collection::btree_set;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(
            a in btree_set(0usize..300, 0..40),
            b in btree_set(0usize..300, 0..40),
            start in 0usize..300,
            end in 0usize..300,
        ) {
            let (bits_a, bits_b) = (BitSet::of(300, a.iter().copied()), BitSet::of(300, b.iter().copied()));
            let after = |change: fn(&mut BitSet, &BitSet)| {
                let mut set = bits_a.clone();
                change(&mut set, &bits_b);
                set.iter().collect::<BTreeSet<_>>()
            };
            prop_assert_eq!(bits_a.iter().collect::<Vec<_>>(), a.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(bits_a.len(), a.len());
            prop_assert_eq!(after(BitSet::union_with), &a | &b);
            prop_assert_eq!(after(BitSet::intersect_with), &a & &b);
            prop_assert_eq!(after(BitSet::difference_with), &a - &b);
            prop_assert_eq!(bits_a.any_in(start..end), (start..end).any(|n| a.contains(&n)));
            prop_assert_eq!(bits_a.contains(start), a.contains(&start));
        }
    }
}
