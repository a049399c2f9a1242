//! The runs of a measurement and their result.

use serde::Serialize;

use super::roofline::Roofline;
use super::time::Microseconds;
use crate::pipelines::ComputeStep;

/// Runs, of one step or several each, that do the same on different data; and the costs of one of them.
pub(super) struct Work {
    /// The bytes that must be moved at least.
    pub(super) bytes: f64,
    /// The operations, two per multiply-add.
    pub(super) operations: f64,
    pub(super) runs: Vec<Vec<ComputeStep>>,
}

/// One line of the table of `tiller bench kernels`.
#[derive(Debug, Clone, Serialize)]
pub struct KernelTiming {
    /// The operation.
    pub op: &'static str,
    /// The format of weights, or of keys and values, where there are any.
    pub stored: Option<&'static str>,
    /// The variant of the operation's kernels.
    pub variant: String,
    /// The rows, outputs and inputs of a layer; other operations have shapes of their own.
    pub shape: String,
    /// The time of one run.
    pub us: Microseconds,
    /// 10⁹ bytes per second that must be moved at least: every input and output once.
    pub gb_per_s: f64,
    /// 10⁹ operations per second, two per multiply-add.
    pub gflop_per_s: f64,
}

impl KernelTiming {
    /// The fraction of the roofline that the operation reaches, and the bound that it is closer to.
    pub fn reached(&self, roofline: &Roofline) -> (f64, &'static str) {
        let (memory, arithmetic) = (self.gb_per_s / roofline.gb_per_s, self.gflop_per_s / roofline.gflop_per_s);
        if memory > arithmetic { (memory, "memory") } else { (arithmetic, "arithmetic") }
    }
}
