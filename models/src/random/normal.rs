//! Initial weights: the same numbers for a seed on every device.

use std::f32::consts::TAU;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A source of normally distributed numbers.
pub(crate) struct Normal(ChaCha8Rng);

impl Normal {
    pub(crate) fn new(seed: u64) -> Self {
        Self::of_stream(seed, 0)
    }

    /// One of many independent sources of a seed.
    pub(crate) fn of_stream(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self(rng)
    }

    /// `n` numbers of mean 0 and the given standard deviation, by the Box–Muller transform.
    pub(crate) fn draw(&mut self, n: usize, deviation: f32) -> Vec<f32> {
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
