//! The launches of `lora_linear.wgsl`, and of `row_scales.wgsl` before it: variants, parameters, and the
//! split of long work.

use burn::backend::TensorMetadata;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use bytemuck::{Pod, Zeroable};

use super::layout::WeightLayout;
use crate::device;
use crate::features::KernelFeatures;
use crate::kernel::{FLOPS_PER_LAUNCH, Kernel, empty_like, enqueue, first_supported};
use crate::quant::QuantScheme;

/// The direction of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// By Wᵀ.
    Forward,
    /// By W.
    Backward,
}

/// The low-rank terms of a launch: + s · u · bᵀ, or backward + s · u · b. A rank of 0 is no adapter.
pub(crate) struct AdapterTerms {
    /// `[rows, rank]`
    pub(super) u: CubeTensor,
    /// B `[out, rank]`, or backward A `[rank, in]`.
    pub(super) b: CubeTensor,
    pub(super) scale: f32,
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(crate) struct Params {
    pub(super) rows: u32,
    pub(super) first_row: u32,
    pub(super) columns: u32,
    pub(super) depth: u32,
    pub(super) packs: u32,
    pub(super) rank: u32,
    pub(super) scale: f32,
}

/// Rows and columns of the result of one workgroup.
pub(crate) const TILE: usize = 64;

/// The variants, best first. Where factors are f16, gradients lie below their range and are scaled by row.
pub(crate) fn linear_variants(scheme: QuantScheme, direction: Direction, lora: bool, wide: bool) -> [Kernel; 3] {
    let backward = direction == Direction::Backward;
    let kernel = Kernel::new("lora_linear").with("BACKWARD", backward).with("LORA", lora).with("WIDE", wide);
    with_scheme(kernel, scheme).gemm_variants().map(|kernel| {
        let row_scaled = backward && kernel.needs().coop_tile > 0;
        kernel.with("ROW_SCALED", row_scaled)
    })
}

/// Invocations of a workgroup that computes the scale of a row.
const ROW_SCALES_WORKGROUP: u32 = 64;

/// The kernel that computes the scales of rows.
pub(super) fn row_scales(lora: bool) -> Kernel {
    Kernel::new("row_scales").with("LORA", lora).with("WORKGROUP", ROW_SCALES_WORKGROUP)
}

/// Parameters of [`row_scales`].
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(crate) struct RowScalesParams {
    pub(super) rows: u32,
    pub(super) depth: u32,
    pub(super) rank: u32,
}

/// Supplies the constants of `lib/dequant.wgsl`.
pub(crate) fn with_scheme(kernel: Kernel, scheme: QuantScheme) -> Kernel {
    let affine = matches!(scheme, QuantScheme::Q4 | QuantScheme::Q4Affine | QuantScheme::Q4K);
    kernel.with("SCHEME", scheme.number()).with("SCALED", scheme.is_scaled()).with("AFFINE", affine)
}

/// Every variant, for the translation test.
pub(crate) fn kernels() -> Vec<Kernel> {
    let flags = [false, true];
    let of = |scheme: QuantScheme, direction| {
        // Rows of x divide by four wherever the scheme asks for whole groups.
        let any_depth = direction == Direction::Backward || scheme.row_multiple() == 1;
        let widths = if any_depth { &flags[..] } else { &flags[1..] };
        widths.iter().flat_map(move |&wide| {
            flags.map(|lora| linear_variants(scheme, direction, lora, wide)).into_iter().flatten()
        })
    };
    let directions = [Direction::Forward, Direction::Backward];
    let products =
        QuantScheme::ALL.into_iter().flat_map(|scheme| directions.into_iter().flat_map(move |d| of(scheme, d)));
    products.chain(flags.map(row_scales)).collect()
}

/// One product with a weight, with the terms of an adapter where its rank is not 0.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PackedMatmul {
    pub(crate) layout: WeightLayout,
    pub(crate) direction: Direction,
    /// Of x and of the result.
    pub(crate) rows: usize,
    pub(crate) rank: usize,
    /// s: of the adapter's terms.
    pub(crate) scale: f32,
}

impl PackedMatmul {
    /// Columns of x.
    pub(crate) fn depth(&self) -> usize {
        match self.direction {
            Direction::Forward => self.layout.cols,
            Direction::Backward => self.layout.rows,
        }
    }

