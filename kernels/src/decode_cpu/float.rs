//! Products with the numbers of the columns as they are. Every sum runs over the inputs in their order, whatever the
//! tile.

use super::columns::Columns;
use super::lanes::{LANES, Lanes, SimdKernel, multiply_add};
use super::panel_product::PanelProduct;
use crate::quant::PACK;

/// Columns that a tile takes at most: their sums fill the registers.
const TILE_COLUMNS: usize = 8;

/// Panels that a tile takes at most.
const TILE_PANELS: usize = 4;

/// A product, with memory for the weights of some panels.
pub(super) struct FloatProduct<'a> {
    pub(super) product: PanelProduct<'a>,
    pub(super) unpacked: &'a mut Vec<Lanes>,
}

impl SimdKernel for FloatProduct<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        // Several sums at once hide the latency of one: of several panels where there are few columns.
        match self.product.columns.count() {
            1 | 2 => self.in_blocks::<FMA, TILE_PANELS>(),
            _ => self.in_blocks::<FMA, 1>(),
        }
    }
}

impl FloatProduct<'_> {
    /// `P` panels at once: they are unpacked, and multiplied with all columns.
    #[inline(always)]
    fn in_blocks<const FMA: bool, const P: usize>(self) {
        let Self { product: PanelProduct { weights, panels, columns, y }, unpacked } = self;
        let count = columns.count();
        let width = weights.cols().next_multiple_of(PACK);
        unpacked.resize(P * width, [0.0; LANES]);
        let mut number = panels.start;
        for y in y.chunks_mut(P * count) {
            for (i, unpacked) in unpacked.chunks_mut(width).enumerate().take(y.len() / count) {
                let panel = weights.panel(number + i);
                for (pack, unpacked) in unpacked.as_chunks_mut::<PACK>().0.iter_mut().enumerate() {
                    *unpacked = panel.unpack(pack);
                }
            }
            // What is left over in the last block is multiplied for nothing.
            let w: [&[Lanes]; P] = std::array::from_fn(|i| &unpacked[i * width..][..width]);
            for first in (0..count).step_by(TILE_COLUMNS) {
                some_columns::<FMA, P>(w, columns, first, TILE_COLUMNS.min(count - first), y);
            }
            number += P;
        }
    }
}

/// Writes the products of `P` unpacked panels with `count` columns from `first` on into their places of y,
/// `[panels, columns]`.
#[inline(always)]
fn some_columns<const FMA: bool, const P: usize>(
    w: [&[Lanes]; P],
    columns: &Columns,
    first: usize,
    count: usize,
    y: &mut [Lanes],
) {
    match count {
        1 => tile::<FMA, P, 1>(w, columns, first, y),
        2 => tile::<FMA, P, 2>(w, columns, first, y),
        3 => tile::<FMA, P, 3>(w, columns, first, y),
        4 => tile::<FMA, P, 4>(w, columns, first, y),
        TILE_COLUMNS => tile::<FMA, P, TILE_COLUMNS>(w, columns, first, y),
        _ => {
            tile::<FMA, P, 4>(w, columns, first, y);
            some_columns_left::<FMA, P>(w, columns, first + 4, count - 4, y);
        }
    }
}

/// [`some_columns`] of up to three.
#[inline(always)]
fn some_columns_left<const FMA: bool, const P: usize>(
    w: [&[Lanes]; P],
    columns: &Columns,
    first: usize,
    count: usize,
    y: &mut [Lanes],
) {
    match count {
        1 => tile::<FMA, P, 1>(w, columns, first, y),
        2 => tile::<FMA, P, 2>(w, columns, first, y),
        _ => tile::<FMA, P, 3>(w, columns, first, y),
    }
}

/// The products of `P` panels with `C` columns.
#[inline(always)]
fn tile<const FMA: bool, const P: usize, const C: usize>(
    w: [&[Lanes]; P],
    columns: &Columns,
    first: usize,
    y: &mut [Lanes],
) {
    let width = w[0].len();
    let w: [&[Lanes]; P] = std::array::from_fn(|p| &w[p][..width]);
    let x: [&[f32]; C] = std::array::from_fn(|c| &columns.padded_floats(first + c)[..width]);
    let mut sums = [[[0.0; LANES]; C]; P];
    for k in 0..width {
        for p in 0..P {
            for c in 0..C {
                for r in 0..LANES {
                    sums[p][c][r] = multiply_add::<FMA>(w[p][k][r], x[c][k], sums[p][c][r]);
                }
            }
        }
    }
    for (y, sums) in y.chunks_mut(columns.count()).zip(sums) {
        y[first..first + C].copy_from_slice(&sums);
    }
}
