//! A packed matrix in main memory.

use std::ops::Range;

use rayon::prelude::*;

use super::error::PackError;
use super::row;
use super::scheme::{PACK, QuantScheme};

/// A weight matrix `[rows, cols]` in one scheme, in the layout of [`quant`](super).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedMatrix {
    scheme: QuantScheme,
    rows: usize,
    cols: usize,
    quants: Vec<u32>,
    scales: Vec<u32>,
}

impl PackedMatrix {
    /// Packs `weights` `[rows, cols]`, row-major, choosing for each the nearest weight that the scheme can
    /// hold.
    ///
    /// f32 is exact and f16 rounds. The error of the others, with d and m the scale and the minimum of a
    /// weight's group: q8 |d|/2; q4 |d|/2, and |d| where the group's largest weights of both signs differ by
    /// less than that; q4affine |d|/2 and the rounding of d and m to f16; q4k the same with 6-bit scales; nf4
    /// half the distance of two levels.
    ///
    /// # Errors
    /// Rows that are not a multiple of the group, a length other than `rows · cols`, weights that are not
    /// finite or too large.
    pub fn from_f32(scheme: QuantScheme, rows: usize, cols: usize, weights: &[f32]) -> Result<Self, PackError> {
        let count = rows.checked_mul(cols).ok_or(PackError::Huge { rows, cols })?;
        expect_length("weights", count, weights.len())?;
        let not_finite = |row: &[f32]| !row.iter().all(|w| w.is_finite());
        if let Some(row) = weights.par_chunks(cols.max(1)).position_first(not_finite) {
            return Err(PackError::Range { row, scheme });
        }
        Self::fill(scheme, rows, cols, |r, quants, scales| {
            row::pack(scheme, &weights[r * cols..][..cols], quants, scales)
        })
    }

    /// The matrix of the given rows of others, in this order; all of one scheme and width.
    ///
    /// # Panics
    /// Rows of different schemes or widths, no rows at all.
    pub fn of_rows<'a>(rows: impl IntoIterator<Item = (&'a PackedMatrix, usize)>) -> Self {
        let mut rows = rows.into_iter().peekable();
        let (scheme, cols) = rows.peek().map(|(packed, _)| (packed.scheme, packed.cols)).expect("one row at least");
        let (code_words, scale_words) = row_words(scheme, cols);
        let mut gathered = PackedMatrix { scheme, rows: 0, cols, quants: Vec::new(), scales: Vec::new() };
        for (packed, r) in rows {
            assert_eq!((packed.scheme, packed.cols), (scheme, cols), "rows of one matrix are alike");
            gathered.quants.extend_from_slice(&packed.quants[r * code_words..][..code_words]);
            gathered.scales.extend_from_slice(&packed.scales[r * scale_words..][..scale_words]);
            gathered.rows += 1;
        }
        gathered
    }

    /// The matrix `[rows, cols]` that these words are; words beyond its rows are dropped.
    ///
    /// # Panics
    /// Fewer words than that.
    pub(crate) fn of_words(
        scheme: QuantScheme,
        [rows, cols]: [usize; 2],
        mut quants: Vec<u32>,
        mut scales: Vec<u32>,
    ) -> Self {
        let (code_words, scale_words) = row_words(scheme, cols);
        assert!(quants.len() >= rows * code_words && scales.len() >= rows * scale_words, "{rows} x {cols}");
        quants.truncate(rows * code_words);
        scales.truncate(rows * scale_words);
        PackedMatrix { scheme, rows, cols, quants, scales }
    }

    /// Packs row by row; `pack` gets the row's number, quants and scales, the latter two zeroed.
    pub(super) fn fill(
        scheme: QuantScheme,
        rows: usize,
        cols: usize,
        pack: impl Fn(usize, &mut [u32], &mut [u32]) + Sync,
    ) -> Result<Self, PackError> {
        if !cols.is_multiple_of(scheme.row_multiple()) {
            return Err(PackError::Columns { scheme, cols });
        }
        let (code_words, scale_words) = row_words(scheme, cols);
        let words = |per_row: usize| rows.checked_mul(per_row).ok_or(PackError::Huge { rows, cols });
        let mut packed = PackedMatrix {
            scheme,
            rows,
            cols,
            quants: vec![0; words(code_words)?],
            scales: vec![0; words(scale_words)?],
        };
        let scales: Vec<&mut [u32]> = match scale_words {
            0 => (0..rows).map(|_| Default::default()).collect(),
            words => packed.scales.chunks_mut(words).collect(),
        };
        let bad_row = packed
            .quants
            .par_chunks_mut(code_words.max(1))
            .zip(scales)
            .enumerate()
            .filter_map(|(r, (quants, scales))| {
                pack(r, quants, scales);
                (!row::is_finite(scheme, quants, scales)).then_some(r)
            })
            .min();
        match bad_row {
            None => Ok(packed),
            Some(row) => Err(PackError::Range { row, scheme }),
        }
    }

    /// The scheme.
    pub fn scheme(&self) -> QuantScheme {
        self.scheme
    }

    /// Rows: the outputs of a linear layer.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns: the inputs of a linear layer.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// The quants, [`PACK`] weights to a pack, whole packs to a row.
    pub fn quants(&self) -> &[u32] {
        &self.quants
    }

    /// The scales, [`QuantScheme::scale_words`] to a row.
    pub fn scales(&self) -> &[u32] {
        &self.scales
    }

    /// Writes the weights of row `r` to `weights`, `[cols]`.
    ///
    /// # Panics
    /// A row past the last, or `weights` of another length.
    pub fn unpack_row(&self, r: usize, weights: &mut [f32]) {
        assert!(r < self.rows && weights.len() == self.cols, "row {r} of {} x {}", self.rows, self.cols);
        let (code_words, scale_words) = row_words(self.scheme, self.cols);
        let quants = &self.quants[r * code_words..][..code_words];
        let scales = &self.scales[r * scale_words..][..scale_words];
        row::unpack(self.scheme, quants, scales, weights);
    }

    /// The words of quants and of scales of some rows.
    pub(crate) fn words_of(&self, rows: Range<usize>) -> (&[u32], &[u32]) {
        let (code_words, scale_words) = row_words(self.scheme, self.cols);
        let of = |words: usize| rows.start * words..rows.end * words;
        (&self.quants[of(code_words)], &self.scales[of(scale_words)])
    }

    /// The weights `[rows, cols]`, row-major.
    pub fn to_f32(&self) -> Vec<f32> {
        let mut weights = vec![0.0; self.rows * self.cols];
        if self.cols > 0 {
            weights.par_chunks_mut(self.cols).enumerate().for_each(|(r, row)| self.unpack_row(r, row));
        }
        weights
    }
}

/// Words of quants and of scales in one row.
fn row_words(scheme: QuantScheme, cols: usize) -> (usize, usize) {
    (cols.div_ceil(PACK) * scheme.pack_words(), scheme.scale_words(cols))
}

pub(super) fn expect_length(what: &'static str, expected: usize, found: usize) -> Result<(), PackError> {
    if expected == found { Ok(()) } else { Err(PackError::Length { what, expected, found }) }
}