    /// Columns of the result.
    pub(crate) fn columns(&self) -> usize {
        match self.direction {
            Direction::Forward => self.layout.rows,
            Direction::Backward => self.layout.cols,
        }
    }

    /// The best variant for a device of these features.
    pub(crate) fn kernel(&self, offered: KernelFeatures) -> Kernel {
        let offered = if self.layout.exact { KernelFeatures { coop_tile: 0, ..offered } } else { offered };
        first_supported(
            linear_variants(self.layout.scheme, self.direction, self.rank > 0, self.depth().is_multiple_of(4)),
            offered,
        )
    }

    /// The kernel that has to run before `kernel`: the scales of rows, where it uses them.
    pub(crate) fn before(&self, kernel: &Kernel) -> Option<(Kernel, RowScalesParams)> {
        let row_scaled = self.direction == Direction::Backward && kernel.needs().coop_tile > 0;
        let (rows, depth, rank) = (self.rows as u32, self.depth() as u32, self.rank as u32);
        row_scaled.then(|| (row_scales(rank > 0), RowScalesParams { rows, depth, rank }))
    }

    /// Parameters and workgroups of every launch of the product.
    pub(crate) fn launches(&self) -> impl Iterator<Item = (Params, usize)> {
        let (columns, depth) = (self.columns(), self.depth());
        split_launches(self.rows, columns * (depth + self.rank)).map(move |(first_row, rows)| {
            let params = Params {
                rows: self.rows as u32,
                first_row: first_row as u32,
                columns: columns as u32,
                depth: depth as u32,
                packs: self.layout.packs() as u32,
                rank: self.rank as u32,
                scale: self.scale,
            };
            (params, rows.div_ceil(TILE) * columns.div_ceil(TILE))
        })
    }
}

/// y = x · Wᵀ for a packed W, an operation of x `[rows, in]`.
#[derive(Debug, Clone)]
pub(crate) struct PackedLinear {
    pub(crate) quants: CubeTensor,
    pub(crate) scales: CubeTensor,
    pub(crate) layout: WeightLayout,
}

impl PackedLinear {
    /// The product of the rows of `x` with the weight (x · Wᵀ, or backward x · W) plus the adapter's terms,
    /// through burn's runtime.
    pub(crate) fn launch(&self, direction: Direction, x: CubeTensor, adapter: Option<AdapterTerms>) -> CubeTensor {
        let x = into_contiguous(x);
        let adapter = adapter.map(|adapter| AdapterTerms {
            u: into_contiguous(adapter.u),
            b: into_contiguous(adapter.b),
            ..adapter
        });
        let (rank, scale) = adapter.as_ref().map_or((0, 0.0), |adapter| (adapter.u.shape()[1], adapter.scale));
        let product = PackedMatmul { layout: self.layout, direction, rows: x.shape()[0], rank, scale };
        let y = empty_like(&x, [product.rows, product.columns()].into());
        let kernel = product.kernel(device::features(&x.device));
        let row_scales = product.before(&kernel).map(|(before, params)| {
            let row_scales = empty_like(&x, [product.rows].into());
            let u = adapter.iter().map(|adapter| &adapter.u);
            let tensors: Vec<&CubeTensor> = [&x].into_iter().chain(u).chain([&row_scales]).collect();
            enqueue(before, &tensors, &params, product.rows);
            row_scales
        });

        let scales = self.layout.scheme.is_scaled().then_some(&self.scales);
        let low_rank = adapter.iter().flat_map(|adapter| [&adapter.u, &adapter.b]);
        let further = low_rank.chain(&row_scales).chain([&y]);
        let tensors: Vec<&CubeTensor> = [&x, &self.quants].into_iter().chain(scales).chain(further).collect();
        for (params, workgroups) in product.launches() {
            enqueue(kernel.clone(), &tensors, &params, workgroups);
        }
        y
    }
}

/// Splits `rows` of `products` multiply-adds each into launches of whole tiles: (first row, number of rows).
pub(super) fn split_launches(rows: usize, products: usize) -> impl Iterator<Item = (usize, usize)> {
    let at_once = (FLOPS_PER_LAUNCH / (2 * products).max(1) / TILE).max(1) * TILE;
    (0..rows).step_by(at_once).map(move |first| (first, at_once.min(rows - first)))
}
