//! Matrices that lie in a slice, and their packing into panels.

use std::ops::Range;

/// A matrix in a slice of floats, row-major or transposed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MatrixView<'a> {
    floats: &'a [f32],
    pub(super) rows: usize,
    pub(super) cols: usize,
    /// Floats from a row to the next, or from a column to the next if it is transposed.
    stride: usize,
    transposed: bool,
}

impl<'a> MatrixView<'a> {
    /// `[rows, cols]` in row-major order.
    pub(crate) fn new(floats: &'a [f32], shape: [usize; 2]) -> Self {
        Self::strided(floats, shape, shape[1])
    }

    /// `[rows, cols]`, of which each row begins `stride` floats behind the one before.
    ///
    /// # Panics
    /// A slice that is too short.
    pub(crate) fn strided(floats: &'a [f32], [rows, cols]: [usize; 2], stride: usize) -> Self {
        let length = if rows == 0 { 0 } else { (rows - 1) * stride + cols };
        assert!(cols <= stride && length <= floats.len(), "{rows} x {cols} in {} floats", floats.len());
        Self { floats, rows, cols, stride, transposed: false }
    }

    /// Rows and columns.
    pub(crate) fn shape(self) -> [usize; 2] {
        [self.rows, self.cols]
    }

    pub(crate) fn transposed(self) -> Self {
        Self { rows: self.cols, cols: self.rows, transposed: !self.transposed, ..self }
    }

    /// Some of its rows.
    pub(crate) fn slice(self, rows: Range<usize>) -> Self {
        assert!(!self.transposed && rows.end <= self.rows, "rows {rows:?} of {}", self.rows);
        Self { floats: &self.floats[rows.start * self.stride..], rows: rows.len(), ..self }
    }

    /// A row of a matrix that is not transposed.
    pub(crate) fn row(self, row: usize) -> &'a [f32] {
        assert!(!self.transposed && row < self.rows, "row {row} of {}", self.rows);
        &self.floats[row * self.stride..][..self.cols]
    }

    pub(super) fn is_transposed(self) -> bool {
        self.transposed
    }

    /// The numbers of a row, or of a column if it is transposed.
    pub(super) fn line(self, number: usize) -> &'a [f32] {
        &self.floats[number * self.stride..][..if self.transposed { self.rows } else { self.cols }]
    }

    /// Packs some rows into panels of `W` rows: `[panels, depth, W]`, where depth is the number of `columns`. Rows after
    /// the last are zeros.
    pub(super) fn pack<const W: usize>(self, rows: Range<usize>, columns: Range<usize>, packed: &mut [f32]) {
        let panels = packed.as_chunks_mut::<W>().0.chunks_exact_mut(columns.len().max(1));
        for (first, panel) in rows.clone().step_by(W).zip(panels) {
            let count = W.min(rows.end - first);
            if self.transposed {
                for (column, packed) in columns.clone().zip(panel) {
                    let from = &self.floats[column * self.stride + first..];
                    match from.first_chunk::<W>().filter(|_| count == W) {
                        Some(whole) => *packed = *whole,
                        None => {
                            packed[..count].copy_from_slice(&from[..count]);
                            packed[count..].fill(0.0);
                        }
                    }
                }
            } else {
                if count < W {
                    panel.fill([0.0; W]);
                }
                for row in 0..count {
                    let from = &self.floats[(first + row) * self.stride..][columns.clone()];
                    panel.iter_mut().zip(from).for_each(|(packed, x)| packed[row] = *x);
                }
            }
        }
    }
}
