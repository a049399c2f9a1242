//! Makes the launches of a step.

use crate::kernel::{Kernel, first_supported};
use crate::pipelines::Pipelines;

/// What the launches of one kind of step share. Each operation of decoding is a method, in a file of its own.
#[derive(Debug)]
pub struct StepBuilder<'a> {
    /// Where pipelines are made.
    pub pipelines: &'a mut Pipelines,
    /// The words of a [`StepInputs`](super::StepInputs).
    pub step_inputs: &'a wgpu::Buffer,
    /// Tokens that share a read of the weights, as [`columns_for`](super::columns_for) says.
    pub columns: usize,
    /// Where the columns of a step go in int8 quants, with [`int8_bytes`](super::int8_bytes) for each, if products of few columns are to
    /// be computed in whole numbers where the scheme allows. They are exact otherwise.
    pub int8: Option<&'a wgpu::Buffer>,
}

impl StepBuilder<'_> {
    /// The first variant that the device can run.
    pub(super) fn best(&self, variants: impl IntoIterator<Item = Kernel>) -> Kernel {
        first_supported(variants, self.pipelines.gpu().features)
    }
}
