//! Dropout of the inputs of low-rank parts.

use std::sync::Arc;

use burn::tensor::Tensor;

use crate::random::{self, mix};

/// Dropout of the inputs of every low-rank part, with a mask for each projection (as PEFT does). The frozen weights read all inputs.
///
/// A mask follows from the seed, the sample, the position and the projection alone, so that a sample has the same masks in every
/// micro-batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropout {
    /// The probability with which an input is dropped, in [0, 1).
    pub p: f64,
    /// Decides the masks; each step takes another one.
    pub seed: u64,
    /// The number of this batch's first sample in its step.
    pub first_sample: usize,
}

impl Dropout {
    /// The dropout of a batch of `[batch, seq]` tokens, whose tensors have a row for each.
    pub(crate) fn of_batch(&self, [batch, seq]: [usize; 2]) -> RowDropout {
        let of_sample = |sample: usize| mix(self.seed ^ mix((self.first_sample + sample) as u64));
        let keys = (0..batch).flat_map(|sample| (0..seq as u64).map(move |at| mix(of_sample(sample).wrapping_add(at))));
        RowDropout { p: self.p, keys: keys.collect() }
    }
}

/// The dropout of a tensor's rows, each by a key of its own.
#[derive(Debug, Clone)]
pub struct RowDropout {
    p: f64,
    keys: Arc<[u64]>,
}

impl RowDropout {
    /// The dropout of some of the rows, in their order.
    pub(crate) fn select(&self, rows: &[u32]) -> Self {
        Self { p: self.p, keys: rows.iter().map(|&row| self.keys[row as usize]).collect() }
    }

    /// The inputs `x` of the projection `name`, some of them 0 and the others 1 / (1 − p) times as large.
    pub(super) fn drop(&self, x: Tensor<2>, name: &str) -> Tensor<2> {
        if self.p == 0.0 {
            return x;
        }
        let keys: Vec<u64> = self.keys.iter().map(|key| mix(key ^ hash(name))).collect();
        random::drop_rows(x, self.p, &keys)
    }
}

/// FNV-1a: a hash that stays the same across versions of the compiler, unlike the standard library's.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
