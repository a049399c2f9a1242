//! GEMM on a CPU, the products of training: of 32-bit floats, or of these rounded to bfloat16.
//!
//! Both factors are packed into panels as wide as a tile of the result, in blocks of the depth (Goto and van de Geijn,
//! 2008). A tile is summed in registers. The right factor is packed once, by all cores, and every core multiplies rows
//! of the left one with it. Several products add up to one result, so that a low-rank part needs no result of its own.
//!
//! A result depends on its operands alone, not on the number of threads: the sums of every element run in one order.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod amx;
mod bf16_plain;
#[cfg(target_arch = "x86_64")]
mod bf16_zmm;
mod check;
mod matrix_view;
mod pairs;
mod plain;
mod precision;
mod tile;
mod variant;
mod words;
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

pub use check::check_gemm;
pub(crate) use matrix_view::MatrixView;
pub use precision::MatmulPrecision;
use tile::PackedProduct;
pub(crate) use variant::GemmVariant;
use words::PackedWords;

/// Words of the right factor that are packed at once: 16 MiB.
const RIGHT: usize = 1 << 22;

/// Parts for each thread: one that is held up leaves its parts to the others.
const PARTS_PER_THREAD: usize = 2;

thread_local! {
    /// The packed left and right factors of a part.
    static PACKED: RefCell<[PackedWords; 2]> = const { RefCell::new([PackedWords::new(), PackedWords::new()]) };
}

/// Memory for packed right factors. The page faults of new memory would cost more than packing.
static SPARE: Mutex<Vec<PackedWords>> = Mutex::new(Vec::new());

/// Adds the products of `terms` to `c`, `[rows, cols]`, on all threads.
///
/// # Panics
/// Shapes that do not fit.
pub(crate) fn add_products(terms: &[[MatrixView; 2]], c: &mut [f32], variant: &'static GemmVariant) {
    let Some([rows, cols]) = terms.first().map(|[left, right]| [left.rows, right.cols]) else { return };
    for [left, right] in terms {
        assert_eq!([left.rows, left.cols, right.cols], [rows, right.rows, cols], "gemm: factors have to fit");
    }
    assert_eq!(c.len(), rows * cols, "gemm: the result has to be {rows} x {cols}");
    let depth: usize = terms.iter().map(|[left, _]| variant.words(left.cols)).sum();
    if c.is_empty() || depth == 0 {
        return;
    }
    let [_, tile_cols] = variant.tile;
    let at_once = (RIGHT / depth / tile_cols).max(1) * tile_cols;
    let mut memory = SPARE.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
    for first in (0..cols).step_by(at_once) {
        let right = PackedRight::of(terms, first..cols.min(first + at_once), variant, memory);
        if rows.div_ceil(variant.part_rows()) >= PARTS_PER_THREAD * rayon::current_num_threads() {
            right.multiply_by_rows(terms, c, cols);
        } else {
            right.multiply_by_columns(terms, c, cols);
        }
        memory = right.packed;
    }
    SPARE.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
}

/// Adds left · right to `c` on the calling thread; the rows of `c` begin `stride` floats behind one another.
pub(crate) fn add_product(left: MatrixView, right: MatrixView, c: &mut [f32], stride: usize, variant: &GemmVariant) {
    assert_eq!(left.cols, right.rows, "gemm: factors have to fit");
    let [_, tile_cols] = variant.tile;
    PACKED.with_borrow_mut(|[packed_left, packed_right]| {
        for depth in blocks(left.cols, variant) {
            let words = right.cols.next_multiple_of(tile_cols) * variant.words(depth.len());
            let packed_right = packed_right.resize(words);
            variant.pack_right(right, 0..right.cols, depth.clone(), packed_right);
            for rows in parts(left.rows, variant) {
                let c = &mut c[rows.start * stride..];
                multiply(left, rows, depth.clone(), packed_left, packed_right, c, [stride, right.cols], variant);
            }
        }
    });
}

