//! Quantization of a step's columns to int8, for GEMV in int8.

use super::builder::StepBuilder;
use super::launch::{Costs, Launch, Over};
use super::matmul::Norm;
use crate::kernel::Kernel;
use crate::quant::PACK;

/// Invocations of a workgroup.
pub(crate) const WORKGROUP: usize = 64;

/// Numbers that share a scale.
pub(crate) const BLOCK: usize = 32;

/// Bytes of a column of `numbers` numbers in int8 quants.
pub fn int8_bytes(numbers: usize) -> usize {
    numbers.div_ceil(PACK) * 4 * size_of::<u32>()
}

impl StepBuilder<'_> {
    /// quants = the columns of x times the gain of the norm, if there is one, in int8 quants.
    ///
    /// # Shapes
    /// x `[tokens, cols]`, cols a multiple of 32; quants [`int8_bytes`] for each token.
    pub(super) fn quantize(&mut self, cols: usize, norm: Norm, x: &wgpu::Buffer, quants: &wgpu::Buffer) -> Launch {
        let buffers: Vec<wgpu::BindingResource> = [Some(x), norm.gain(), Some(quants), Some(self.step_inputs)]
            .into_iter()
            .flatten()
            .map(wgpu::Buffer::as_entire_binding)
            .collect();
        let step = self.pipelines.step(&kernel(cols, norm.gain().is_some()), &buffers, 1);
        Launch::new(step, Over::Numbers { each: cols / BLOCK, workgroup: WORKGROUP }, Costs::default())
    }
}

pub(crate) fn kernel(cols: usize, gain: bool) -> Kernel {
    Kernel::new("decode_quantize")
        .with("PACKS", (cols / PACK) as u32)
        .with("GAIN", gain)
        .with("WORKGROUP", WORKGROUP as u32)
}

/// Every variant for sample sizes, for the translation test.
pub(super) fn kernels() -> Vec<Kernel> {
    [false, true].map(|gain| kernel(512, gain)).to_vec()
}
