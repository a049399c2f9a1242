//! The checks of the products against sums in f64, for `tiller doctor --selftest` and the tests.

use super::columns::Columns;
use super::isa::Isa;
use super::panels::{GROUP, Panels};
use super::pool::Pool;
use super::product::{PanelOutput, product};
use crate::check::{CheckResult, noise};
use crate::quant::{PackedMatrix, QuantScheme};

/// The error of the sums alone, of up to 768 floats.
const TOLERANCE: f64 = 3e-5;

/// Numbers of columns: one, the tiles of few, more than a tile with a rest, and more than a block.
const COLUMNS: [usize; 7] = [1, 2, 3, 4, 7, 21, 67];

/// Rows: less than a panel, and no whole number of panels.
const ROWS: [usize; 2] = [3, 45];

/// Compares the products of every scheme, on every instruction set of this processor, with sums in f64: with floats,
/// and with those of 16-bit quants where the weights have integer quants.
pub fn check_products() -> Vec<CheckResult> {
    let pool = Pool::new(2);
    let mut results: Vec<CheckResult> = Vec::new();
    for (isa, scheme) in Isa::available().iter().flat_map(|isa| QuantScheme::ALL.map(|scheme| (*isa, scheme))) {
        for quantize in [false, true].into_iter().filter(|quantize| !quantize || takes_integers(scheme, isa)) {
            for (rows, count) in ROWS.into_iter().flat_map(|rows| COLUMNS.map(|count| (rows, count))) {
                for cols in widths(scheme) {
                    let case = Case::new(scheme, [rows, cols], count, quantize, &pool, isa);
                    case.tried(&pool, isa).add_to(&mut results);
                }
            }
        }
    }
    results
}

fn takes_integers(scheme: QuantScheme, isa: Isa) -> bool {
    scheme.has_integer_quants() && isa.has_integer_products()
}

/// The narrowest rows of a scheme, and wider ones.
fn widths(scheme: QuantScheme) -> [usize; 2] {
    let unit = scheme.row_multiple();
    [unit, if unit == 1 { 3 * GROUP + 13 } else { 3 * unit }]
}

struct Case {
    packed: PackedMatrix,
    columns: Columns,
}

impl Case {
    fn new(scheme: QuantScheme, [rows, cols]: [usize; 2], count: usize, quantize: bool, pool: &Pool, isa: Isa) -> Self {
        let packed = PackedMatrix::from_f32(scheme, rows, cols, &noise(1, rows * cols)).expect("rows of whole groups");
        let x = noise(2, count * cols);
        let mut columns = Columns::default();
        columns.set([count, cols], quantize, pool, isa, |number, column| {
            column.copy_from_slice(&x[number * cols..][..cols]);
        });
        Self { packed, columns }
    }

    fn tried(&self, pool: &Pool, isa: Isa) -> CheckResult {
        let (rows, count) = (self.packed.rows(), self.columns.count());
        let mut y = PanelOutput::default();
        product(&Panels::new(&self.packed), &self.columns, &mut y, pool, isa);
        let mut found = vec![0.0; count * rows];
        found.chunks_mut(rows).enumerate().for_each(|(column, found)| y.read(column, found));
        let activations = if self.columns.is_quantized() { "int16" } else { "f32" };
        let kernel = format!("product {} x {activations}, {}", self.packed.scheme(), isa.name());
        let case = format!("{rows} x {} x {count}", self.packed.cols());
        CheckResult::of(kernel, case, &found, &self.expected(), TOLERANCE)
    }

    /// Sums in f64 of the weights times the columns as the product has them.
    fn expected(&self) -> Vec<f32> {
        let (weights, cols) = (self.packed.to_f32(), self.packed.cols());
        let dot = |row: &[f32], x: &[f64]| row.iter().zip(x).map(|(w, x)| f64::from(*w) * x).sum::<f64>() as f32;
        let columns = (0..self.columns.count()).map(|number| self.columns.numbers(number));
        columns.flat_map(|x| weights.chunks(cols).map(move |row| dot(row, &x)).collect::<Vec<_>>()).collect()
    }
}
