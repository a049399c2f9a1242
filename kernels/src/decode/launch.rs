//! One launch in the sequence of a decoding step.

use super::step_inputs::StepCounts;
use crate::pipelines::ComputeStep;

/// A dispatch with fixed pipeline and buffers, and a grid that depends on the step.
#[derive(Debug, Clone)]
pub struct Launch {
    step: ComputeStep,
    over: Over,
    costs: Costs,
}

/// The rule for a launch's number of workgroups.
#[derive(Debug, Clone, Copy)]
pub(super) enum Over {
    /// `workgroups` for every `columns` of the step's tokens.
    Columns { columns: usize, workgroups: usize },
    /// [`Columns`](Over::Columns), and none if no token has an adapter.
    Adapted { columns: usize, workgroups: usize },
    /// `workgroups` for every `columns` of the requests for the whole vocabulary.
    FullVocab { columns: usize, workgroups: usize },
    /// Workgroups per token.
    Tokens(usize),
    /// `each` invocations per token, `workgroup` of them to a workgroup.
    Numbers { each: usize, workgroup: usize },
    /// Workgroups per tile and split.
    Tiles(usize),
    /// One workgroup per chunk of listed tokens.
    Chunks,
    /// One workgroup per request.
    Requests,
}

/// The costs of a launch. Bytes are those of weights and of the KV cache: the rest is small beside them and
/// stays in caches.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Costs {
    /// Bytes for every workgroup's columns: the weights. For chunks, of one chunk.
    pub(super) weights: usize,
    /// Bytes of an adapter. A launch over [`Over::Adapted`] has them as its weights.
    pub(super) adapter: usize,
    /// Operations of a column, two per multiply-add.
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

    /// Adds the dispatch to a pass, for a step of these counts, unless its grid is empty.
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

    /// Bytes of weights and cache that the launch reads in a step of these counts. Where tokens have several
    /// adapters, every group of columns counts as reading all of them, an upper bound.
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

    /// Operations of products and of attention in a step of these counts, two per multiply-add.
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
