//! Scores of given texts: the log-probability of each of many continuations of one prompt.
//!
//! Continuations that begin alike share their beginnings: together they are a prefix tree (trie), and the log-probability of a continuation is
//! the sum over its edges. A [`TreeWalk`] reads the tree depth first. Each node is read once, behind the tokens that lead to it; from the
//! end of a branch the walk returns to where the next one departs, and overwrites the branch in the KV cache.

use std::ops::Range;

use super::request::check_tokens;
use crate::llama::LlamaConfig;
use crate::{Error, Result};

/// A depth-first walk over the continuations of a prompt, and their scores so far.
#[derive(Debug)]
pub(crate) struct TreeWalk {
    /// The tokens in the order of reading, those of the prompt first.
    pub(crate) reads: Vec<TreeRead>,
    /// The continuations in ascending order of their tokens.
    order: Vec<usize>,
    /// The log-probability of each continuation, in the order in which they were given.
    pub(crate) scores: Vec<f64>,
}

/// A token to read, and the tokens whose log-probabilities behind it are needed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TreeRead {
    /// Its position in the sequence.
    pub(crate) position: usize,
    /// The token.
    pub(crate) token: u32,
    /// The tokens that follow it in some continuation, ascending.
    pub(crate) followers: Vec<Follower>,
}

/// A token that follows in some continuations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Follower {
    /// The token.
    pub(crate) token: u32,
    /// The places of those continuations in ascending order.
    places: Range<usize>,
}

impl TreeWalk {
    /// The walk over `continuations` behind `prompt`, which is not empty. A node with more than `most` followers is read several times.
    pub(crate) fn new(prompt: &[u32], continuations: &[Vec<u32>], most: usize) -> Self {
        let mut order: Vec<usize> = (0..continuations.len()).collect();
        order.sort_by_key(|&number| &continuations[number]);
        let sorted: Vec<&[u32]> = order.iter().map(|&number| continuations[number].as_slice()).collect();
        let read = |(position, &token): (usize, &u32)| TreeRead { position, token, followers: Vec::new() };
        let mut reads: Vec<TreeRead> = prompt.iter().enumerate().map(read).collect();
        if let Some(TreeRead { position, token, .. }) = reads.pop() {
            visit(&mut reads, (position, token), (&sorted, 0..sorted.len()), 0, most);
        }
        Self { reads, order, scores: vec![0.0; continuations.len()] }
    }

    /// Adds the log-probability of a follower of a read token.
    pub(crate) fn add(&mut self, read: usize, follower: usize, log_prob: f64) {
        for place in self.reads[read].followers[follower].places.clone() {
            self.scores[self.order[place]] += log_prob;
        }
    }
}

/// Appends the reads of a node, `depth` tokens behind the prompt, and of all below it. `places` are the continuations that lead through it.
fn visit(
    reads: &mut Vec<TreeRead>,
    (position, token): (usize, u32),
    (sorted, places): (&[&[u32]], Range<usize>),
    depth: usize,
    most: usize,
) {
    // What ends here comes first in ascending order.
    let ended = sorted[places.clone()].partition_point(|tokens| tokens.len() == depth);
    let mut first = places.start + ended;
    let mut followers = Vec::new();
    for alike in sorted[first..places.end].chunk_by(|one, other| one[depth] == other[depth]) {
        followers.push(Follower { token: alike[0][depth], places: first..first + alike.len() });
        first += alike.len();
    }
    for followers in followers.chunks(most) {
        reads.push(TreeRead { position, token, followers: followers.to_vec() });
    }
    for Follower { token, places } in followers {
        visit(reads, (position + 1, token), (sorted, places), depth + 1, most);
    }
}

/// Refuses prompts and continuations that a model of these sizes cannot read. Returns the length of the longest sequence.
pub(crate) fn check_continuations(
    config: &LlamaConfig,
    prompts: &[Vec<u32>],
    continuations: &[Vec<Vec<u32>>],
) -> Result<usize> {
    assert_eq!(prompts.len(), continuations.len(), "the continuations of each prompt");
    let mut longest = 0;
    for (number, (prompt, continuations)) in prompts.iter().zip(continuations).enumerate() {
        let at = || Error::bad_input(format!("prompt {number}"));
        let length = prompt.len() + continuations.iter().map(Vec::len).max().unwrap_or(0);
        if prompt.is_empty() || length > config.max_positions {
            return Err(at()
                .expected(format!("1 to {} tokens with its longest continuation", config.max_positions))
                .found(format!("{length} tokens"))
                .next("shorten the prompt")
                .into());
        }
        std::iter::once(prompt)
            .chain(continuations)
            .try_for_each(|tokens| check_tokens(at, tokens, config.vocab_size))?;
        longest = longest.max(length);
    }
    Ok(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_node_is_read_once_and_counts_for_all_that_lead_through_it() {
        let continuations = [vec![5, 7], vec![4], vec![5, 6, 8], vec![5, 7], vec![], vec![5]];
        let mut walk = TreeWalk::new(&[1, 2], &continuations, 8);
        let read: Vec<(usize, u32, Vec<u32>)> = walk
            .reads
            .iter()
            .map(|read| (read.position, read.token, read.followers.iter().map(|follower| follower.token).collect()))
            .collect();
        assert_eq!(read, [(0, 1, vec![]), (1, 2, vec![4, 5]), (2, 5, vec![6, 7]), (3, 6, vec![8])]);
        for (number, log_prob) in [(1, [-1.0, -10.0]), (2, [-100.0, -1000.0])] {
            (0..2).for_each(|follower| walk.add(number, follower, log_prob[follower]));
        }
        walk.add(3, 0, -0.5);
        assert_eq!(walk.scores, [-1010.0, -1.0, -110.5, -1010.0, 0.0, -10.0]);
    }

    #[test]
    fn a_node_with_many_followers_is_read_several_times() {
        let continuations: Vec<Vec<u32>> = (0..5).map(|token| vec![token]).collect();
        let walk = TreeWalk::new(&[9], &continuations, 2);
        let read: Vec<(usize, usize)> = walk.reads.iter().map(|read| (read.position, read.followers.len())).collect();
        assert_eq!(read, [(0, 2), (0, 2), (0, 1)]);
    }
}
