//! The paged KV cache: keys and values lie in pages of fixed size, and a sequence finds its own through a block table. Sequences with a
//! common prefix share its pages (prefix cache).
//!
//! A page is identified by a hash of all tokens up to its end and of the adapter that read them, since keys and values depend on all of
//! that. Free pages keep their contents until they are allocated again, the longest free first, so that a later prompt may still find
//! its prefix.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use tiller_kernels::decode::PAGE;

use super::free_queue::FreeQueue;

/// A hash of 128 bits over an adapter and the tokens up to the end of a page. Collisions are too rare to happen.
pub(super) type PrefixKey = (u64, u64);

/// The pages of one engine.
#[derive(Debug)]
pub(super) struct PagedKvCache {
    pages: Vec<Page>,
    /// Pages without users, the longest free first.
    free: FreeQueue,
    /// The prefix cache: the page of every known prefix.
    prefixes: HashMap<PrefixKey, u32>,
}

#[derive(Debug, Clone, Default)]
struct Page {
    users: usize,
    key: Option<PrefixKey>,
}

impl PagedKvCache {
    /// An empty cache of `count` pages.
    pub(super) fn new(count: usize) -> Self {
        Self { pages: vec![Page::default(); count], free: FreeQueue::new(count), prefixes: HashMap::new() }
    }

    /// Starts a block table with the cached pages of the longest known prefix of `tokens`, in O(1) per page. Never all of the tokens: the
    /// last one has to be read for its logits.
    pub(super) fn match_prefix(&mut self, adapter: usize, tokens: &[u32]) -> Vec<u32> {
        let whole = tokens.len().saturating_sub(1) / PAGE;
        let keys = prefix_keys(adapter, tokens).take(whole);
        let table: Vec<u32> = keys.map_while(|key| self.prefixes.get(&key).copied()).collect();
        for &page in &table {
            let users = &mut self.pages[page as usize].users;
            if *users == 0 {
                self.free.remove(page);
            }
            *users += 1;
        }
        table
    }

    /// The first whole page of `tokens` that is not in the prefix cache.
    pub(super) fn first_missing(&self, adapter: usize, tokens: &[u32]) -> Option<PrefixKey> {
        prefix_keys(adapter, tokens).find(|key| !self.prefixes.contains_key(key))
    }

    /// Allocates pages until a block table holds `positions`.
    ///
    /// # Panics
    /// No free page: there are as many as all sequences together may need.
    pub(super) fn allocate(&mut self, table: &mut Vec<u32>, positions: usize) {
        while table.len() * PAGE < positions {
            let page = self.free.pop_front().expect("a page for every position of every sequence");
            if let Some(key) = self.pages[page as usize].key.take() {
                self.prefixes.remove(&key);
            }
            self.pages[page as usize].users = 1;
            table.push(page);
        }
    }

    /// Inserts the pages of a block table into the prefix cache: `tokens` are those whose keys and values they hold.
    pub(super) fn insert_prefix(&mut self, adapter: usize, tokens: &[u32], table: &[u32]) {
        for (key, &page) in prefix_keys(adapter, tokens).zip(table) {
            if self.pages[page as usize].key.is_none() && !self.prefixes.contains_key(&key) {
                self.pages[page as usize].key = Some(key);
                self.prefixes.insert(key, page);
            }
        }
    }

    /// Frees the pages of a block table. Their contents stay in the prefix cache until the pages are allocated again.
    pub(super) fn free(&mut self, table: Vec<u32>) {
        // The last page first: the first pages are the ones that other sequences may have in common.
        for page in table.into_iter().rev() {
            self.pages[page as usize].users -= 1;
            if self.pages[page as usize].users == 0 {
                self.free.push_back(page);
            }
        }
    }

    /// Clears the prefix cache: with other adapters, the same tokens have other keys and values.
    pub(super) fn clear(&mut self) {
        self.prefixes.clear();
        self.pages.iter_mut().for_each(|page| page.key = None);
    }
}

/// The keys of the whole pages of `tokens`, as an adapter reads them.
pub(super) fn prefix_keys(adapter: usize, tokens: &[u32]) -> impl Iterator<Item = PrefixKey> {
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
    fn sequences_share_the_whole_pages_of_a_common_prefix_but_never_the_last_token() {
        let mut cache = PagedKvCache::new(10);
        let (first, second) = (tokens(3 * PAGE, 7), tokens(3 * PAGE, 8));
        let mut table = cache.match_prefix(0, &first);
        assert!(table.is_empty());
        assert_eq!(cache.first_missing(0, &first), prefix_keys(0, &first).next());
        cache.allocate(&mut table, first.len());
        cache.insert_prefix(0, &first, &table);
        assert_eq!(cache.match_prefix(0, &second), table[..2]);
        assert_eq!(cache.first_missing(0, &second), prefix_keys(0, &second).last());
        // The whole prompt is known, and yet its last page has to be read again.
        assert_eq!(cache.match_prefix(0, &first), table[..2]);
        assert_eq!(cache.first_missing(0, &first), None);
        // Another adapter makes other keys and values of the same tokens.
        assert!(cache.match_prefix(1, &first).is_empty());
    }

    #[test]
    fn a_page_in_use_is_never_allocated_and_a_free_one_leaves_the_prefix_cache_when_it_is() {
        let mut cache = PagedKvCache::new(4);
        let first = tokens(2 * PAGE, 7);
        let mut table = Vec::new();
        cache.allocate(&mut table, first.len());
        cache.insert_prefix(0, &first, &table);
        cache.free(table.clone());
        let shared = cache.match_prefix(0, &[&first[..], &[1]].concat());
        assert_eq!(shared, table);
        let mut other = Vec::new();
        cache.allocate(&mut other, 2 * PAGE);
        assert!(!other.iter().any(|page| table.contains(page)), "{other:?} belongs to {table:?}");
        cache.free(shared);
        cache.allocate(&mut other, 3 * PAGE);
        assert_eq!(other[2], table[1], "the end of a prefix is allocated first");
        assert_eq!(cache.match_prefix(0, &[&first[..], &[1]].concat()), table[..1]);
    }

    #[test]
    fn a_cleared_cache_shares_nothing() {
        let mut cache = PagedKvCache::new(4);
        let mut table = Vec::new();
        cache.allocate(&mut table, PAGE);
        cache.insert_prefix(0, &tokens(PAGE, 3), &table);
        cache.clear();
        assert!(cache.match_prefix(0, &tokens(PAGE + 1, 3)).is_empty());
    }
}
