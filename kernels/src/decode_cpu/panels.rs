//! Weights for products on a CPU: eight rows to a panel, repacked once at load.

use rayon::prelude::*;

use super::lanes::{Lanes, from_f16};
use crate::quant::{NF4_LEVELS, PACK, PackedMatrix, QuantScheme};

/// Rows of a panel.
pub const PANEL: usize = 8;

/// Columns that share a scale in most schemes, and the columns of a step in all.
pub(super) const GROUP: usize = 32;

/// The quant of a weight of zero in Q4_0.
pub(super) const Q4_ZERO: i32 = 8;

/// A word of each row of a panel.
pub(super) type Words = [u32; PANEL];

/// A weight matrix `[rows, cols]` whose rows lie in panels: word i of eight rows is followed by word i + 1 of all
/// eight. The words are those of [`quant`](crate::quant); the rows after the last are zeros.
#[derive(Debug, Clone)]
pub struct Panels {
    scheme: QuantScheme,
    rows: usize,
    cols: usize,
    /// `[panels, words of a row]`
    quants: Vec<Words>,
    /// `[panels, words of a row]`
    scales: Vec<Words>,
}

/// The words of one panel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Panel<'a> {
    pub(super) scheme: QuantScheme,
    pub(super) quants: &'a [Words],
    pub(super) scales: &'a [Words],
}

impl Panels {
    /// Repacks a matrix.
    pub fn new(packed: &PackedMatrix) -> Self {
        let (rows, cols, scheme) = (packed.rows(), packed.cols(), packed.scheme());
        let interleaved = |words: &[u32], per_row: usize| {
            let per_row = per_row.max(1);
            let mut panels = vec![Words::default(); words.len().div_ceil(PANEL * per_row) * per_row];
            panels.par_chunks_mut(per_row).zip(words.par_chunks(PANEL * per_row)).for_each(|(panel, words)| {
                for (r, row) in words.chunks_exact(per_row).enumerate() {
                    panel.iter_mut().zip(row).for_each(|(word, of_row)| word[r] = *of_row);
                }
            });
            panels
        };
        Self {
            scheme,
            rows,
            cols,
            quants: interleaved(packed.quants(), quant_words(scheme, cols)),
            scales: interleaved(packed.scales(), scheme.scale_words(cols)),
        }
    }

    /// The scheme of the weights.
    pub fn scheme(&self) -> QuantScheme {
        self.scheme
    }

    /// Rows: the outputs of a product.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns: the inputs of a product.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// The number of panels.
    pub fn panels(&self) -> usize {
        self.rows.div_ceil(PANEL)
    }

    /// Bytes of the weights.
    pub fn bytes(&self) -> usize {
        size_of_val(self.quants.as_slice()) + size_of_val(self.scales.as_slice())
    }

    /// Writes the weights of row `r` to `weights`, `[cols]`.
    ///
    /// # Panics
    /// A row past the last, or `weights` of another length.
    pub fn unpack_row(&self, r: usize, weights: &mut [f32]) {
        assert!(r < self.rows && weights.len() == self.cols, "row {r} of {} x {}", self.rows, self.cols);
        let panel = self.panel(r / PANEL);
        for (pack, weights) in weights.chunks_mut(PACK).enumerate() {
            let of_pack = panel.unpack(pack);
            weights.iter_mut().zip(of_pack).for_each(|(weight, of_rows)| *weight = of_rows[r % PANEL]);
        }
    }

    pub(super) fn panel(&self, number: usize) -> Panel<'_> {
        let words = |all: &'_ [Words], per_row: usize| number * per_row..(number * per_row + per_row).min(all.len());
        Panel {
            scheme: self.scheme,
            quants: &self.quants[words(&self.quants, quant_words(self.scheme, self.cols))],
            scales: &self.scales[words(&self.scales, self.scheme.scale_words(self.cols))],
        }
    }
}

fn quant_words(scheme: QuantScheme, cols: usize) -> usize {
    cols.div_ceil(PACK) * scheme.pack_words()
}

impl Panel<'_> {
    /// The weights of a pack, column by column: the bits that [`PackedMatrix::unpack_row`] gives.
    #[inline(always)]
    pub(super) fn unpack(&self, pack: usize) -> [Lanes; PACK] {
        let words = &self.quants[pack * self.scheme.pack_words()..][..self.scheme.pack_words()];
        let group = pack * PACK / GROUP;
        match self.scheme {
            QuantScheme::F32 => by_column(|j, r| f32::from_bits(words[j][r])),
            QuantScheme::F16 => by_column(|j, r| from_f16(words[j / 2][r] >> (16 * (j % 2)))),
            QuantScheme::Q8 => {
                let d = self.half_scales(group);
                by_column(|j, r| d[r] * (words[j / 4][r] as i32 >> (8 * (j % 4)) << 24 >> 24) as f32)
            }
            QuantScheme::Q4 => {
                let d = self.half_scales(group);
                by_column(|j, r| d[r] * (nibble(words[0][r], j) - Q4_ZERO) as f32)
            }
            QuantScheme::Q4Affine => {
                let (d, m) = self.affine_scales(group);
                by_column(|j, r| d[r] * nibble(words[0][r], j) as f32 + m[r])
            }
            QuantScheme::Q4K => {
                let (d, m) = self.nested_scales(group);
                by_column(|j, r| d[r] * nibble(words[0][r], j) as f32 - m[r])
            }
            QuantScheme::Nf4 => {
                let a = self.scales[pack * PACK / 64];
                by_column(|j, r| f32::from_bits(a[r]) * NF4_LEVELS[nibble(words[0][r], j) as usize])
            }
        }
    }

    /// The scale and the minimum of a group of Q4_1.
    #[inline(always)]
    pub(super) fn affine_scales(&self, group: usize) -> (Lanes, Lanes) {
        let words = &self.scales[group];
        (by_row(|r| from_f16(words[r])), by_row(|r| from_f16(words[r] >> 16)))
    }

    /// The scales of a group, of which two share a word.
    #[inline(always)]
    pub(super) fn half_scales(&self, group: usize) -> Lanes {
        let words = &self.scales[group / 2];
        by_row(|r| from_f16(words[r] >> (16 * (group % 2))))
    }

    /// d s and e m of a group of Q4_K.
    #[inline(always)]
    pub(super) fn nested_scales(&self, group: usize) -> (Lanes, Lanes) {
        let block = &self.scales[group / 8 * 5..][..5];
        let bytes = &block[1 + group % 8 / 2];
        let byte = |r: usize, at: usize| (bytes[r] >> (16 * (group % 2) + at) & 255) as i32 as f32;
        (by_row(|r| from_f16(block[0][r]) * byte(r, 0)), by_row(|r| from_f16(block[0][r] >> 16) * byte(r, 8)))
    }
}

/// A number for every row of a panel.
#[inline(always)]
fn by_row(of: impl Fn(usize) -> f32) -> Lanes {
    let mut lanes = [0.0; PANEL];
    for (r, lane) in lanes.iter_mut().enumerate() {
        *lane = of(r);
    }
    lanes
}

/// The weights of a pack, by column and row.
#[inline(always)]
fn by_column(of: impl Fn(usize, usize) -> f32) -> [Lanes; PACK] {
    let mut weights = [[0.0; PANEL]; PACK];
    for (j, column) in weights.iter_mut().enumerate() {
        *column = by_row(|r| of(j, r));
    }
    weights
}

/// The 4-bit quant of column `j` of a pack.
#[inline(always)]
pub(super) fn nibble(word: u32, j: usize) -> i32 {
    (word >> (8 * (j % 4) + j / 4 * 4) & 15) as i32
}
