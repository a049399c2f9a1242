//! Logits of listed tokens alone.

use super::builder::StepBuilder;
use super::fused_linear::{FusedLinear, Grid};
use super::launch::Launch;
use super::matmul::{Constants, NormKind, with_own};
use crate::kernel::Kernel;

impl StepBuilder<'_> {
    /// The logits of the tokens in the requests' lists, for the requests that do not need the whole
    /// vocabulary.
    ///
    /// # Shapes
    /// x `[tokens, padded inputs]`, y `[requests, outputs]`, of which only the listed are written; both f32.
    pub fn scores(&mut self, layer: FusedLinear, x: &wgpu::Buffer, y: &wgpu::Buffer) -> Vec<Launch> {
        self.product("decode_score", &[("STRIDE", layer.matrix.rows())], layer, Grid::Chunks, x, &[y])
    }
}

/// Every variant for sample sizes, for the translation test.
pub(super) fn kernels() -> Vec<Kernel> {
    let samples = Constants::samples(&[NormKind::Rms { epsilon: 1e-5f32.to_bits() }]).into_iter();
    let variants = |c: Constants| with_own(c.gemv_variants("decode_score"), &[("STRIDE", 40)]);
    samples.filter(|c| c.columns == 1 && !c.int8).flat_map(variants).collect()
}
