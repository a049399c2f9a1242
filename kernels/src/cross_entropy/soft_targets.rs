//! The targets of a cross-entropy: for each token a distribution over some ids, of which a single id is the usual case.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};

/// An id and its share of a distribution.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub struct TargetShare {
    /// A token id.
    pub id: u32,
    /// Its probability.
    pub share: f32,
}

/// A distribution over some ids for each of many tokens (soft targets, as a teacher gives them in knowledge distillation).
#[derive(Debug, Clone, PartialEq)]
pub struct SoftTargets {
    /// `[tokens + 1]` The shares of token t are the entries `starts[t] .. starts[t + 1]`, by ascending id.
    starts: Vec<u32>,
    entries: Vec<TargetShare>,
}

impl Default for SoftTargets {
    fn default() -> Self {
        Self { starts: vec![0], entries: Vec::new() }
    }
}

impl SoftTargets {
    /// Adds the target of the next token: distinct ids, and shares whose sum is 1.
    pub fn push(&mut self, shares: impl IntoIterator<Item = TargetShare>) {
        let start = self.entries.len();
        self.entries.extend(shares);
        self.entries[start..].sort_unstable_by_key(|entry| entry.id);
        self.starts.push(self.entries.len() as u32);
    }

    /// Adds a single id as the target of the next token.
    pub fn push_id(&mut self, id: u32) {
        self.push([TargetShare { id, share: 1.0 }]);
    }

    /// The number of tokens.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Returns true where there is no token.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `[tokens + 1]` The first share of each token, and the end of all.
    pub(super) fn starts(&self) -> &[u32] {
        &self.starts
    }

    /// The shares of all tokens.
    pub(super) fn entries(&self) -> &[TargetShare] {
        &self.entries
    }

    /// The shares of one token.
    pub(super) fn of(&self, token: usize) -> &[TargetShare] {
        &self.entries[self.starts[token] as usize..self.starts[token + 1] as usize]
    }

    /// The targets of some of the tokens.
    pub(super) fn rows(&self, tokens: Range<usize>) -> Self {
        let first = self.starts[tokens.start];
        let entries = first as usize..self.starts[tokens.end] as usize;
        let starts = self.starts[tokens.start..=tokens.end].iter().map(|start| start - first).collect();
        Self { starts, entries: self.entries[entries].to_vec() }
    }
}

impl FromIterator<u32> for SoftTargets {
    fn from_iter<I: IntoIterator<Item = u32>>(ids: I) -> Self {
        let mut targets = Self::default();
        ids.into_iter().for_each(|id| targets.push_id(id));
        targets
    }
}
