//! The builder of a step's launches.

use crate::kernel::{Kernel, first_supported};
use crate::pipelines::Pipelines;

/// The builder of the launches of one kind of step. Each operation of decoding is a method, in a file of its
/// own.
#[derive(Debug)]
pub struct StepBuilder<'a> {
    /// The cache of pipelines.
    pub pipelines: &'a mut Pipelines,
    /// The words of a [`StepInputs`](super::StepInputs).
    pub step_inputs: &'a wgpu::Buffer,
    /// Tokens that share a read of the weights; see [`columns_for`](super::columns_for).
    pub columns: usize,
    /// The buffer of the columns in int8 quants, with [`int8_bytes`](super::int8_bytes) for each, if GEMV is
    /// computed in int8 where the scheme allows. Products are in f32 otherwise.
    pub int8: Option<&'a wgpu::Buffer>,
}

impl StepBuilder<'_> {
    /// The first variant that the device can run.
    pub(super) fn best(&self, variants: impl IntoIterator<Item = Kernel>) -> Kernel {
        first_supported(variants, self.pipelines.gpu().features)
    }
}
