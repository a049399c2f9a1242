//! y = W x for the columns of a step, on all threads.

use std::cell::RefCell;
use std::ops::Range;

use super::columns::Columns;
use super::float::FloatProduct;
use super::int8::Int8Product;
use super::isa::Isa;
use super::lanes::Lanes;
use super::panels::{PANEL, Panels};
use super::pool::Pool;
use crate::quant::QuantScheme;

/// Jobs are split into so many parts for each thread: one that is held up leaves its parts to the others.
const PARTS_PER_THREAD: usize = 8;

/// Panels that a part has at least: the float kernel takes four at once.
const LEAST_PANELS: usize = 4;

/// The result of a product, `[panels, columns]`: the outputs of a panel lie together, so that threads write to places
/// of their own.
#[derive(Debug, Clone, Default)]
pub struct PanelOutput {
    rows: usize,
    columns: usize,
    numbers: Vec<Lanes>,
}

impl PanelOutput {
    /// Rows: the outputs of one column.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Copies the outputs from row `first` on of a column to `y`.
    ///
    /// # Panics
    /// A column or rows that there are not.
    pub fn read(&self, column: usize, first: usize, y: &mut [f32]) {
        assert!(column < self.columns && first + y.len() <= self.rows, "{} rows from {first} on", y.len());
        for (i, y) in y.iter_mut().enumerate() {
            *y = self.numbers[(first + i) / PANEL * self.columns + column][(first + i) % PANEL];
        }
    }

    /// Adds `y` to the outputs from row `first` on of a column.
    ///
    /// # Panics
    /// A column or rows that there are not.
    pub fn add(&mut self, column: usize, first: usize, y: &[f32]) {
        assert!(column < self.columns && first + y.len() <= self.rows, "{} rows from {first} on", y.len());
        for (i, y) in y.iter().enumerate() {
            self.numbers[(first + i) / PANEL * self.columns + column][(first + i) % PANEL] += y;
        }
    }
}

/// Returns true if the quants of a scheme can be multiplied in int8: a weight is an integer times a scale, plus an
/// offset.
pub(super) fn takes_int8(scheme: QuantScheme) -> bool {
    crate::decode::matmul::takes_int8(scheme)
}

/// y = `weights` times `columns`: in int8 if the columns have quants and the scheme allows it.
///
/// # Panics
/// Columns of another width than the matrix.
pub fn product(weights: &Panels, columns: &Columns, y: &mut PanelOutput, pool: &Pool, isa: Isa) {
    let count = columns.count();
    assert_eq!(columns.width(), weights.cols(), "columns as wide as the matrix");
    (y.rows, y.columns) = (weights.rows(), count);
    y.numbers.resize(weights.panels() * count, Lanes::default());
    let part = weights.panels().div_ceil(pool.threads() * PARTS_PER_THREAD).next_multiple_of(LEAST_PANELS);
    pool.for_each(y.numbers.chunks_mut((part * count).max(1)), |number, y| {
        let first = number * part;
        let panels = first..first + y.len() / count;
        some_panels(weights, panels, columns, y, isa);
    });
}

thread_local! {
    /// The weights of a panel.
    static UNPACKED: RefCell<Vec<Lanes>> = const { RefCell::new(Vec::new()) };
}

/// y `[panels, columns]` = some panels of `weights` times `columns`.
fn some_panels(weights: &Panels, panels: Range<usize>, columns: &Columns, y: &mut [Lanes], isa: Isa) {
    if columns.is_int8() && takes_int8(weights.scheme()) {
        isa.run_int8(Int8Product { weights, panels, columns, y });
    } else {
        UNPACKED.with_borrow_mut(|unpacked| isa.run(FloatProduct { weights, panels, columns, y, unpacked }));
    }
}

/// The outputs of some rows of `weights` alone, for one of the columns.
///
/// # Panics
/// As [`product`]; rows that there are not.
pub fn product_of_rows(weights: &Panels, rows: &[u32], column: &Columns, isa: Isa) -> Vec<f32> {
    assert_eq!((column.width(), column.count()), (weights.cols(), 1), "one column as wide as the matrix");
    let mut outputs = Vec::with_capacity(rows.len());
    let (mut known, mut panel) = (None, [Lanes::default()]);
    for row in rows.iter().map(|row| *row as usize) {
        let number = row / PANEL;
        if known != Some(number) {
            some_panels(weights, number..number + 1, column, &mut panel, isa);
            known = Some(number);
        }
        outputs.push(panel[0][row % PANEL]);
    }
    outputs
}
