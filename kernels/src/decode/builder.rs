//! Makes the launches of a step.

use crate::kernel::{Kernel, first_within};
use crate::pipelines::Pipelines;

/// What the launches of one kind of step share. Each operation of decoding is a method, in a file of its own.
#[derive(Debug)]
pub struct Builder<'a> {
    /// Where pipelines are made.
    pub pipelines: &'a mut Pipelines,
    /// The words of a [`Frame`](super::Frame).
    pub frame: &'a wgpu::Buffer,
    /// Tokens that share a read of the weights, one of [`COLUMNS`](super::COLUMNS).
    pub columns: usize,
}

impl Builder<'_> {
    /// The first variant that the device can run.
    pub(super) fn best<const V: usize>(&self, variants: [Kernel; V]) -> Kernel {
        first_within(variants, self.pipelines.gpu().device.features())
    }
}
