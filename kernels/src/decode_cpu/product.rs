//! y = W x for the columns of a step, on all threads.

use super::columns::Columns;
use super::dispatch;
use super::isa::Isa;
use super::lanes::Lanes;
use super::panel_product::PanelProduct;
use super::panels::{PANEL, Panels};
use super::pool::Pool;

/// Jobs are split into so many parts for each thread: one that is held up leaves its parts to the others.
const PARTS_PER_THREAD: usize = 8;

/// Panels that a part has at least: kernels take up to four at once.
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

    /// Copies the first outputs of a column to `y`.
    ///
    /// # Panics
    /// A column or rows that there are not.
    pub fn read(&self, column: usize, y: &mut [f32]) {
        self.check(column, y.len());
        for (y, panel) in y.chunks_mut(PANEL).zip(self.lanes(column)) {
            y.copy_from_slice(&panel[..y.len()]);
        }
    }

    /// Adds the outputs of a column to `x`, `[rows]`.
    ///
    /// # Panics
    /// A column or rows that there are not.
    pub fn add_to(&self, column: usize, x: &mut [f32]) {
        self.check(column, x.len());
        for (x, y) in x.chunks_mut(PANEL).zip(self.lanes(column)) {
            x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
        }
    }

    /// Adds `x` to the outputs of a column.
    ///
    /// # Panics
    /// A column or rows that there are not.
    pub fn add(&mut self, column: usize, x: &[f32]) {
        self.check(column, x.len());
        for (x, panel) in x.chunks(PANEL).zip(0..) {
            let y = &mut self.numbers[panel * self.columns + column];
            y.iter_mut().zip(x).for_each(|(y, x)| *y += x);
        }
    }

    /// The outputs of a column, panel by panel.
    #[inline(always)]
    pub(super) fn lanes(&self, column: usize) -> impl Iterator<Item = &Lanes> {
        self.numbers[column.min(self.numbers.len())..].iter().step_by(self.columns.max(1))
    }

    fn check(&self, column: usize, rows: usize) {
        assert!(column < self.columns && rows <= self.rows, "{rows} rows of column {column}");
    }
}

/// y = `weights` times `columns`: of integers if the columns have quants and the weights have integer quants.
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
        dispatch::run(PanelProduct { weights, panels, columns, y }, isa);
    });
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
            let panels = number..number + 1;
            dispatch::run(PanelProduct { weights, panels, columns: column, y: &mut panel }, isa);
            known = Some(number);
        }
        outputs.push(panel[0][row % PANEL]);
    }
    outputs
}
