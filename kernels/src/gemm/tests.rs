//! Every variant against sums in f64, over ragged shapes, views and terms.

use super::*;
use crate::check::noise;
use crate::testing::assert_close;

/// Rows, depth and columns: less than a tile, no whole tiles, more than a block of the depth or a part of the rows.
const SHAPES: [[usize; 3]; 8] =
    [[1, 1, 1], [3, 5, 7], [12, 16, 32], [13, 300, 33], [50, 257, 16], [200, 31, 70], [300, 64, 17], [16, 600, 100]];

/// A matrix `[rows, cols]` that is stored row by row, with a gap behind each row, or column by column.
struct Stored {
    floats: Vec<f32>,
    shape: [usize; 2],
    gap: usize,
    by_columns: bool,
}

impl Stored {
    fn new(seed: u64, shape @ [rows, cols]: [usize; 2], gap: usize, by_columns: bool) -> Self {
        Self { floats: noise(seed, (rows + gap) * (cols + gap)), shape, gap, by_columns }
    }

    fn view(&self) -> MatrixView<'_> {
        let [rows, cols] = self.shape;
        match self.by_columns {
            false => MatrixView::strided(&self.floats, [rows, cols], cols + self.gap),
            true => MatrixView::strided(&self.floats, [cols, rows], rows + self.gap).transposed(),
        }
    }

    fn at(&self, row: usize, col: usize) -> f64 {
        let [rows, cols] = self.shape;
        let place = if self.by_columns { col * (rows + self.gap) + row } else { row * (cols + self.gap) + col };
        f64::from(self.floats[place])
    }
}

fn expected(terms: &[[Stored; 2]], [rows, cols]: [usize; 2], first: &[f32]) -> Vec<f32> {
    let sum = |place: usize| {
        let (row, col) = (place / cols, place % cols);
        let dot = |[left, right]: &[Stored; 2]| -> f64 {
            (0..left.shape[1]).map(|k| left.at(row, k) * right.at(k, col)).sum()
        };
        (f64::from(first[place]) + terms.iter().map(dot).sum::<f64>()) as f32
    };
    (0..rows * cols).map(sum).collect()
}

#[test]
fn sums_of_products_are_those_of_f64_on_every_variant() {
    for isa in Isa::available() {
        for (number, [rows, depth, cols]) in SHAPES.into_iter().enumerate() {
            let storage = [(0, false, false), (3, false, true), (0, true, false), (2, true, true)];
            for (gap, left, right) in storage {
                let term = |seed, depth| {
                    [Stored::new(seed, [rows, depth], gap, left), Stored::new(seed + 1, [depth, cols], gap, right)]
                };
                let terms = [term(1, depth), term(3, 1 + number)];
                let views = terms.each_ref().map(|term| term.each_ref().map(Stored::view));
                let first = noise(9, rows * cols);
                let expected = expected(&terms, [rows, cols], &first);
                let what = format!("{isa:?} {rows} x {depth} x {cols}, {gap} {left} {right}");

                let mut found = first.clone();
                add_products(&views, &mut found, *isa);
                assert_close(&found, &expected, 2e-5, &what);

                let mut alone = first;
                views.iter().for_each(|[left, right]| add_product(*left, *right, &mut alone, cols, *isa));
                assert_close(&alone, &expected, 2e-5, &format!("{what}, on one thread"));
            }
        }
    }
}

#[test]
fn a_result_does_not_depend_on_the_number_of_threads() {
    let (left, right) = (noise(1, 100 * 300), noise(2, 300 * 90));
    let product = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut c = vec![0.0; 100 * 90];
        let terms = [[MatrixView::new(&left, [100, 300]), MatrixView::new(&right, [300, 90])]];
        pool.install(|| add_products(&terms, &mut c, Isa::best()));
        c
    };
    assert_eq!(product(1), product(2));
    assert_eq!(product(1), product(7));
}

#[test]
fn a_right_factor_that_is_packed_in_pieces_is_multiplied_whole() {
    let ([rows, depth, cols], isa) = ([2, 1 << 14, 600], Isa::best());
    let term = [Stored::new(1, [rows, depth], 0, false), Stored::new(2, [depth, cols], 0, false)];
    assert!(depth * cols > RIGHT);
    let mut found = vec![0.0; rows * cols];
    add_products(&[term.each_ref().map(Stored::view)], &mut found, isa);
    assert_close(&found, &expected(&[term], [rows, cols], &vec![0.0; rows * cols]), 2e-4, "in pieces");
}
