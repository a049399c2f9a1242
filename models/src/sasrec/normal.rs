//! Initial weights: the same numbers for a seed on every device.

use std::f32::consts::TAU;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A source of normally distributed numbers.
pub(super) struct Normal(ChaCha8Rng);

impl Normal {
    pub(super) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// `n` numbers of mean 0 and the given standard deviation, by the Box–Muller transform.
    pub(super) fn draw(&mut self, n: usize, deviation: f32) -> Vec<f32> {
        let mut number = || {
            let (u, v): (f32, f32) = self.0.random();
            // 1 - u lies in (0, 1], where the logarithm is finite.
            deviation * (-2.0 * (1.0 - u).ln()).sqrt() * (TAU * v).cos()
        };
        (0..n).map(|_| number()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_have_the_asked_mean_and_deviation() {
        let numbers = Normal::new(1).draw(40_000, 0.02);
        let mean = numbers.iter().sum::<f32>() / 40_000.0;
        let variance = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / 40_000.0;
        assert!(mean.abs() < 5.0 * 0.02 / 200.0, "{mean}");
        assert!((variance.sqrt() / 0.02 - 1.0).abs() < 0.02, "{variance}");
    }
}
