//! The launches of the shaders that include `lib/columns.wgsl`: packed matrices times the columns of a step, with a norm before and
//! an adapter beside, if there are any.

use super::adapter::LowRank;
use super::builder::Builder;
use super::launch::{Launch, Over, Reads};
use super::matrix::{Matrix, Shard};
use crate::kernel::Kernel;
use crate::matmul::launch::with_scheme;
use crate::quant::{RUN, Scheme};

/// Columns that share a read of the weights, in the variants that there are. More are taken in groups of the most.
pub const COLUMNS: [usize; 4] = [1, 2, 4, 8];

/// Rows of a matrix in one workgroup, which share what is read of the columns; even, since some shaders need pairs.
pub(super) const ROWS: usize = 4;

/// Invocations of a workgroup, at least (ROWS + 1) · 8: the sums are written by one each.
pub(super) const WORKGROUP: usize = 64;

/// The variant for so many columns: the narrowest that holds them, or the widest.
pub fn columns_for(count: usize) -> usize {
    COLUMNS.into_iter().find(|columns| *columns >= count).unwrap_or(COLUMNS[COLUMNS.len() - 1])
}

/// What happens to a column before the product.
#[derive(Debug, Clone, Copy)]
pub enum Norm<'a> {
    /// Nothing.
    None,
    /// It is multiplied by a gain, number by number.
    Gain(&'a wgpu::Buffer),
    /// The root-mean-square norm (Zhang and Sennrich, 2019).
    Rms {
        /// `[width]`, filled up to whole runs.
        gain: &'a wgpu::Buffer,
        /// Added to the mean square.
        epsilon: f32,
    },
}

impl Norm<'_> {
    fn gain(&self) -> Option<&wgpu::Buffer> {
        match self {
            Norm::None => None,
            Norm::Gain(gain) | Norm::Rms { gain, .. } => Some(gain),
        }
    }
}

/// The constants of `lib/columns.wgsl`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Constants {
    pub(super) scheme: Scheme,
    pub(super) columns: usize,
    pub(super) rows: usize,
    pub(super) starts_at: usize,
    pub(super) cols: usize,
    pub(super) norm: NormKind,
    pub(super) adapter: Option<AdapterShape>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NormKind {
    None,
    Gain,
    Rms { epsilon: u32 },
}

impl From<Norm<'_>> for NormKind {
    fn from(norm: Norm) -> Self {
        match norm {
            Norm::None => NormKind::None,
            Norm::Gain(_) => NormKind::Gain,
            Norm::Rms { epsilon, .. } => NormKind::Rms { epsilon: epsilon.to_bits() },
        }
    }
}

/// Where a shader finds the parts of an adapter.
#[derive(Debug, Clone, Copy)]
pub(super) struct AdapterShape {
    pub(super) rank: usize,
    pub(super) segments: usize,
    pub(super) u_at: usize,
}

impl Constants {
    /// The variants of a shader, best first.
    pub(super) fn variants(self, shader: &'static str) -> [Kernel; 2] {
        let norm = match self.norm {
            NormKind::None => 0u32,
            NormKind::Gain => 1,
            NormKind::Rms { .. } => 2,
        };
        let mut kernel = Kernel::new(shader)
            .with("COLUMNS", self.columns as u32)
            .with("ROWS", ROWS as u32)
            .with("RUNS", self.cols.div_ceil(RUN) as u32)
            .with("OUTPUTS", self.rows as u32)
            .with("STARTS_AT", self.starts_at as u32)
            .with("WORKGROUP", WORKGROUP as u32)
            .with("NORM", norm)
            .with("LORA", self.adapter.is_some());
        if let NormKind::Rms { epsilon } = self.norm {
            kernel = kernel.with("WIDTH", self.cols as u32).with("EPSILON", epsilon);
        }
        if let Some(AdapterShape { rank, segments, u_at }) = self.adapter {
            kernel = kernel.with("RANK", rank as u32).with("SEGMENTS", segments as u32).with("U_AT", u_at as u32);
        }
        with_scheme(kernel, self.scheme).summing()
    }

