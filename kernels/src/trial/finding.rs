//! What a trial found out about one variant of a kernel.

use std::fmt;

use serde::Serialize;

/// The worst of what one variant of a kernel did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// The shader and the constants of the variant.
    pub kernel: String,
    /// How many outputs were compared, over all shapes.
    pub cases: usize,
    /// The largest error, relative to the larger of 1 and what was expected; infinite (in JSON null) where something was left out, or was
    /// no number.
    pub error: f64,
    /// What it may be.
    pub tolerance: f64,
    /// The shape that was worst.
    pub worst: String,
}

impl Finding {
    /// What `kernel` did in a case; see [`Finding::error`].
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

    /// Whether the variant does what its reference does.
    pub fn is_sound(&self) -> bool {
        self.error <= self.tolerance
    }

    /// Joins what was found before, with which it is merged where it is of the same variant.
    pub(super) fn join(self, findings: &mut Vec<Self>) {
        match findings.iter_mut().find(|other| other.kernel == self.kernel) {
            Some(other) => other.merge(self),
            None => findings.push(self),
        }
    }

    /// Takes in what the same variant did in another case: that which is nearer to its tolerance, or further beyond it, stays.
    fn merge(&mut self, other: Self) {
        let cases = self.cases + other.cases;
        if other.error / other.tolerance.max(f64::MIN_POSITIVE) > self.error / self.tolerance.max(f64::MIN_POSITIVE) {
            *self = other;
        }
        self.cases = cases;
    }
}

impl fmt::Display for Finding {
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
        let of = |found: &[f32]| Finding::of("k".into(), format!("{found:?}"), found, &[1.0, 10.0], 0.1);
        let mut finding = of(&[1.01, 10.0]);
        finding.merge(of(&[1.0, 10.5]));
        finding.merge(of(&[1.0, 10.0]));
        assert!(finding.is_sound() && finding.cases == 3 && finding.worst == "[1.0, 10.5]", "{finding:?}");
        for wrong in [&[1.0, f32::NAN][..], &[1.0], &[1.2, 10.0]] {
            let mut finding = finding.clone();
            finding.merge(of(wrong));
            assert!(!finding.is_sound() && finding.cases == 4, "{finding:?}");
        }
    }
}
