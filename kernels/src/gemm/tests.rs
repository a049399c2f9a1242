//! Every variant against sums in f64, over ragged shapes, views and terms.

use super::check::product;
use super::*;
use crate::check::noise;
use crate::testing::assert_close;

/// Rows, depth and columns: less than a tile, no whole tiles, more than a block of the depth or a part of the rows.
const SHAPES: [[usize; 3]; 8] =
    [[1, 1, 1], [3, 5, 7], [12, 16, 32], [13, 300, 33], [50, 257, 16], [200, 31, 70], [300, 64, 17], [16, 1100, 100]];

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

    fn at(&self, row: usize, col: usize) -> f32 {
        let [rows, cols] = self.shape;
        let place = if self.by_columns { col * (rows + self.gap) + row } else { row * (cols + self.gap) + col };
        self.floats[place]
    }
}

/// `first` and the products of factors as a precision has them, with sums in f64.
fn expected(terms: &[[Stored; 2]], [rows, cols]: [usize; 2], first: &[f32], precision: MatmulPrecision) -> Vec<f32> {
    let sum = |place: usize| {
        let (row, col) = (place / cols, place % cols);
        let dot = |[left, right]: &[Stored; 2]| -> f64 {
            (0..left.shape[1]).map(|k| product(left.at(row, k), right.at(k, col), precision)).sum()
        };
        (f64::from(first[place]) + terms.iter().map(dot).sum::<f64>()) as f32
    };
    (0..rows * cols).map(sum).collect()
}

/// Every variant that this processor runs, with its precision.
fn variants() -> impl Iterator<Item = (MatmulPrecision, &'static GemmVariant)> {
    let of = |precision| GemmVariant::available(precision).iter().map(move |variant| (precision, *variant));
    MatmulPrecision::ALL.into_iter().flat_map(of)
}

#[test]
fn sums_of_products_are_those_of_f64_on_every_variant() {
    for (precision, variant) in variants() {
        for (number, [rows, depth, cols]) in SHAPES.into_iter().enumerate() {
            let storage = [(0, false, false), (3, false, true), (0, true, false), (2, true, true)];
            for (gap, left, right) in storage {
                let term = |seed, depth| {
                    [Stored::new(seed, [rows, depth], gap, left), Stored::new(seed + 1, [depth, cols], gap, right)]
                };
                let terms = [term(1, depth), term(3, 1 + number)];
                let views = terms.each_ref().map(|term| term.each_ref().map(Stored::view));
                let first = noise(9, rows * cols);
                let expected = expected(&terms, [rows, cols], &first, precision);
                let what = format!("{variant:?} {rows} x {depth} x {cols}, {gap} {left} {right}");

                let mut found = first.clone();
                add_products(&views, &mut found, variant);
                assert_close(&found, &expected, 2e-5, &what);

                let mut alone = first;
                views.iter().for_each(|[left, right]| add_product(*left, *right, &mut alone, cols, variant));
                assert_close(&alone, &expected, 2e-5, &format!("{what}, on one thread"));
            }
        }
    }
}

/// A tile has 16 or 32 rows or columns, a pair of bf16 two numbers of the depth.
#[test]
fn shapes_around_a_tile_of_amx_are_multiplied_on_every_variant_in_every_storage() {
    const SIZES: [usize; 10] = [1, 15, 16, 17, 31, 32, 33, 63, 64, 65];
    let shapes = SIZES.iter().flat_map(|rows| SIZES.iter().map(move |depth| (*rows, *depth)));
    for (number, (rows, depth)) in shapes.enumerate() {
        let (cols, by_columns) = (SIZES[number * 7 % SIZES.len()], [number % 2 == 0, number / 2 % 2 == 0]);
        let term = [
            Stored::new(1, [rows, depth], number % 3, by_columns[0]),
            Stored::new(2, [depth, cols], number % 5, by_columns[1]),
        ];
        for (precision, variant) in variants() {
            let mut found = vec![0.0; rows * cols];
            let expected = expected(std::slice::from_ref(&term), [rows, cols], &found, precision);
            add_products(&[term.each_ref().map(Stored::view)], &mut found, variant);
            assert_close(&found, &expected, 1e-5, &format!("{variant:?} {rows} x {depth} x {cols}, {by_columns:?}"));
        }
    }
}

