//! GEMM of 32-bit floats on a CPU: the products of training.
//!
//! Both factors are packed into panels as wide as a tile of the result, in blocks of the depth (Goto and van de Geijn,
//! 2008). A tile is summed in registers. The right factor is packed once, by all cores, and every core multiplies rows
//! of the left one with it. Several products add up to one result, so that a low-rank part needs no result of its own.
//!
//! A result depends on its operands alone, not on the number of threads: the sums of every element run in one order.

mod matrix_view;
mod plain;
mod tile;
mod variant;
#[cfg(target_arch = "x86_64")]
mod ymm;
#[cfg(target_arch = "x86_64")]
mod zmm;

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

pub(crate) use matrix_view::MatrixView;
use tile::PackedProduct;
use variant::{GemmVariant, pack};

use crate::decode_cpu::Isa;

/// Depth of a block: a panel of the right factor stays in the first cache.
const DEPTH: usize = 256;

/// Rows of the result that a core computes at once: whole tiles of every variant.
const PART_ROWS: usize = 48;

/// Floats of the right factor that are packed at once: 16 MiB.
const RIGHT: usize = 1 << 22;

/// Parts for each thread: one that is held up leaves its parts to the others.
const PARTS_PER_THREAD: usize = 2;

thread_local! {
    /// The packed left and right factors of a part.
    static PACKED: RefCell<[Vec<f32>; 2]> = const { RefCell::new([Vec::new(), Vec::new()]) };
}

/// Memory for packed right factors. The page faults of new memory would cost more than packing.
static SPARE: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());

/// Adds the products of `terms` to `c`, `[rows, cols]`, on all threads.
///
/// # Panics
/// Shapes that do not fit.
pub(crate) fn add_products(terms: &[[MatrixView; 2]], c: &mut [f32], isa: Isa) {
    let Some([rows, cols]) = terms.first().map(|[left, right]| [left.rows, right.cols]) else { return };
    for [left, right] in terms {
        assert_eq!([left.rows, left.cols, right.cols], [rows, right.rows, cols], "gemm: factors have to fit");
    }
    assert_eq!(c.len(), rows * cols, "gemm: the result has to be {rows} x {cols}");
    let depth: usize = terms.iter().map(|[left, _]| left.cols).sum();
    if c.is_empty() || depth == 0 {
        return;
    }
    let variant = GemmVariant::of(isa);
    let [_, tile_cols] = variant.tile();
    let at_once = (RIGHT / depth / tile_cols).max(1) * tile_cols;
    let mut memory = SPARE.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
    for first in (0..cols).step_by(at_once) {
        let right = PackedRight::of(terms, first..cols.min(first + at_once), variant, memory);
        if rows.div_ceil(PART_ROWS) >= PARTS_PER_THREAD * rayon::current_num_threads() {
            right.multiply_by_rows(terms, c, cols);
        } else {
            right.multiply_by_columns(terms, c, cols);
        }
        memory = right.packed;
    }
    SPARE.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
}

/// Adds left · right to `c` on the calling thread; the rows of `c` begin `stride` floats behind one another.
pub(crate) fn add_product(left: MatrixView, right: MatrixView, c: &mut [f32], stride: usize, isa: Isa) {
    assert_eq!(left.cols, right.rows, "gemm: factors have to fit");
    let variant = GemmVariant::of(isa);
    let [_, tile_cols] = variant.tile();
    PACKED.with_borrow_mut(|[packed_left, packed_right]| {
        for depth in blocks(left.cols) {
            packed_right.resize(right.cols.next_multiple_of(tile_cols) * depth.len(), 0.0);
            pack(right.transposed(), 0..right.cols, depth.clone(), tile_cols, packed_right);
            for rows in parts(left.rows) {
                let c = &mut c[rows.start * stride..];
                multiply(left, rows, depth.clone(), packed_left, packed_right, c, [stride, right.cols], variant);
            }
        }
    });
}

/// The right factors of all terms, some of their columns.
struct PackedRight {
    columns: Range<usize>,
    variant: GemmVariant,
    /// Of each block, its panels.
    packed: Vec<f32>,
    blocks: Vec<Block>,
}

/// A block of the depth of a term.
struct Block {
    term: usize,
    depth: Range<usize>,
    /// Its place in the packed factors.
    place: Range<usize>,
}

