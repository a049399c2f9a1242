//! Kernels held against their references, every variant, under bounds checks: by the tests of this crate, and on any machine by
//! `tiller doctor --selftest`.
//!
//! An operation's file has a `check` beside its reference, with shapes that miss every round number of its kernels;
//! [`operations`](crate::operations) lists them.

mod matmul;
mod pipelines;
mod result;

use std::fmt;

pub use matmul::check_matmul;
pub(crate) use pipelines::noise;
#[cfg(test)]
pub(crate) use pipelines::{read, storage, words_storage};
pub use result::CheckResult;

use self::pipelines::CheckedPipelines;
use crate::device::Gpu;
use crate::kernel::Kernel;

/// What an operation tries.
pub(crate) type CheckFn = fn(&mut KernelCheck);

/// Runs kernels and keeps what was found.
pub(crate) struct KernelCheck {
    checked: CheckedPipelines,
    pub(crate) results: Vec<CheckResult>,
}

impl KernelCheck {
    pub(crate) fn on(gpu: Gpu) -> Self {
        Self { checked: CheckedPipelines::new(gpu), results: Vec::new() }
    }

    /// Those of `kernels` that the device can run.
    pub(crate) fn runnable<K: IntoIterator<Item = Kernel>>(&self, kernels: K) -> Vec<Kernel> {
        let offered = self.checked.gpu.features;
        kernels.into_iter().filter(|kernel| offered.contains(kernel.needs())).collect()
    }

    /// Runs `kernel` over buffers of words that it may read and write; returns what they hold afterwards. What reaches outside a buffer
    /// reads or writes nothing.
    pub(crate) fn run_in_place(&mut self, kernel: &Kernel, buffers: &[Vec<u32>], workgroups: usize) -> Vec<Vec<u32>> {
        self.checked.run_in_place(kernel, buffers, workgroups)
    }

    /// Runs `kernel` with the bindings of [`launch`](crate::kernel::launch); the outputs have the given lengths and start as NaN, so that
    /// what a kernel leaves out shows.
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

    /// Notes how far a kernel was off: every number should lie within `tolerance`, relative to the larger of 1 and what is expected.
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
