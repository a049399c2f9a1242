//! What a trial found out about one variant of a kernel.

use std::fmt;

use serde::Serialize;

use crate::kernel::Kernel;

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
    pub(super) fn new(kernel: &Kernel, case: String, error: f64, tolerance: f64) -> Self {
        Self { kernel: kernel.name(), cases: 1, error, tolerance, worst: case }
    }

    /// Whether the variant does what its reference does.
    pub fn is_sound(&self) -> bool {
        self.error <= self.tolerance
    }

    /// Takes in what the same variant did in another case: what is nearer to its tolerance, or further beyond it, stays.
    pub(super) fn merge(&mut self, other: Self) {
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