impl PackedRight {
    fn of(terms: &[[MatrixView; 2]], columns: Range<usize>, variant: GemmVariant, mut packed: Vec<f32>) -> Self {
        let [_, tile_cols] = variant.tile();
        let padded = columns.len().next_multiple_of(tile_cols);
        let mut blocks_of_terms: Vec<Block> = Vec::new();
        for (term, [left, _]) in terms.iter().enumerate() {
            for depth in blocks(left.cols) {
                let first = blocks_of_terms.last().map_or(0, |block| block.place.end);
                blocks_of_terms.push(Block { term, place: first..first + padded * depth.len(), depth });
            }
        }
        packed.resize(blocks_of_terms.last().map_or(0, |block| block.place.end), 0.0);
        let mut jobs = Vec::new();
        let mut rest = &mut packed[..];
        for Block { term, depth, place } in &blocks_of_terms {
            let (of_block, others) = std::mem::take(&mut rest).split_at_mut(place.len());
            rest = others;
            let panels = columns.clone().step_by(tile_cols).zip(of_block.chunks_mut(tile_cols * depth.len()));
            jobs.extend(panels.map(|(first, panel)| (terms[*term][1].transposed(), depth.clone(), first, panel)));
        }
        jobs.into_par_iter().for_each(|(right, depth, first, panel)| {
            pack(right, first..columns.end.min(first + tile_cols), depth, tile_cols, panel);
        });
        Self { columns, variant, packed, blocks: blocks_of_terms }
    }

    /// Every part has rows of the result.
    fn multiply_by_rows(&self, terms: &[[MatrixView; 2]], c: &mut [f32], cols: usize) {
        c.par_chunks_mut(PART_ROWS * cols).enumerate().for_each(|(part, c)| {
            let first = part * PART_ROWS;
            let rows = first..first + c.len() / cols;
            let c = &mut c[self.columns.start..];
            PACKED.with_borrow_mut(|[packed, _]| {
                for Block { term, depth, place } in &self.blocks {
                    let (left, right) = (terms[*term][0], &self.packed[place.clone()]);
                    let shape = [cols, self.columns.len()];
                    multiply(left, rows.clone(), depth.clone(), packed, right, c, shape, self.variant);
                }
            });
        });
    }

    /// Every part has columns of the result, which has few rows.
    fn multiply_by_columns(&self, terms: &[[MatrixView; 2]], c: &mut [f32], cols: usize) {
        let [_, tile_cols] = self.variant.tile();
        let panels = self.columns.len().div_ceil(tile_cols);
        let panels_of_part = panels.div_ceil(PARTS_PER_THREAD * rayon::current_num_threads());
        let so_far: &[f32] = c;
        let part = |first: usize| {
            let count = (panels_of_part * tile_cols).min(self.columns.len() - first);
            let columns = self.columns.start + first..self.columns.start + first + count;
            let mut sums: Vec<f32> = so_far.chunks_exact(cols).flat_map(|c| &c[columns.clone()]).copied().collect();
            PACKED.with_borrow_mut(|[packed, _]| {
                for Block { term, depth, place } in &self.blocks {
                    let right = &self.packed[place.clone()][first * depth.len()..];
                    let left = terms[*term][0];
                    for rows in parts(left.rows) {
                        let sums = &mut sums[rows.start * count..];
                        multiply(left, rows, depth.clone(), packed, right, sums, [count, count], self.variant);
                    }
                }
            });
            (columns, sums)
        };
        let firsts: Vec<usize> = (0..self.columns.len()).step_by(panels_of_part * tile_cols).collect();
        let computed: Vec<(Range<usize>, Vec<f32>)> = firsts.into_par_iter().map(part).collect();
        for (columns, sums) in computed {
            for (c, sums) in c.chunks_exact_mut(cols).zip(sums.chunks_exact(columns.len())) {
                c[columns.clone()].copy_from_slice(sums);
            }
        }
    }
}

/// Adds the product of some rows of `left`, a block of its depth, and packed panels to `c`.
#[allow(clippy::too_many_arguments)] // the innermost call of three loops
fn multiply(
    left: MatrixView,
    rows: Range<usize>,
    depth: Range<usize>,
    packed: &mut Vec<f32>,
    right: &[f32],
    c: &mut [f32],
    [stride, cols]: [usize; 2],
    variant: GemmVariant,
) {
    let [tile_rows, _] = variant.tile();
    packed.resize(rows.len().next_multiple_of(tile_rows) * depth.len(), 0.0);
    pack(left, rows.clone(), depth.clone(), tile_rows, packed);
    let shape = [rows.len(), cols];
    variant.multiply(PackedProduct { left: packed, right, depth: depth.len(), c, stride, shape });
}

/// The blocks of a depth.
fn blocks(depth: usize) -> impl Iterator<Item = Range<usize>> {
    (0..depth).step_by(DEPTH).map(move |first| first..depth.min(first + DEPTH))
}

/// The parts of rows.
fn parts(rows: usize) -> impl Iterator<Item = Range<usize>> {
    (0..rows).step_by(PART_ROWS).map(move |first| first..rows.min(first + PART_ROWS))
}
