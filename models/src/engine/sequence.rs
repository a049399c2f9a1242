//! A sequence in the engine: its state, and its place in the paged KV cache.

use tiller_kernels::decode::{PAGE, TokenSource};

use super::paged_kv_cache::PagedKvCache;
use crate::generate::DraftTokens;
use crate::generate::sequence::SequenceState;

/// One sequence.
pub(super) struct Sequence<'a> {
    /// The slot of its sampled tokens.
    pub(super) slot: usize,
    /// Its adapter, counted from 1; 0 for none.
    pub(super) adapter: usize,
    pub(super) state: SequenceState<'a>,
    /// The prompt and the tokens sampled since.
    pub(super) tokens: Vec<u32>,
    /// Its pages of the cache.
    pub(super) block_table: Vec<u32>,
    /// Positions that the cache holds, or will hold after the steps submitted so far.
    read: usize,
    /// Set once the prefix cache was searched.
    pub(super) is_started: bool,
    /// Submitted choices whose tokens have not come back.
    pub(super) in_flight: usize,
}

impl<'a> Sequence<'a> {
    /// A sequence before its first step.
    pub(super) fn new(slot: usize, adapter: usize, state: SequenceState<'a>) -> Self {
        let (tokens, block_table) = (state.unread().to_vec(), Vec::new());
        Self { slot, adapter, state, tokens, block_table, read: 0, is_started: false, in_flight: 0 }
    }

    /// Starts with the pages of its prefix that the cache holds.
    pub(super) fn start(&mut self, cache: &mut PagedKvCache) {
        self.block_table = cache.match_prefix(self.adapter, &self.tokens);
        self.read = self.block_table.len() * PAGE;
        self.is_started = true;
    }

    /// The position of the next token to be read.
    pub(super) fn position(&self) -> usize {
        self.read
    }

    /// The number of tokens that a step could read, including one that only the GPU knows yet.
    pub(super) fn unread(&self) -> usize {
        match self.in_flight {
            0 => self.tokens.len() - self.read,
            ahead => usize::from(ahead < self.state.lookahead() && ahead < self.state.remaining()),
        }
    }

    /// Returns true if the next step depends on a token that has not come back.
    pub(super) fn is_waiting(&self) -> bool {
        self.in_flight > 0 && self.in_flight >= self.state.lookahead()
    }

    /// Takes up to `max_tokens` tokens into a step. Returns them, and true if they reach the end of the sequence, where the next token is
    /// sampled. A longer prompt is continued in the next step (chunked prefill).
    pub(super) fn read(&mut self, max_tokens: usize, cache: &mut PagedKvCache) -> (Vec<TokenSource>, bool) {
        let count = self.unread().min(max_tokens);
        let sources: Vec<TokenSource> = match self.in_flight {
            0 => self.tokens[self.read..][..count].iter().map(|token| TokenSource::Id(*token)).collect(),
            _ => vec![TokenSource::Sampled(self.slot); count],
        };
        self.read += count;
        cache.allocate(&mut self.block_table, self.read);
        (sources, self.read >= self.tokens.len())
    }

    /// Returns the choices after the tokens that were read to the end, and adds a draft of at most `max_tokens` tokens to `sources`. The
    /// cache counts drafted tokens only once they are accepted.
    pub(super) fn draft(
        &mut self,
        max_tokens: usize,
        sources: &mut Vec<TokenSource>,
        cache: &mut PagedKvCache,
    ) -> Vec<DraftTokens> {
        let choices = self.state.next_choices(max_tokens);
        let known = sources.len();
        sources.extend(choices.iter().flat_map(|choice| &choice.tokens).map(|token| TokenSource::Id(*token)));
        cache.allocate(&mut self.block_table, self.read + sources.len() - known);
        choices
    }

    /// Counts drafted tokens as read as far as they were sampled. Returns true if all were.
    pub(super) fn accept_draft(&mut self, drafted: &[u32]) -> bool {
        let unread = &self.tokens[self.read.min(self.tokens.len())..];
        let same = unread.iter().zip(drafted).take_while(|(token, drafted)| token == drafted).count();
        self.read += same;
        same == drafted.len()
    }

    /// The known tokens whose keys and values the cache holds.
    pub(super) fn in_cache(&self) -> &[u32] {
        &self.tokens[..self.read.min(self.tokens.len())]
    }
}
