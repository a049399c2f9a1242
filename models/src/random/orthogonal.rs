//! Orthogonal initialization.

use super::Normal;

/// `rows` orthogonal rows of length `gain` and `width` elements: Gaussian rows, orthogonalised one after the other (Gram–Schmidt).
pub(crate) fn orthogonal_rows(rows: usize, width: usize, gain: f64, normal: &mut Normal) -> Vec<f32> {
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(rows);
    for _ in 0..rows {
        let mut row: Vec<f64> = normal.draw(width, 1.0).into_iter().map(f64::from).collect();
        // Twice, because the first pass leaves rounding errors along the earlier rows.
        for _ in 0..2 {
            for earlier in &basis {
                let along = dot(&row, earlier);
                row.iter_mut().zip(earlier).for_each(|(x, e)| *x -= along * e);
            }
        }
        let length = dot(&row, &row).sqrt();
        row.iter_mut().for_each(|x| *x /= length);
        basis.push(row);
    }
    basis.into_iter().flatten().map(|x| (gain * x) as f32).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
