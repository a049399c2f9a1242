//! A kernel's place in the sequence that makes a step of decoding.

use super::step_inputs::StepCounts;
use crate::pipelines::ComputeStep;

/// A dispatch whose pipeline and buffers stand, and whose grid depends on the step.
#[derive(Debug, Clone)]
pub struct Launch {
    step: ComputeStep,
    over: Over,
    costs: Costs,
}

/// What a grid is made of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Over {
    /// So many workgroups for every `columns` of the step's tokens.
    Columns { columns: usize, workgroups: usize },
    /// The same, where any of the tokens has an adapter.
    Adapted { columns: usize, workgroups: usize },
    /// The same, of the requests that are asked of the whole vocabulary.
    FullVocab { columns: usize, workgroups: usize },
    /// So many workgroups per token.
    Tokens(usize),
    /// So many invocations per token, `workgroup` together.
    Numbers { each: usize, workgroup: usize },
    /// So many workgroups per tile and split.
    Tiles(usize),
    /// One workgroup per chunk of listed tokens.
    Chunks,
    /// One workgroup per request.
    Requests,
}

/// What a launch costs. Of bytes those of weights and of the cache: the rest is small beside them, and stays in caches.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Costs {
    /// Bytes for every workgroup's columns: the weights. For chunks, of one chunk.
    pub(super) weights: usize,
    /// Bytes of an adapter beside them. A launch over [`Over::Adapted`] has the adapter's own for weights.
    pub(super) adapter: usize,
    /// Operations of a column, of which a multiply-add is two.
    pub(super) column: usize,
    /// Bytes for every key of a tile.
    pub(super) key: usize,
    /// Operations for every token and every key that it sees.
    pub(super) pair: usize,
}

impl Launch {
    pub(super) fn new(step: ComputeStep, over: Over, costs: Costs) -> Self {
        Launch { step, over, costs }
    }

    /// Adds the dispatch to a pass, for a step of these counts; none where there is nothing to do.
    pub fn encode(&self, pass: &mut wgpu::ComputePass, counts: &StepCounts) {
        match self.workgroups(counts) {
            0 => {}
            workgroups => self.step.encode_over(pass, workgroups),
        }
    }

    /// Workgroups in a step of these counts.
    pub fn workgroups(&self, counts: &StepCounts) -> usize {
        match self.over {
            Over::Columns { columns, workgroups } => counts.tokens.div_ceil(columns) * workgroups,
            Over::Adapted { .. } if counts.adapters == 0 => 0,
            Over::Adapted { columns, workgroups } => counts.tokens.div_ceil(columns) * workgroups,
            Over::FullVocab { columns, workgroups } => counts.full.div_ceil(columns) * workgroups,
            Over::Tokens(workgroups) => counts.tokens * workgroups,
            Over::Numbers { each, workgroup } => (counts.tokens * each).div_ceil(workgroup),
            Over::Tiles(workgroups) => counts.tiles * counts.splits * workgroups,
            Over::Chunks => counts.chunks,
            Over::Requests => counts.requests,
        }
    }

    /// Bytes of weights and cache that the launch reads in a step of these counts. Where tokens have several adapters, every group of
    /// columns counts as reading all of these, which is the most that it may.
    pub fn bytes(&self, counts: &StepCounts) -> usize {
        let Costs { weights, adapter, key, .. } = self.costs;
        let of_columns = weights + counts.adapters * adapter;
        let products = match self.over {
            Over::Columns { columns, .. } => counts.tokens.div_ceil(columns) * of_columns,
            Over::Adapted { columns, .. } => counts.tokens.div_ceil(columns) * counts.adapters * weights,
            Over::FullVocab { columns, .. } => counts.full.div_ceil(columns) * of_columns,
            Over::Tokens(_) => counts.tokens * weights,
            Over::Chunks => counts.chunks * of_columns,
            Over::Numbers { .. } | Over::Tiles(_) | Over::Requests => 0,
        };
        products + counts.keys * key
    }

    /// Operations of products and of attention in a step of these counts, of which a multiply-add is two.
    pub fn operations(&self, counts: &StepCounts) -> usize {
        let columns = match self.over {
            Over::Columns { .. } => counts.tokens,
            Over::Adapted { .. } => counts.tokens * counts.adapters,
            Over::FullVocab { .. } => counts.full,
            Over::Chunks => counts.chunks,
            Over::Tokens(_) | Over::Numbers { .. } | Over::Tiles(_) | Over::Requests => 0,
        };
        columns * self.costs.column + counts.pairs * self.costs.pair
    }
}
