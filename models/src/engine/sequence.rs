//! A sequence in the engine: a row of a generation, and where it stands in the cache.

use tiller_kernels::decode::{PAGE, TokenSource};

use super::paged_kv_cache::PagedKvCache;
use crate::llama::{DraftTokens, SequenceState, TokenConstraint};

/// One sequence.
pub(super) struct Sequence<'a, G> {
    /// Its prompt's number.
    pub(super) number: usize,
    /// Where its answers come.
    pub(super) slot: usize,
    /// The adapter that it goes through, counted from 1; 0 for none.
    pub(super) adapter: usize,
    pub(super) row: SequenceState<'a, G>,
    /// The prompt and what was chosen since.
    pub(super) tokens: Vec<u32>,
    /// Its pages of the cache.
    pub(super) table: Vec<u32>,
    /// Positions that the cache holds, or will when all steps so far are done.
    read: usize,
    /// Whether pages were looked for.
    pub(super) begun: bool,
    /// Questions whose answers have not come back.
    pub(super) ahead: usize,
}

impl<'a, G: TokenConstraint> Sequence<'a, G> {
    pub(super) fn new(number: usize, slot: usize, adapter: usize, prompt: &[u32], row: SequenceState<'a, G>) -> Self {
        let tokens = prompt.to_vec();
        Self { number, slot, adapter, row, tokens, table: Vec::new(), read: 0, begun: false, ahead: 0 }
    }

    /// Begins with the pages that are known already.
    pub(super) fn begin(&mut self, pages: &mut PagedKvCache) {
        self.table = pages.match_prefix(self.adapter, &self.tokens);
        self.read = self.table.len() * PAGE;
        self.begun = true;
    }

    /// The position of the next token to be read.
    pub(super) fn position(&self) -> usize {
        self.read
    }

    /// How many tokens it could read in a step; one whose id is not known yet counts as well.
    pub(super) fn unread(&self) -> usize {
        match self.ahead {
            0 => self.tokens.len() - self.read,
            ahead => usize::from(ahead < self.row.lookahead() && ahead < self.row.room()),
        }
    }

    /// Whether it has to see an answer before it knows how to go on.
    pub(super) fn is_waiting(&self) -> bool {
        self.ahead > 0 && self.ahead >= self.row.lookahead()
    }

    /// Takes up to `most` tokens into a step. Says whether they reach its end, where there is a question to be asked.
    pub(super) fn read(&mut self, most: usize, pages: &mut PagedKvCache) -> (Vec<TokenSource>, bool) {
        let count = self.unread().min(most);
        let sources: Vec<TokenSource> = match self.ahead {
            0 => self.tokens[self.read..][..count].iter().map(|token| TokenSource::Id(*token)).collect(),
            _ => vec![TokenSource::Sampled(self.slot); count],
        };
        self.read += count;
        pages.allocate(&mut self.table, self.read);
        (sources, self.read >= self.tokens.len())
    }

    /// What is asked behind the tokens that were read to the end. A draft of at most `room` tokens is read along, which the cache does not
    /// count before it is confirmed.
    pub(super) fn ask(
        &mut self,
        room: usize,
        sources: &mut Vec<TokenSource>,
        pages: &mut PagedKvCache,
    ) -> Vec<DraftTokens> {
        let drafts = self.row.questions(room);
        let known = sources.len();
        sources
            .extend(drafts.iter().flat_map(|draft_tokens| &draft_tokens.tokens).map(|token| TokenSource::Id(*token)));
        pages.allocate(&mut self.table, self.read + sources.len() - known);
        drafts
    }

    /// Counts drafted tokens as read, as far as they came true; says whether all did.
    pub(super) fn confirm(&mut self, run: &[u32]) -> bool {
        let unread = &self.tokens[self.read.min(self.tokens.len())..];
        let same = unread.iter().zip(run).take_while(|(token, draft_tokens)| token == draft_tokens).count();
        self.read += same;
        same == run.len()
    }

    /// The tokens whose keys and values the cache holds, as far as they are known.
    pub(super) fn in_cache(&self) -> &[u32] {
        &self.tokens[..self.read.min(self.tokens.len())]
    }
}
