//! The prefix tree of all titles over their tokens, in four flat arrays.
//!
//! Nodes are numbered level by level, so the children of a node are neighbours and an edge needs no number of its own: it is the
//! node that it leads to. Titles are numbered in the order of their token sequences ("leaves"), so the titles below a node are a
//! range, and "does anything allowed begin with this prefix" is a question about a range of bits.
//!
//! No sequence may begin another one. Title lines end with a line break and hold no other, so this costs nothing, and a title
//! whose text begins another title's is no special case.

use std::ops::Range;

use fixedbitset::FixedBitSet;

use crate::data::ItemId;

/// The titles of a catalogue as token sequences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trie {
    /// `[nodes + 1]` The children of node n are the nodes `first_child[n] .. first_child[n + 1]`.
    first_child: Vec<u32>,
    /// `[nodes]` The token that leads into a node; siblings ascend. The root's is 0 and means nothing.
    token: Vec<u32>,
    /// `[nodes]` The first of the leaves below a node. The last one follows from the node's neighbour or its parent.
    first_leaf: Vec<u32>,
    /// `[leaves]` The item of a leaf.
    item: Vec<u32>,
    /// `[highest id + 1]` The leaf of an item; [`NONE`] for ids without a title, such as the padding item.
    leaf: Vec<u32>,
}

const NONE: u32 = u32::MAX;

/// Two titles that a trie cannot tell apart: the tokens of one are, or begin, the tokens of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clash(pub ItemId, pub ItemId);

/// A place in the trie: some first tokens of a title, and the range of leaves that begin with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix {
    node: usize,
    leaves: Range<usize>,
}

/// The rows of the sorted titles that share their first `depth` tokens.
struct Shared {
    rows: Range<usize>,
    depth: usize,
    token: u32,
}

impl Trie {
    /// The trie of each item's tokens.
    ///
    /// # Errors
    /// [`Clash`] where the tokens of one item are, or begin, those of another.
    pub fn build(mut titles: Vec<(ItemId, Vec<u32>)>) -> Result<Self, Clash> {
        titles.sort_unstable_by(|(_, a), (_, b)| a.cmp(b));
        // Whatever begins with a sequence follows it at once in sorted order.
        if let Some(pair) = titles.windows(2).find(|pair| pair[1].1.starts_with(&pair[0].1)) {
            return Err(Clash(pair[0].0, pair[1].0));
        }

        let mut first_child = Vec::new();
        let mut nodes = vec![Shared { rows: 0..titles.len(), depth: 0, token: 0 }];
        while first_child.len() < nodes.len() {
            let Shared { rows, depth, .. } = &nodes[first_child.len()];
            let (mut row, depth) = (rows.start, *depth);
            let below = &titles[rows.clone()];
            first_child.push(nodes.len() as u32);
            for same in below.chunk_by(|(_, a), (_, b)| a.get(depth) == b.get(depth)) {
                if let Some(&token) = same[0].1.get(depth) {
                    nodes.push(Shared { rows: row..row + same.len(), depth: depth + 1, token });
                }
                row += same.len();
            }
        }
        first_child.push(nodes.len() as u32);

        let mut leaf = vec![NONE; titles.iter().map(|(id, _)| id.index() + 1).max().unwrap_or(0)];
        for (rank, (id, _)) in titles.iter().enumerate() {
            leaf[id.index()] = rank as u32;
        }
        Ok(Self {
            first_child,
            token: nodes.iter().map(|node| node.token).collect(),
            first_leaf: nodes.iter().map(|node| node.rows.start as u32).collect(),
            item: titles.iter().map(|(id, _)| id.0).collect(),
            leaf,
        })
    }

    /// The number of titles.
    pub fn leaves(&self) -> usize {
        self.item.len()
    }

    /// The number of nodes, the root among them.
    pub fn nodes(&self) -> usize {
        self.token.len()
    }

    /// All there is: first child `[nodes + 1]`, token `[nodes]`, first leaf `[nodes]`, item `[leaves]`, leaf `[highest id + 1]`.
    pub fn arrays(&self) -> [&[u32]; 5] {
        [&self.first_child, &self.token, &self.first_leaf, &self.item, &self.leaf]
    }