/// bf16 has 8 bits: a factor is off by at most 2⁻⁹ of itself, a product by 2⁻⁸, and a sum by 2⁻⁸ of the sum of magnitudes.
#[test]
fn products_of_bf16_are_within_their_bits_of_those_of_f32() {
    let [rows, depth, cols] = [33, 700, 40];
    let term = [Stored::new(1, [rows, depth], 0, false), Stored::new(2, [depth, cols], 0, true)];
    let magnitudes =
        |row: usize, col: usize| -> f32 { (0..depth).map(|k| (term[0].at(row, k) * term[1].at(k, col)).abs()).sum() };
    let zeros = vec![0.0; rows * cols];
    let exact = expected(std::slice::from_ref(&term), [rows, cols], &zeros, MatmulPrecision::F32);
    for variant in GemmVariant::available(MatmulPrecision::Bf16) {
        let mut found = zeros.clone();
        add_products(&[term.each_ref().map(Stored::view)], &mut found, variant);
        for (place, (found, exact)) in found.iter().zip(&exact).enumerate() {
            let bound = 1.01 * 0.5_f32.powi(8) * magnitudes(place / cols, place % cols);
            assert!((found - exact).abs() <= bound, "{variant:?} [{place}] {found}, exactly {exact}");
        }
    }
}

#[test]
fn nothing_is_added_where_a_side_is_empty_and_a_nan_stays_one() {
    for (_, variant) in variants() {
        for [rows, depth, cols] in [[0, 3, 4], [2, 0, 4], [2, 3, 0]] {
            let (left, right) = (vec![1.0; rows * depth], vec![1.0; depth * cols]);
            let views = [MatrixView::new(&left, [rows, depth]), MatrixView::new(&right, [depth, cols])];
            let mut c = vec![7.0; rows * cols];
            add_products(&[views], &mut c, variant);
            add_product(views[0], views[1], &mut c, cols, variant);
            assert_eq!(c, vec![7.0; rows * cols], "{variant:?}");
        }
        let (left, right) = ([1.0, f32::from_bits(0x7fff_ffff), 1.0], [1.0; 3]);
        let mut c = [0.0];
        let views = [MatrixView::new(&left, [1, 3]), MatrixView::new(&right, [3, 1])];
        add_products(&[views], &mut c, variant);
        assert!(c[0].is_nan(), "{variant:?}");
    }
}

#[test]
fn a_result_does_not_depend_on_the_number_of_threads() {
    let (left, right) = (noise(1, 100 * 1100), noise(2, 1100 * 90));
    let product = |threads: usize, variant| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut c = vec![0.0; 100 * 90];
        let terms = [[MatrixView::new(&left, [100, 1100]), MatrixView::new(&right, [1100, 90])]];
        pool.install(|| add_products(&terms, &mut c, variant));
        c
    };
    for (_, variant) in variants() {
        assert_eq!(product(1, variant), product(2, variant), "{variant:?}");
        assert_eq!(product(1, variant), product(7, variant), "{variant:?}");
    }
}

#[test]
fn a_right_factor_that_is_packed_in_pieces_is_multiplied_whole() {
    let [rows, depth, cols] = [2, 1 << 14, 600];
    assert!(depth * cols > 2 * RIGHT);
    for precision in MatmulPrecision::ALL {
        let term = [Stored::new(1, [rows, depth], 0, false), Stored::new(2, [depth, cols], 0, false)];
        let mut found = vec![0.0; rows * cols];
        add_products(&[term.each_ref().map(Stored::view)], &mut found, GemmVariant::best(precision));
        let expected = expected(&[term], [rows, cols], &vec![0.0; rows * cols], precision);
        assert_close(&found, &expected, 2e-4, &format!("{precision:?}"));
    }
}
