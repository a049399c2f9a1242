//! Checks of every kernel variant against its reference, under bounds checks: by the tests of this crate, and
//! on any machine by `tiller doctor --selftest`.
//!
//! An operation's file has a `check` next to its reference, with shapes that are no multiple of any tile
//! size;
//! [`operations`](crate::operations) lists them.

mod matmul;
mod noise;
mod pipelines;
mod result;

use std::fmt;

pub use matmul::check_matmul;
pub(crate) use noise::noise;
#[cfg(test)]
pub(crate) use pipelines::{read, storage, words_storage};
pub use result::CheckResult;

use self::pipelines::CheckedPipelines;
use crate::device::Gpu;
use crate::kernel::Kernel;

/// The check of an operation.
pub(crate) type CheckFn = fn(&mut KernelCheck);

/// A check that runs kernels and collects their results.
pub(crate) struct KernelCheck {
    checked: CheckedPipelines,
    pub(crate) results: Vec<CheckResult>,
}

impl KernelCheck {
    pub(crate) fn on(gpu: Gpu) -> Self {
        Self { checked: CheckedPipelines::new(gpu), results: Vec::new() }
    }

    /// The `kernels` that the device can run.
    pub(crate) fn runnable<K: IntoIterator<Item = Kernel>>(&self, kernels: K) -> Vec<Kernel> {
        let offered = self.checked.gpu.features;
        kernels.into_iter().filter(|kernel| offered.contains(kernel.needs())).collect()
    }

    /// Runs `kernel` over buffers of words that it may read and write, and returns their content afterwards.
    /// Accesses outside a buffer have no effect.
    pub(crate) fn run_in_place(&mut self, kernel: &Kernel, buffers: &[Vec<u32>], workgroups: usize) -> Vec<Vec<u32>> {
        self.checked.run_in_place(kernel, buffers, workgroups)
    }

    /// Runs `kernel` with the bindings of [`launch`](crate::kernel::launch); the outputs have the given
    /// lengths and start as NaN, so that numbers that a kernel does not write are found.
    pub(crate) fn run<const O: usize>(
        &mut self,
        kernel: &Kernel,
        inputs: &[&[f32]],
        outputs: [usize; O],
        params: &impl bytemuck::NoUninit,
        workgroups: usize,
    ) -> [Vec<f32>; O] {
        self.checked.run(kernel, inputs, outputs, params, workgroups)
    }

    /// Records the error of a kernel: every number should be within `tolerance`, relative to the larger of 1
    /// and the expected number.
    pub(crate) fn close(
        &mut self,
        kernel: &Kernel,
        case: impl fmt::Display,
        found: &[f32],
        expected: &[f32],
        tolerance: f32,
    ) {
        let result = CheckResult::of(kernel.name(), case.to_string(), found, expected, f64::from(tolerance));
        result.add_to(&mut self.results);
    }
}
