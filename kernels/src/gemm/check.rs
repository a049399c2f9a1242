//! The check of every variant against sums in f64, for `tiller doctor --selftest` and the tests.

use half::bf16;

use super::{GemmVariant, MatmulPrecision, MatrixView, add_products};
use crate::check::{CheckResult, noise};

/// The error of the sums alone, of up to 1,100 floats.
const TOLERANCE: f64 = 3e-5;

/// Rows, depth and columns: one tile, no whole tiles, more than a block of the depth and a part of the rows.
const SHAPES: [[usize; 3]; 4] = [[1, 1, 1], [32, 64, 32], [49, 33, 31], [100, 1100, 65]];

/// Compares the products of training, of every variant that this processor runs, with sums in f64 of products of the
/// factors as the variant has them.
pub fn check_gemm() -> Vec<CheckResult> {
    let mut results = Vec::new();
    for precision in MatmulPrecision::ALL {
        for (variant, shape) in GemmVariant::available(precision).iter().flat_map(|v| SHAPES.map(|shape| (*v, shape))) {
            checked(variant, precision, shape).add_to(&mut results);
        }
    }
    results
}

fn checked(variant: &'static GemmVariant, precision: MatmulPrecision, [rows, depth, cols]: [usize; 3]) -> CheckResult {
    let (left, right) = (noise(1, rows * depth), noise(2, depth * cols));
    let mut found = vec![0.0; rows * cols];
    let views = [MatrixView::new(&left, [rows, depth]), MatrixView::new(&right, [depth, cols])];
    add_products(&[views], &mut found, variant);
    let sum = |place: usize| {
        let row = &left[place / cols * depth..][..depth];
        let products = row.iter().zip(right[place % cols..].iter().step_by(cols));
        products.map(|(x, y)| product(*x, *y, precision)).sum::<f64>() as f32
    };
    let expected: Vec<f32> = (0..rows * cols).map(sum).collect();
    let kernel = format!("gemm, {}", variant.name());
    CheckResult::of(kernel, format!("{rows} x {depth} x {cols}"), &found, &expected, TOLERANCE)
}

/// A product as a precision has it.
pub(super) fn product(x: f32, y: f32, precision: MatmulPrecision) -> f64 {
    match precision {
        MatmulPrecision::F32 => f64::from(x) * f64::from(y),
        MatmulPrecision::Bf16 => bf16::from_f32(x).to_f64() * bf16::from_f32(y).to_f64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variant_is_checked_and_passes() {
        let results = check_gemm();
        let variants = MatmulPrecision::ALL.map(|p| GemmVariant::available(p).len());
        assert_eq!(results.len(), variants.iter().sum::<usize>());
        results.iter().for_each(|result| assert!(result.passed(), "{result}"));
    }
}
