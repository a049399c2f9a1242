//! Packing to bf16: two neighbours along the depth share a word, as the dot products of processors read them.

use std::ops::Range;

use super::matrix_view::MatrixView;
use crate::decode_cpu::lanes::SimdKernel;

/// Words of a row of an AMX tile.
pub(super) const TILE_WORDS: usize = 16;

/// The widest panel.
const MAX_WIDTH: usize = 32;

/// The neighbours of the last of an odd number.
const ZEROS: [f32; MAX_WIDTH] = [0.0; MAX_WIDTH];

/// The order of the words of a panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PairOrder {
    /// `[pairs, width]`
    Pairs,
    /// `[pairs / TILE_WORDS, width, TILE_WORDS]`
    Tiles,
}

/// Packs some rows into panels of `width` rows, of each as many pairs of the `depth` as `packed` has room for. Rows and pairs
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
            let rows = first..rows.end.min(first + width);
            Panel { words: panel, width, order }.pack(matrix, rows, depth.clone());
        }
    }
}

/// A panel.
struct Panel<'a> {
    words: &'a mut [u32],
    width: usize,
    order: PairOrder,
}

impl Panel<'_> {
    #[inline(always)]
    fn pack(self, matrix: MatrixView, rows: Range<usize>, depth: Range<usize>) {
        let Self { words, width, order } = self;
        if rows.len() < width || words.len() > width * depth.len() / 2 {
            words.fill(0);
        }
        if matrix.is_transposed() {
            for (number, k) in depth.clone().step_by(2).enumerate() {
                let low = &matrix.line(k)[rows.clone()];
                let high = if k + 1 < depth.end { &matrix.line(k + 1)[rows.clone()] } else { &ZEROS[..rows.len()] };
                let mut pairs = [0; MAX_WIDTH];
                let pairs = &mut pairs[..rows.len()];
                let both = low.iter().zip(high);
                pairs.iter_mut().zip(both).for_each(|(to, (low, high))| *to = pair(*low, *high));
                match order {
                    PairOrder::Pairs => words[number * width..][..pairs.len()].copy_from_slice(pairs),
                    PairOrder::Tiles => {
                        let tile = &mut words[number / TILE_WORDS * TILE_WORDS * width + number % TILE_WORDS..];
                        tile.iter_mut().step_by(TILE_WORDS).zip(pairs).for_each(|(to, pair)| *to = *pair);
                    }
                }
            }
            return;
        }
        for (row, line) in rows.enumerate() {
            for (block, floats) in matrix.line(line)[depth.clone()].chunks(2 * TILE_WORDS).enumerate() {
                let tile = &mut words[block * width * TILE_WORDS..];
                let pairs = neighbours(floats);
                match order {
                    PairOrder::Tiles => tile[row * TILE_WORDS..][..TILE_WORDS].copy_from_slice(&pairs),
                    PairOrder::Pairs => {
                        let to = tile[row..].iter_mut().step_by(width);
                        to.zip(&pairs[..floats.len().div_ceil(2)]).for_each(|(to, pair)| *to = *pair);
                    }
                }
            }
        }
    }
}

/// The pairs of up to 32 neighbours, with zeros behind them.
#[inline(always)]
fn neighbours(floats: &[f32]) -> [u32; TILE_WORDS] {
    let mut words = [0; TILE_WORDS];
    if let Some(whole) = floats.as_array::<{ 2 * TILE_WORDS }>() {
        let pairs = words.iter_mut().zip(whole.as_chunks::<2>().0);
        pairs.for_each(|(word, [low, high])| *word = pair(*low, *high));
    } else {
        let (pairs, last) = floats.as_chunks::<2>();
        words.iter_mut().zip(pairs).for_each(|(word, [low, high])| *word = pair(*low, *high));
        last.iter().for_each(|last| words[pairs.len()] = pair(*last, 0.0));
    }
    words
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