/// The right factors of all terms, some of their columns.
struct PackedRight {
    columns: Range<usize>,
    variant: &'static GemmVariant,
    /// Of each block, its panels.
    packed: PackedWords,
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
    fn of(
        terms: &[[MatrixView; 2]],
        columns: Range<usize>,
        variant: &'static GemmVariant,
        mut packed: PackedWords,
    ) -> Self {
        let [_, tile_cols] = variant.tile;
        let padded = columns.len().next_multiple_of(tile_cols);
        let mut blocks_of_terms: Vec<Block> = Vec::new();
        for (term, [left, _]) in terms.iter().enumerate() {
            for depth in blocks(left.cols, variant) {
                let first = blocks_of_terms.last().map_or(0, |block| block.place.end);
                let place = first..first + padded * variant.words(depth.len());
                blocks_of_terms.push(Block { term, place, depth });
            }
        }
        let mut rest = packed.resize(blocks_of_terms.last().map_or(0, |block| block.place.end));
        let mut jobs = Vec::new();
        for Block { term, depth, place } in &blocks_of_terms {
            let (of_block, others) = std::mem::take(&mut rest).split_at_mut(place.len());
            rest = others;
            let panels =
                columns.clone().step_by(tile_cols).zip(of_block.chunks_mut(tile_cols * variant.words(depth.len())));
            jobs.extend(panels.map(|(first, panel)| (terms[*term][1], depth.clone(), first, panel)));
        }
        jobs.into_par_iter().for_each(|(right, depth, first, panel)| {
            variant.pack_right(right, first..columns.end.min(first + tile_cols), depth, panel);
        });
        Self { columns, variant, packed, blocks: blocks_of_terms }
    }

    /// Every part has rows of the result.
    fn multiply_by_rows(&self, terms: &[[MatrixView; 2]], c: &mut [f32], cols: usize) {
        let part_rows = self.variant.part_rows();
        c.par_chunks_mut(part_rows * cols).enumerate().for_each(|(part, c)| {
            let first = part * part_rows;
            let rows = first..first + c.len() / cols;
            let c = &mut c[self.columns.start..];
            PACKED.with_borrow_mut(|[packed, _]| {
                for Block { term, depth, place } in &self.blocks {
                    let (left, right) = (terms[*term][0], &self.packed.words()[place.clone()]);
                    let shape = [cols, self.columns.len()];
                    multiply(left, rows.clone(), depth.clone(), packed, right, c, shape, self.variant);
                }
            });
        });
    }

    /// Every part has columns of the result, which has few rows.
    fn multiply_by_columns(&self, terms: &[[MatrixView; 2]], c: &mut [f32], cols: usize) {
        let [_, tile_cols] = self.variant.tile;
        let panels = self.columns.len().div_ceil(tile_cols);
        let panels_of_part = panels.div_ceil(PARTS_PER_THREAD * rayon::current_num_threads());
        let so_far: &[f32] = c;
        let part = |first: usize| {
            let count = (panels_of_part * tile_cols).min(self.columns.len() - first);
            let columns = self.columns.start + first..self.columns.start + first + count;
            let mut sums: Vec<f32> = so_far.chunks_exact(cols).flat_map(|c| &c[columns.clone()]).copied().collect();
            PACKED.with_borrow_mut(|[packed, _]| {
                for Block { term, depth, place } in &self.blocks {
                    let right = &self.packed.words()[place.clone()][first * self.variant.words(depth.len())..];
                    let left = terms[*term][0];
                    for rows in parts(left.rows, self.variant) {
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
    packed: &mut PackedWords,
    right: &[u32],
    c: &mut [f32],
    [stride, cols]: [usize; 2],
    variant: &GemmVariant,
) {
    let ([tile_rows, _], words) = (variant.tile, variant.words(depth.len()));
    let packed = packed.resize(rows.len().next_multiple_of(tile_rows) * words);
    variant.pack_left(left, rows.clone(), depth, packed);
    variant.multiply(PackedProduct { left: packed, right, depth: words, c, stride, shape: [rows.len(), cols] });
}

/// The blocks of a depth.
fn blocks(depth: usize, variant: &GemmVariant) -> impl Iterator<Item = Range<usize>> + use<> {
    let block = variant.block_depth();
    (0..depth).step_by(block).map(move |first| first..depth.min(first + block))
}

/// The parts of rows.
fn parts(rows: usize, variant: &GemmVariant) -> impl Iterator<Item = Range<usize>> + use<> {
    let part = variant.part_rows();
    (0..rows).step_by(part).map(move |first| first..rows.min(first + part))
}