    /// The place before the first token of a title.
    pub fn root(&self) -> Prefix {
        Prefix { node: 0, leaves: 0..self.leaves() }
    }

    /// The places one token further that lead to a leaf of `open`, by ascending token.
    pub fn open_children<'a>(
        &'a self,
        prefix: &Prefix,
        open: &'a FixedBitSet,
    ) -> impl Iterator<Item = (u32, Prefix)> + 'a {
        let (children, end) = (self.children(prefix), prefix.leaves.end);
        children
            .clone()
            .map(move |node| (self.token[node], self.prefix(node, children.end, end)))
            .filter(|(_, child)| open.contains_any_in_range(child.leaves.clone()))
    }

    /// The place that `token` leads to; `None` where no title goes on with it.
    pub fn child(&self, prefix: &Prefix, token: u32) -> Option<Prefix> {
        let children = self.children(prefix);
        let at = self.token[children.clone()].binary_search(&token).ok()?;
        Some(self.prefix(children.start + at, children.end, prefix.leaves.end))
    }

    /// The token that leads from a place towards a leaf below it, and the place behind it; `None` at the end of a title.
    pub fn toward(&self, prefix: &Prefix, leaf: usize) -> Option<(u32, Prefix)> {
        let children = self.children(prefix);
        // The last child whose leaves begin at or before this one.
        let after = self.first_leaf[children.clone()].partition_point(|&first| first as usize <= leaf);
        let node = children.start + after.checked_sub(1)?;
        Some((self.token[node], self.prefix(node, children.end, prefix.leaves.end)))
    }

    /// The leaves of `open` below a place, ascending.
    pub fn open_leaves<'a>(&self, prefix: &Prefix, open: &'a FixedBitSet) -> impl Iterator<Item = usize> + use<'a> {
        prefix.leaves.clone().filter(|&leaf| open.contains(leaf))
    }

    /// The leaf of a whole title; `None` where the prefix still goes on.
    pub fn ended(&self, prefix: &Prefix) -> Option<usize> {
        self.children(prefix).is_empty().then_some(prefix.leaves.start)
    }

    /// Returns true where several tokens lead further.
    pub fn is_choice(&self, prefix: &Prefix) -> bool {
        self.children(prefix).len() > 1
    }

    /// The item of a leaf.
    pub fn item(&self, leaf: usize) -> ItemId {
        ItemId(self.item[leaf])
    }

    /// The leaf of an item; `None` for one that the trie does not hold.
    pub fn leaf(&self, item: ItemId) -> Option<usize> {
        self.leaf.get(item.index()).filter(|&&leaf| leaf != NONE).map(|&leaf| leaf as usize)
    }

    /// The tokens of an item's title; `None` for one that the trie does not hold.
    pub fn tokens(&self, item: ItemId) -> Option<Vec<u32>> {
        Some(self.path(item)?.into_iter().map(|(token, _)| token).collect())
    }

    /// The tokens of an item's title, each with `true` where the trie leaves a choice: where another title goes on with another token.
    /// `None` for an item that the trie does not hold.
    pub fn path(&self, item: ItemId) -> Option<Vec<(u32, bool)>> {
        let leaf = self.leaf(item)?;
        let (mut prefix, mut path) = (self.root(), Vec::new());
        while let Some((token, further)) = self.toward(&prefix, leaf) {
            path.push((token, self.is_choice(&prefix)));
            prefix = further;
        }
        Some(path)
    }

    fn children(&self, prefix: &Prefix) -> Range<usize> {
        self.first_child[prefix.node] as usize..self.first_child[prefix.node + 1] as usize
    }

    /// A child, whose leaves end where its next sibling's begin, or its parent's end.
    fn prefix(&self, node: usize, siblings_end: usize, parent_end: usize) -> Prefix {
        let end = if node + 1 < siblings_end { self.first_leaf[node + 1] as usize } else { parent_end };
        Prefix { node, leaves: self.first_leaf[node] as usize..end }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::collection::{btree_set, vec};
    use proptest::prelude::*;

    use super::*;

    /// The terminator, which no sequence holds elsewhere.
    const END: u32 = 0;

    fn trie(sequences: &BTreeSet<Vec<u32>>) -> Trie {
        let titles = sequences.iter().enumerate().map(|(i, tokens)| {
            let ended = tokens.iter().copied().chain([END]).collect();
            (ItemId(i as u32 + 1), ended)
        });
        Trie::build(titles.collect()).unwrap()
    }

    proptest! {
        #[test]
        fn every_prefix_goes_on_as_the_open_titles_do(
            sequences in btree_set(vec(1u32..5, 0..6), 1..40),
            closed in vec(any::<bool>(), 40),
        ) {
            let trie = trie(&sequences);
            let titles: Vec<Vec<u32>> = trie.item.iter().map(|&id| trie.tokens(ItemId(id)).unwrap()).collect();
            prop_assert!(titles.is_sorted());
            prop_assert_eq!(titles.iter().map(|t| t[..t.len() - 1].to_vec()).collect::<BTreeSet<_>>(), sequences);
            let mut open = FixedBitSet::with_capacity(trie.leaves());
            open.extend((0..trie.leaves()).filter(|&leaf| !closed[leaf]));

            for &id in &trie.item {
                let path = trie.path(ItemId(id)).unwrap();
                let title: Vec<u32> = path.iter().map(|(token, _)| *token).collect();
                for (at, (_, is_choice)) in path.into_iter().enumerate() {
                    let differs = |other: &&Vec<u32>| other.starts_with(&title[..at]) && other[at] != title[at];
                    prop_assert_eq!(is_choice, titles.iter().any(|other| differs(&other)));
                }
            }

            let mut places = vec![(trie.root(), Vec::new())];
            while let Some((place, tokens)) = places.pop() {
                let below: Vec<usize> = (0..titles.len()).filter(|&leaf| titles[leaf].starts_with(&tokens)).collect();
                prop_assert_eq!(place.leaves.clone().collect::<Vec<_>>(), below.clone());
                let goes_on: BTreeSet<u32> = below
                    .iter()
                    .filter(|&&leaf| open.contains(leaf))
                    .filter_map(|&leaf| titles[leaf].get(tokens.len()).copied())
                    .collect();
                let children: Vec<_> = trie.open_children(&place, &open).collect();
                prop_assert_eq!(children.iter().map(|(token, _)| *token).collect::<Vec<_>>(), Vec::from_iter(goes_on));
                prop_assert_eq!(trie.ended(&place).is_some(), tokens.last() == Some(&END));
                for (token, child) in children {
                    prop_assert_eq!(trie.child(&place, token), Some(child.clone()));
                    places.push((child, [tokens.clone(), vec![token]].concat()));
                }
            }
        }
    }

    #[test]
    fn titles_that_cannot_be_told_apart_are_named() {
        let same = Trie::build(vec![(ItemId(1), vec![7, 8]), (ItemId(2), vec![5]), (ItemId(3), vec![7, 8])]);
        let begins = Trie::build(vec![(ItemId(1), vec![7, 8, 9]), (ItemId(2), vec![7, 8])]);
        let Err(Clash(a, b)) = same else { panic!("two equal titles were taken") };
        assert_eq!(BTreeSet::from([a, b]), BTreeSet::from([ItemId(1), ItemId(3)]));
        assert_eq!(begins, Err(Clash(ItemId(2), ItemId(1))));
    }

    #[test]
    fn unknown_tokens_and_items_lead_nowhere() {
        let trie = Trie::build(vec![(ItemId(3), vec![7, 8])]).unwrap();
        assert_eq!(trie.child(&trie.root(), 8), None);
        assert_eq!((trie.leaf(ItemId::PAD), trie.leaf(ItemId(3)), trie.leaf(ItemId(99))), (None, Some(0), None));
        assert_eq!(trie.tokens(ItemId(2)), None);
    }
}
