//! Packing to bf16: two neighbours along the depth share a word, as the dot products of processors read them.

use std::ops::Range;

use super::matrix_view::MatrixView;
use crate::decode_cpu::lanes::SimdKernel;

/// Words of a row of an AMX tile.
pub(super) const TILE_WORDS: usize = 16;

/// The order of the words of a panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PairOrder {
    /// `[pairs, width]`
    Pairs,
    /// `[pairs / TILE_WORDS, width, TILE_WORDS]`
    Tiles,
}

/// Packs some rows into panels of `width` rows; `depth` becomes as many pairs as `packed` has room for. Rows and pairs
/// after the last are zeros.
pub(super) struct PackPairs<'a> {
    pub(super) matrix: MatrixView<'a>,
    pub(super) rows: Range<usize>,
    pub(super) depth: Range<usize>,
    pub(super) width: usize,
    pub(super) order: PairOrder,
    /// `[panels, words of a panel]`
    pub(super) packed: &'a mut [u32],
}

impl SimdKernel for PackPairs<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { matrix, rows, depth, width, order, packed } = self;
        if packed.is_empty() {
            return;
        }
        let words = packed.len() / rows.len().div_ceil(width);
        for (first, panel) in rows.clone().step_by(width).zip(packed.chunks_exact_mut(words)) {
            let count = width.min(rows.end - first);
            if count < width || panel.len() > width * depth.len() / 2 {
                panel.fill(0);
            }
            match (matrix.is_transposed(), order) {
                (false, PairOrder::Pairs) => {
                    for row in 0..count {
                        let to = panel[row..].iter_mut().step_by(width);
                        to.zip(pairs(&matrix.line(first + row)[depth.clone()])).for_each(|(to, pair)| *to = pair);
                    }
                }
                (false, PairOrder::Tiles) => {
                    for row in 0..count {
                        let floats = matrix.line(first + row)[depth.clone()].chunks(2 * TILE_WORDS);
                        for (floats, tile) in floats.zip(panel.chunks_exact_mut(width * TILE_WORDS)) {
                            pack_line(floats, &mut tile[row * TILE_WORDS..][..TILE_WORDS]);
                        }
                    }
                }
                (true, _) => {
                    for (number, k) in depth.clone().step_by(2).enumerate() {
                        let low = &matrix.line(k)[first..first + count];
                        let (start, step) = match order {
                            PairOrder::Pairs => (number * width, 1),
                            PairOrder::Tiles => {
                                (number / TILE_WORDS * TILE_WORDS * width + number % TILE_WORDS, TILE_WORDS)
                            }
                        };
                        let to = panel[start..].iter_mut().step_by(step);
                        if k + 1 < depth.end {
                            let high = &matrix.line(k + 1)[first..first + count];
                            to.zip(low.iter().zip(high)).for_each(|(to, (low, high))| *to = pair(*low, *high));
                        } else {
                            to.zip(low).for_each(|(to, low)| *to = pair(*low, 0.0));
                        }
                    }
                }
            }
        }
    }
}

/// Packs neighbours into words that lie one after the other.
#[inline(always)]
fn pack_line(floats: &[f32], words: &mut [u32]) {
    match (floats.as_array::<{ 2 * TILE_WORDS }>(), words.as_mut_array::<TILE_WORDS>()) {
        (Some(floats), Some(words)) => words.iter_mut().zip(pairs(floats)).for_each(|(word, pair)| *word = pair),
        _ => words.iter_mut().zip(pairs(floats)).for_each(|(word, pair)| *word = pair),
    }
}

/// The words of neighbours; of an odd number the last has a zero beside it.
#[inline(always)]
fn pairs(floats: &[f32]) -> impl Iterator<Item = u32> {
    let (whole, rest) = floats.as_chunks::<2>();
    whole.iter().map(|[low, high]| pair(*low, *high)).chain(rest.iter().map(|last| pair(*last, 0.0)))
}

/// Two bf16 in a word, the first in its low half.
#[inline(always)]
fn pair(low: f32, high: f32) -> u32 {
    rounded(low) >> 16 | rounded(high) & 0xffff_0000
}

/// The bits of a float whose upper half is the nearest bf16, the even one of two; a NaN stays one.
#[inline(always)]
fn rounded(x: f32) -> u32 {
    let bits = x.to_bits();
    let nearest = bits.wrapping_add(0x7fff + (bits >> 16 & 1));
    if x.is_nan() { bits | 0x0040_0000 } else { nearest }
}

#[cfg(test)]
mod tests {
    use half::bf16;

    use super::*;

    #[test]
    fn floats_are_rounded_as_half_rounds_them() {
        let step = 65_521; // a prime: every upper half comes up, with lower halves of all kinds
        for bits in
            (0..=u32::MAX).step_by(step).chain([0x3f80_8000, 0x3f81_8000, 0x7f7f_ffff, 0x7f80_0001, 0x7fff_ffff])
        {
            let x = f32::from_bits(bits);
            let [low, high] = [pair(x, 0.0) as u16, (pair(0.0, x) >> 16) as u16].map(bf16::from_bits);
            let expected = bf16::from_f32(x);
            assert!(low == high && low == expected || low.is_nan() && high.is_nan() && x.is_nan(), "{bits:#x}");
        }
    }
}
