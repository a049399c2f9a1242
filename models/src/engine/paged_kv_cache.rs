//! Which pages of the cache belong to whom, and which tokens they hold: sequences that begin alike share their pages.
//!
//! A page is known by a hash of all tokens up to its end and of the adapter that read them, since keys and values depend on all of that.
//! Pages that nobody uses any more stay known until they are needed for something else, the longest unused first.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use tiller_kernels::decode::PAGE;

/// 128 bits of hash over an adapter and the tokens up to a page's end: two beginnings that differ agree once in a world's lifetime.
type Key = (u64, u64);

/// The pages of one engine.
#[derive(Debug)]
pub(super) struct PagedKvCache {
    pages: Vec<Page>,
    /// Pages without users, the longest unused first.
    unused: VecDeque<u32>,
    known: HashMap<Key, u32>,
}

#[derive(Debug, Clone, Default)]
struct Page {
    users: usize,
    key: Option<Key>,
}

impl PagedKvCache {
    pub(super) fn new(count: usize) -> Self {
        Self { pages: vec![Page::default(); count], unused: (0..count as u32).collect(), known: HashMap::new() }
    }

    /// The pages that hold the beginning of `tokens`, as far as it is known; never all of the tokens, since somebody has to be asked
    /// what follows the last one.
    pub(super) fn match_prefix(&mut self, adapter: usize, tokens: &[u32]) -> Vec<u32> {
        let whole = tokens.len().saturating_sub(1) / PAGE;
        let table: Vec<u32> =
            keys(adapter, tokens).take(whole).map_while(|key| self.known.get(&key).copied()).collect();
        for &page in &table {
            self.pages[page as usize].users += 1;
        }
        self.unused.retain(|page| self.pages[*page as usize].users == 0);
        table
    }

    /// The first page of `tokens` that is not known, if it is a whole one.
    pub(super) fn first_unknown(&self, adapter: usize, tokens: &[u32]) -> Option<Key> {
        keys(adapter, tokens).find(|key| !self.known.contains_key(key))
    }

    /// Lengthens a table to hold `positions`.
    ///
    /// # Panics
    /// Where no page is left: there are as many as all sequences together may need.
    pub(super) fn allocate(&mut self, table: &mut Vec<u32>, positions: usize) {
        while table.len() * PAGE < positions {
            let page = self.unused.pop_front().expect("a page for every position of every sequence");
            if let Some(key) = self.pages[page as usize].key.take() {
                self.known.remove(&key);
            }
            self.pages[page as usize].users = 1;
            table.push(page);
        }
    }

    /// Notes what the pages of a table hold, so that others may begin with them: `tokens` whose keys and values are there.
    pub(super) fn insert_prefix(&mut self, adapter: usize, tokens: &[u32], table: &[u32]) {
        for (key, &page) in keys(adapter, tokens).zip(table) {
            if self.pages[page as usize].key.is_none() && !self.known.contains_key(&key) {
                self.pages[page as usize].key = Some(key);
                self.known.insert(key, page);
            }
        }
    }

    /// Gives the pages of a table back.
    pub(super) fn free(&mut self, table: Vec<u32>) {
        // The last page first: it is the beginning of the sequence that others may have in common.
        for page in table.into_iter().rev() {
            self.pages[page as usize].users -= 1;
            if self.pages[page as usize].users == 0 {
                self.unused.push_back(page);
            }
        }
    }

    /// Forgets what all pages hold: with other adapters, the same tokens have other keys and values.
    pub(super) fn clear(&mut self) {
        self.known.clear();
        self.pages.iter_mut().for_each(|page| page.key = None);
    }
}

/// The keys of the whole pages of `tokens`, as an adapter reads them.
pub(super) fn keys(adapter: usize, tokens: &[u32]) -> impl Iterator<Item = Key> {
    let mut hashers = [0u8, 1].map(|salt| {
        let mut hasher = DefaultHasher::new();
        (salt, adapter).hash(&mut hasher);
        hasher
    });
    tokens.chunks_exact(PAGE).map(move |page| {
        hashers.iter_mut().for_each(|hasher| page.hash(hasher));
        (hashers[0].finish(), hashers[1].finish())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(length: usize, last: u32) -> Vec<u32> {
        let mut tokens: Vec<u32> = (0..length as u32).collect();
        tokens[length - 1] = last;
        tokens
    }

    #[test]
    fn sequences_that_begin_alike_share_whole_pages_but_never_the_last_token() {
        let mut pages = PagedKvCache::new(10);
        let (first, second) = (tokens(3 * PAGE, 7), tokens(3 * PAGE, 8));
        let mut table = pages.match_prefix(0, &first);
        assert!(table.is_empty());
        assert_eq!(pages.first_unknown(0, &first), keys(0, &first).next());
        pages.allocate(&mut table, first.len());
        pages.insert_prefix(0, &first, &table);
        assert_eq!(pages.match_prefix(0, &second), table[..2]);
        assert_eq!(pages.first_unknown(0, &second), keys(0, &second).last());
        // The whole prompt is known, and yet its last page has to be read again.
        assert_eq!(pages.match_prefix(0, &first), table[..2]);
        assert_eq!(pages.first_unknown(0, &first), None);
        // Another adapter makes other keys and values of the same tokens.
        assert!(pages.match_prefix(1, &first).is_empty());
    }

    #[test]
    fn a_page_is_taken_from_nobody_and_forgotten_when_it_is_taken() {
        let mut pages = PagedKvCache::new(4);
        let first = tokens(2 * PAGE, 7);
        let mut table = Vec::new();
        pages.allocate(&mut table, first.len());
        pages.insert_prefix(0, &first, &table);
        pages.free(table.clone());
        let shared = pages.match_prefix(0, &[&first[..], &[1]].concat());
        assert_eq!(shared, table);
        let mut other = Vec::new();
        pages.allocate(&mut other, 2 * PAGE);
        assert!(!other.iter().any(|page| table.contains(page)), "{other:?} belongs to {table:?}");
        pages.free(shared);
        pages.allocate(&mut other, 3 * PAGE);
        assert_eq!(other[2], table[1], "the end of a beginning is given up first");
        assert_eq!(pages.match_prefix(0, &[&first[..], &[1]].concat()), table[..1]);
    }

    #[test]
    fn what_was_forgotten_is_not_shared() {
        let mut pages = PagedKvCache::new(4);
        let mut table = Vec::new();
        pages.allocate(&mut table, PAGE);
        pages.insert_prefix(0, &tokens(PAGE, 3), &table);
        pages.clear();
        assert!(pages.match_prefix(0, &tokens(PAGE + 1, 3)).is_empty());
    }
}
