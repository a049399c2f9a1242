//! The variants of the shaders that include `lib/matmul_common.wgsl`: packed matrices times the columns of a
//! step, as GEMV for few columns and as GEMM for many, with a norm before and LoRA adapters beside where
//! there are any.

use super::low_rank::LowRankShape;
use crate::kernel::Kernel;
use crate::matmul::launch::{TILE, with_scheme};
use crate::quant::{PACK, QuantScheme};

/// The variants of GEMV: columns that share a read of the weights.
pub const COLUMNS: [usize; 4] = [1, 2, 4, 8];

/// The most columns for GEMV, which takes them in groups of up to 8. More columns are a GEMM: tiles of 64
/// columns and 64 rows, which cost as much half empty as full.
pub const MAX_GEMV_COLUMNS: usize = TILE / 2;

/// Rows of the matrix in one workgroup of a GEMV, which share a read of the columns. Even, since they are
/// finished in pairs.
pub(crate) const ROWS: usize = 4;

/// Invocations of a GEMV workgroup, at least (ROWS + 1) · 8: each sum is written by one.
pub(super) const WORKGROUP: usize = 64;

/// Invocations of a GEMM workgroup.
const TILE_WORKGROUP: usize = 128;

/// The variant for `count` columns: the narrowest GEMV that holds them, the widest GEMV, or the 64 of a GEMM.
pub fn columns_for(count: usize) -> usize {
    let most = COLUMNS[COLUMNS.len() - 1];
    match count {
        0..=MAX_GEMV_COLUMNS => COLUMNS.into_iter().find(|columns| *columns >= count).unwrap_or(most),
        _ => TILE,
    }
}

/// The norm that is applied to a column before the product.
#[derive(Debug, Clone, Copy)]
pub enum Norm<'a> {
    /// No norm.
    None,
    /// It is multiplied by a gain, number by number.
    Gain(&'a wgpu::Buffer),
    /// The root-mean-square norm (Zhang and Sennrich, 2019).
    Rms {
        /// `[width]`, padded to whole packs.
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

/// The constants of `lib/matmul_common.wgsl` and of the shaders that include it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Constants {
    pub(crate) scheme: QuantScheme,
    /// One of [`COLUMNS`], or [`TILE`].
    pub(crate) columns: usize,
    /// Of this part of the matrix.
    pub(crate) rows: usize,
    pub(crate) starts_at: usize,
    pub(crate) cols: usize,
    pub(crate) norm: NormKind,
    pub(crate) adapters: Option<LowRankShape>,
    /// The rows of each A if the matrix is the A of several adapters, else 0.
    pub(crate) adapter_rows: usize,
    /// True if columns come in int8 quants: for GEMV and a scheme that has integer quants.
    pub(crate) int8: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NormKind {
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

impl Constants {
    /// The variants of a shader that has GEMV and GEMM, best first.
    pub(crate) fn variants(self, shader: &'static str) -> Vec<Kernel> {
        let kernel = self.kernel(shader);
        if self.columns == TILE {
            let kernel = kernel.with("GEMM", 1u32).with("WORKGROUP", TILE_WORKGROUP as u32).with("BACKWARD", 0u32);
            return kernel.gemm_variants().to_vec();
        }
        self.gemv(kernel.with("GEMM", 0u32))
    }

    /// The variants of a shader that has GEMV alone, best first.
    pub(crate) fn gemv_variants(self, shader: &'static str) -> Vec<Kernel> {
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
        if let Some(LowRankShape { adapters, outputs, segments, rank }) = self.adapters {
            kernel = kernel
                .with("ADAPTERS", adapters as u32)
                .with("ALL_OUTPUTS", outputs as u32)
                .with("SEGMENTS", segments as u32)
                .with("RANK", rank as u32);
        }
        with_scheme(kernel, self.scheme)
    }

    /// Samples of what a model may ask for, for the translation test: every scheme, the narrowest and the
    /// widest of few columns, and many, with and without adapters.
    pub(super) fn samples(norms: &[NormKind]) -> Vec<Constants> {
        let shape = LowRankShape { adapters: 2, outputs: 40, segments: 1, rank: 16 };
        let mut samples = Vec::new();
        for scheme in QuantScheme::ALL {
            for columns in [1, 8, TILE] {
                for adapters in [None, Some(shape)] {
                    for int8 in
                        [false, true].into_iter().filter(|int8| !int8 || columns < TILE && scheme.has_integer_quants())
                    {
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

pub(crate) fn with_own(variants: Vec<Kernel>, own: &[(&'static str, usize)]) -> Vec<Kernel> {
    let with = |kernel| own.iter().fold(kernel, |kernel: Kernel, (name, value)| kernel.with(name, *value as u32));
    variants.into_iter().map(with).collect()
}
