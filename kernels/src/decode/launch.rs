//! A kernel's place in the sequence that makes a step of decoding.

use super::frame::Counts;
use crate::pipelines::Step;

/// A dispatch whose pipeline and buffers stand, and whose grid depends on the step.
#[derive(Debug, Clone)]
pub struct Launch {
    step: Step,
    over: Over,
    reads: Reads,
}

/// What a grid is made of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Over {
    /// So many workgroups for every `columns` of the step's tokens.
    Columns { columns: usize, workgroups: usize },
    /// The same, of the questions that are asked of the whole vocabulary.
    Asked { columns: usize, workgroups: usize },
    /// So many workgroups per token.
    Tokens(usize),
    /// So many invocations per token, `workgroup` together.
    Numbers { each: usize, workgroup: usize },
    /// So many workgroups per tile and split.
    Tiles(usize),
    /// One workgroup per chunk of listed tokens.
    Chunks,
    /// One workgroup per question.
    Questions,
}

/// What a launch reads of weights and of the cache, in bytes: the rest is small beside them, and stays in caches.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Reads {
    /// For every workgroup's columns: the weights. For chunks, of one chunk.
    pub(super) weights: usize,
    /// For every key of a tile.
    pub(super) key: usize,
}

impl Launch {
    pub(super) fn new(step: Step, over: Over, reads: Reads) -> Self {
        Launch { step, over, reads }
    }

    /// Adds the dispatch to a pass, for a step of these counts; none where there is nothing to do.
    pub fn encode(&self, pass: &mut wgpu::ComputePass, counts: &Counts) {
        match self.workgroups(counts) {
            0 => {}
            workgroups => self.step.encode_over(pass, workgroups),
        }
    }

    /// Workgroups in a step of these counts.
    pub fn workgroups(&self, counts: &Counts) -> usize {
        match self.over {
            Over::Columns { columns, workgroups } => counts.tokens.div_ceil(columns) * workgroups,
            Over::Asked { columns, workgroups } => counts.full.div_ceil(columns) * workgroups,
            Over::Tokens(workgroups) => counts.tokens * workgroups,
            Over::Numbers { each, workgroup } => (counts.tokens * each).div_ceil(workgroup),
            Over::Tiles(workgroups) => counts.tiles * counts.splits * workgroups,
            Over::Chunks => counts.chunks,
            Over::Questions => counts.questions,
        }
    }

    /// Bytes of weights and cache that the launch reads in a step of these counts.
    pub fn bytes(&self, counts: &Counts) -> usize {
        let times = match self.over {
            Over::Columns { columns, .. } => counts.tokens.div_ceil(columns),
            Over::Asked { columns, .. } => counts.full.div_ceil(columns),
            Over::Tokens(_) => counts.tokens,
            Over::Chunks => counts.chunks,
            Over::Numbers { .. } | Over::Tiles(_) | Over::Questions => 0,
        };
        times * self.reads.weights + counts.keys * self.reads.key
    }
}
