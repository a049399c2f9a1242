//! The launches of the shaders that include `lib/matmul_common.wgsl`: packed matrices times the columns of a step, with a norm before and
//! adapters beside, if there are any.

use super::builder::StepBuilder;
use super::launch::{Costs, Launch, Over};
use super::low_rank::LowRank;
use super::matrix::{Matrix, Shard};
use crate::kernel::Kernel;
use crate::matmul::launch::{TILE, with_scheme};
use crate::quant::{PACK, QuantScheme};

/// Columns that share a read of the weights where they are few, in the variants that there are.
pub const COLUMNS: [usize; 4] = [1, 2, 4, 8];

/// The most columns that are few: they are taken in groups of up to 8. More are many: tiles of 64 columns and 64 rows, which cost as much
/// half empty as full.
pub const MAX_GEMV_COLUMNS: usize = TILE / 2;

/// Rows of a matrix in one workgroup, where columns are few, which share what is read of the columns; even, since they are finished in
/// pairs.
pub(super) const ROWS: usize = 4;

/// Invocations of a workgroup where columns are few, at least (ROWS + 1) · 8: the sums are written by one each.
pub(super) const WORKGROUP: usize = 64;

/// Invocations of a workgroup where they are many.
const TILE_WORKGROUP: usize = 128;

/// The variant for so many columns: the narrowest that holds them, the widest of those for few, or 64.
pub fn columns_for(count: usize) -> usize {
    let most = COLUMNS[COLUMNS.len() - 1];
    match count {
        0..=MAX_GEMV_COLUMNS => COLUMNS.into_iter().find(|columns| *columns >= count).unwrap_or(most),
        _ => TILE,
    }
}

/// Whether the quants of a scheme can be multiplied by int8 quants: a weight is a whole number times a scale, plus an offset.
pub(super) fn takes_int8(scheme: QuantScheme) -> bool {
    matches!(scheme, QuantScheme::Q8 | QuantScheme::Q4 | QuantScheme::Q4Affine | QuantScheme::Q4K)
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
    pub(super) fn gain(&self) -> Option<&wgpu::Buffer> {
        match self {
            Norm::None => None,
            Norm::Gain(gain) | Norm::Rms { gain, .. } => Some(gain),
        }
    }
}

/// The constants of `lib/matmul_common.wgsl`, and of what it is included by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Constants {
    pub(super) scheme: QuantScheme,
    /// One of [`COLUMNS`], or [`TILE`].
    pub(super) columns: usize,
    /// Of this part of the matrix.
    pub(super) rows: usize,
    pub(super) starts_at: usize,
    pub(super) cols: usize,
    pub(super) norm: NormKind,
    pub(super) adapters: Option<AdapterShape>,
    /// Where the matrix is the A of several adapters: rows of each. Else 0.
    pub(super) adapter_rows: usize,
    /// Whether columns come in int8 quants: few, for a scheme that [`takes_int8`].
    pub(super) int8: bool,
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

/// How the parts of adapters lie in their buffer.
#[derive(Debug, Clone, Copy)]
pub(super) struct AdapterShape {
    pub(super) adapters: usize,
    /// Of the whole matrix.
    pub(super) outputs: usize,
    pub(super) segments: usize,
    pub(super) rank: usize,
}

impl AdapterShape {
    /// Where u begins, in numbers.
    pub(super) fn u_at(self) -> usize {
        self.adapters * self.outputs * self.rank
    }

    /// Bytes of B and of the u of so many tokens.
    pub(super) fn bytes_for(self, tokens: usize) -> usize {
        (self.u_at() + tokens * self.u_width()) * size_of::<f32>()
    }

    /// Numbers of a token's u.
    pub(super) fn u_width(self) -> usize {
        self.adapters * self.segments * self.rank
    }
}

impl Constants {
    /// The variants of a shader that multiplies by few columns or by many, best first.
    pub(super) fn variants(self, shader: &'static str) -> Vec<Kernel> {
        let kernel = self.kernel(shader);
        if self.columns == TILE {
            let kernel = kernel.with("GEMM", 1u32).with("WORKGROUP", TILE_WORKGROUP as u32).with("BACKWARD", 0u32);
            return kernel.gemm_variants().to_vec();
        }
        self.gemv(kernel.with("GEMM", 0u32))
    }

    /// The variants of a shader that only ever multiplies by few, best first.
    pub(super) fn gemv_variants(self, shader: &'static str) -> Vec<Kernel> {
        self.gemv(self.kernel(shader))
    }

    fn gemv(self, kernel: Kernel) -> Vec<Kernel> {
        kernel
            .with("COLUMNS", self.columns as u32)
            .with("ROWS", ROWS as u32)
            .with("WORKGROUP", WORKGROUP as u32)
            .with("ADAPTER_ROWS", self.adapter_rows as u32)
            .with("INT8", self.int8)
            .reduction_variants()
            .to_vec()
    }

    fn kernel(self, shader: &'static str) -> Kernel {
        let mut kernel = Kernel::new(shader)
            .with("PACKS", self.cols.div_ceil(PACK) as u32)
            .with("OUTPUTS", self.rows as u32)
            .with("STARTS_AT", self.starts_at as u32)
            .with("GAIN", self.norm != NormKind::None && !self.int8)
            .with("RMS", matches!(self.norm, NormKind::Rms { .. }))
            .with("LORA", self.adapters.is_some());
        if let NormKind::Rms { epsilon } = self.norm {
            kernel = kernel.with("WIDTH", self.cols as u32).with("EPSILON", epsilon);
        }
        if let Some(AdapterShape { adapters, outputs, segments, rank }) = self.adapters {
            kernel = kernel
                .with("ADAPTERS", adapters as u32)
                .with("ALL_OUTPUTS", outputs as u32)
                .with("SEGMENTS", segments as u32)
                .with("RANK", rank as u32);
        }
        with_scheme(kernel, self.scheme)
    }