    /// Samples of what a model may ask for, for the translation test: every scheme, the narrowest and the widest columns, with and
    /// without an adapter.
    pub(super) fn samples(norms: &[NormKind]) -> Vec<Constants> {
        let adapter = AdapterShape { rank: 16, segments: 1, u_at: 640 };
        let mut samples = Vec::new();
        for scheme in Scheme::ALL {
            for (columns, adapter) in [(1, None), (1, Some(adapter)), (8, None), (8, Some(adapter))] {
                for &norm in norms {
                    samples.push(Constants { scheme, columns, rows: 40, starts_at: 0, cols: 512, norm, adapter });
                }
            }
        }
        samples
    }
}

/// A matrix of the model, with what stands before and beside it.
#[derive(Debug, Clone, Copy)]
pub struct Layer<'a> {
    /// W, `[outputs, inputs]`.
    pub matrix: &'a Matrix,
    /// What happens to the columns before.
    pub norm: Norm<'a>,
    /// B A.
    pub adapter: Option<&'a LowRank>,
}

/// How a product's grid is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grid {
    /// The rows times the tokens of the step.
    Tokens,
    /// The rows times the questions that are asked of the whole vocabulary.
    Asked,
    /// The chunks of listed tokens, which say the rows.
    Chunks,
}

impl Builder<'_> {
    /// The launches of a product, one per shard, and before them the adapter's. The shader has constants of its `own`; its bindings
    /// are x, the weight, gain and adapter where there are any, `further`, and the frame.
    pub(super) fn product(
        &mut self,
        shader: &'static str,
        own: &[(&'static str, usize)],
        layer: Layer,
        grid: Grid,
        x: &wgpu::Buffer,
        further: &[&wgpu::Buffer],
    ) -> Vec<Launch> {
        let Layer { matrix, norm, adapter } = layer;
        let columns = if grid == Grid::Chunks { 1 } else { self.columns };
        let mut launches = adapter.map_or(vec![], |adapter| self.low_rank(adapter, norm, x));
        for Shard { weight, first } in &matrix.shards {
            let rows = weight.outputs();
            let constants = Constants {
                scheme: matrix.scheme(),
                columns,
                rows,
                starts_at: *first,
                cols: matrix.cols(),
                norm: norm.into(),
                adapter: adapter.map(LowRank::shape),
            };
            let kernel = self.best(constants.variants(shader).map(|kernel| with_own(kernel, own)));
            let whole = wgpu::Buffer::as_entire_binding;
            let buffers: Vec<wgpu::BindingResource> = [whole(x)]
                .into_iter()
                .chain(weight.bindings())
                .chain(norm.gain().map(whole))
                .chain(adapter.map(|adapter| whole(adapter.buffer())))
                .chain(further.iter().map(|buffer| whole(buffer)))
                .chain([whole(self.frame)])
                .collect();
            let of_rows =
                |rows| matrix.scheme().bytes(rows, matrix.cols()) + adapter.map_or(0, |a| a.row_bytes() * rows);
            let workgroups = rows.div_ceil(ROWS);
            let (over, weights) = match grid {
                Grid::Tokens => (Over::Columns { columns, workgroups }, of_rows(rows)),
                Grid::Asked => (Over::Asked { columns, workgroups }, of_rows(rows)),
                Grid::Chunks => (Over::Chunks, of_rows(ROWS)),
            };
            launches.push(Launch::new(self.pipelines.step(&kernel, &buffers, 1), over, Reads { weights, key: 0 }));
        }
        launches
    }
}

pub(super) fn with_own(kernel: Kernel, own: &[(&'static str, usize)]) -> Kernel {
    own.iter().fold(kernel, |kernel, (name, value)| kernel.with(name, *value as u32))
}
