//! The result of a check for one variant of a kernel.

use std::fmt;

use serde::Serialize;

/// The worst result of one variant of a kernel.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckResult {
    /// The shader and the constants of the variant.
    pub kernel: String,
    /// The number of outputs that were compared, over all shapes.
    pub cases: usize,
    /// The largest error, relative to the larger of 1 and the expected number; infinite (null in JSON) where
    /// a number is missing or NaN.
    pub error: f64,
    /// The largest error that passes.
    pub tolerance: f64,
    /// The shape that was worst.
    pub worst: String,
}

impl CheckResult {
    /// The result of `kernel` in one case; see [`CheckResult::error`].
    pub fn of(kernel: String, case: String, found: &[f32], expected: &[f32], tolerance: f64) -> Self {
        let off = |(f, e): (&f32, &f32)| {
            let error = f64::from((f - e).abs()) / f64::from(e.abs().max(1.0));
            if error.is_nan() { f64::INFINITY } else { error }
        };
        let error = match found.len() == expected.len() {
            true => found.iter().zip(expected).map(off).fold(0.0, f64::max),
            false => f64::INFINITY,
        };
        Self { kernel, cases: 1, error, tolerance, worst: case }
    }

    /// Returns true if the variant agrees with its reference.
    pub fn passed(&self) -> bool {
        self.error <= self.tolerance
    }

    /// Adds the result to `results`, merged with the one of the same variant.
    pub(crate) fn add_to(self, results: &mut Vec<Self>) {
        match results.iter_mut().find(|other| other.kernel == self.kernel) {
            Some(other) => other.merge(self),
            None => results.push(self),
        }
    }

    /// Merges the result of the same variant in another case: the one that is closer to its tolerance, or
    /// further beyond it, stays.
    fn merge(&mut self, other: Self) {
        let cases = self.cases + other.cases;
        if other.error / other.tolerance.max(f64::MIN_POSITIVE) > self.error / self.tolerance.max(f64::MIN_POSITIVE) {
            *self = other;
        }
        self.cases = cases;
    }
}

impl fmt::Display for CheckResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kernel, error, tolerance, worst, .. } = self;
        write!(f, "{kernel}: off by {error:.1e} in {worst}, may be {tolerance:.0e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_worst_stays_and_what_is_no_number_is_wrong() {
        let of = |found: &[f32]| CheckResult::of("k".into(), format!("{found:?}"), found, &[1.0, 10.0], 0.1);
        let mut result = of(&[1.01, 10.0]);
        result.merge(of(&[1.0, 10.5]));
        result.merge(of(&[1.0, 10.0]));
        assert!(result.passed() && result.cases == 3 && result.worst == "[1.0, 10.5]", "{result:?}");
        for wrong in [&[1.0, f32::NAN][..], &[1.0], &[1.2, 10.0]] {
            let mut result = result.clone();
            result.merge(of(wrong));
            assert!(!result.passed() && result.cases == 4, "{result:?}");
        }
    }
}