    /// Samples of what a model may ask for, for the translation test: every scheme, the narrowest and the widest of few columns, and many,
    /// with and without adapters.
    pub(super) fn samples(norms: &[NormKind]) -> Vec<Constants> {
        let shape = AdapterShape { adapters: 2, outputs: 40, segments: 1, rank: 16 };
        let mut samples = Vec::new();
        for scheme in QuantScheme::ALL {
            for columns in [1, 8, TILE] {
                for adapters in [None, Some(shape)] {
                    for int8 in [false, true].into_iter().filter(|int8| !int8 || columns < TILE && takes_int8(scheme)) {
                        let sample = |&norm| Constants {
                            scheme,
                            columns,
                            rows: 40,
                            starts_at: 0,
                            cols: 512,
                            norm,
                            adapters,
                            adapter_rows: 0,
                            int8,
                        };
                        samples.extend(norms.iter().map(sample));
                    }
                }
            }
        }
        samples
    }
}

/// A matrix of the model, with what stands before and beside it.
#[derive(Debug, Clone, Copy)]
pub struct FusedLinear<'a> {
    /// W, `[outputs, inputs]`.
    pub matrix: &'a Matrix,
    /// What happens to the columns before.
    pub norm: Norm<'a>,
    /// B A, of every adapter.
    pub adapters: Option<&'a LowRank>,
}

/// How a product's grid is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grid {
    /// The rows times the tokens of the step.
    Tokens,
    /// The rows times the requests that are asked of the whole vocabulary.
    FullVocab,
    /// The chunks of listed tokens, which say the rows.
    Chunks,
}

impl StepBuilder<'_> {
    /// The launches of a product, one per shard, and before them the adapters'. The shader has constants of its `own`; its bindings
    /// are x, the weight, gain and adapters where there are any, `further`, and the step inputs.
    pub(super) fn product(
        &mut self,
        shader: &'static str,
        own: &[(&'static str, usize)],
        layer: FusedLinear,
        grid: Grid,
        x: &wgpu::Buffer,
        further: &[&wgpu::Buffer],
    ) -> Vec<Launch> {
        let before = layer.adapters.map_or(vec![], |adapters| self.low_rank(adapters, layer.norm, x));
        let after = self.product_alone(shader, own, layer, 0, grid, x, further);
        before.into_iter().chain(after).collect()
    }

    /// The launches of a product without those that its adapters need before; with `adapter_rows` where the matrix is theirs.
    #[allow(clippy::too_many_arguments)] // every one of them is another part of the launch
    pub(super) fn product_alone(
        &mut self,
        shader: &'static str,
        own: &[(&'static str, usize)],
        FusedLinear { matrix, norm, adapters }: FusedLinear,
        adapter_rows: usize,
        grid: Grid,
        x: &wgpu::Buffer,
        further: &[&wgpu::Buffer],
    ) -> Vec<Launch> {
        let columns = if grid == Grid::Chunks { 1 } else { self.columns };
        let rows_at_once = if columns == TILE { TILE } else { ROWS };
        let mut launches = Vec::new();
        let few = columns < TILE && grid != Grid::Chunks;
        let quants = self.int8.filter(|_| few && takes_int8(matrix.scheme()));
        launches.extend(quants.map(|quants| self.quantize(matrix.cols(), norm, x, quants)));
        for Shard { weight, first } in &matrix.shards {
            let rows = weight.outputs();
            let constants = Constants {
                scheme: matrix.scheme(),
                columns,
                rows,
                starts_at: *first,
                cols: matrix.cols(),
                norm: norm.into(),
                adapters: adapters.map(LowRank::shape),
                adapter_rows,
                int8: quants.is_some(),
            };
            let variants = match grid {
                Grid::Chunks => constants.gemv_variants(shader),
                Grid::Tokens | Grid::FullVocab => constants.variants(shader),
            };
            let kernel = self.best(with_own(variants, own));
            let whole = wgpu::Buffer::as_entire_binding;
            let gain = norm.gain().filter(|_| quants.is_none());
            let buffers: Vec<wgpu::BindingResource> = [whole(quants.unwrap_or(x))]
                .into_iter()
                .chain(weight.bindings())
                .chain(gain.map(whole))
                .chain(adapters.map(|adapters| whole(adapters.buffer())))
                .chain(further.iter().map(|buffer| whole(buffer)))
                .chain([whole(self.step_inputs)])
                .collect();
            let workgroups = rows.div_ceil(rows_at_once);
            let (over, rows) = match grid {
                Grid::Tokens if adapter_rows > 0 => (Over::Adapted { columns, workgroups }, adapter_rows),
                Grid::Tokens => (Over::Columns { columns, workgroups }, rows),
                Grid::FullVocab => (Over::FullVocab { columns, workgroups }, rows),
                Grid::Chunks => (Over::Chunks, ROWS),
            };
            let rank = adapters.map_or(0, |adapters| adapters.shape().rank);
            let costs = Costs {
                weights: matrix.scheme().bytes(rows, matrix.cols()),
                adapter: rows * rank * size_of::<f32>(),
                column: 2 * rows * (matrix.cols() + rank),
                ..Costs::default()
            };
            launches.push(Launch::new(self.pipelines.step(&kernel, &buffers, 1), over, costs));
        }
        launches
    }
}

pub(super) fn with_own(variants: Vec<Kernel>, own: &[(&'static str, usize)]) -> Vec<Kernel> {
    let with = |kernel| own.iter().fold(kernel, |kernel: Kernel, (name, value)| kernel.with(name, *value as u32));
    variants.into_iter().map(with).collect()
}
