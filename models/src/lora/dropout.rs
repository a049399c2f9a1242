//! Dropout of what the low-rank parts read.

use burn::tensor::Tensor;

use crate::random::{self, mix};

/// Drops inputs of every low-rank part, of each projection others (as PEFT does). The frozen weights read all of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropout {
    /// The probability with which an input is dropped, in [0, 1).
    pub p: f64,
    /// What decides which; take another one for each step.
    pub seed: u64,
}

impl Dropout {
    /// The inputs `x` of the projection `name`, some of them 0 and the others 1 / (1 − p) times as large.
    pub(super) fn drop(&self, x: Tensor<2>, name: &str) -> Tensor<2> {
        if self.p == 0.0 { x } else { random::drop(x, self.p, mix(self.seed ^ hash(name))) }
    }
}

/// FNV-1a: a hash that stays the same across versions of the compiler, unlike the standard library's.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
