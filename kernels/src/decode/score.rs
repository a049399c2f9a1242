//! Logits of listed tokens alone.

use super::builder::Builder;
pub(super) use super::columns::ROWS;
use super::columns::{Constants, Grid, Layer, NormKind, with_own};
use super::launch::Launch;
use crate::kernel::Kernel;

impl Builder<'_> {
    /// The logits of the tokens in the questions' lists, for the questions that are not asked of all.
    ///
    /// # Shapes
    /// x `[tokens, padded inputs]`, y `[questions, outputs]`, of which only the listed are written; both f32.
    pub fn scores(&mut self, layer: Layer, x: &wgpu::Buffer, y: &wgpu::Buffer) -> Vec<Launch> {
        self.product("decode_score", &[("STRIDE", layer.matrix.rows())], layer, Grid::Chunks, x, &[y])
    }
}

/// Every variant for sample sizes, for the translation test.
pub(super) fn kernels() -> Vec<Kernel> {
    let samples = Constants::samples(&[NormKind::Rms { epsilon: 1e-5f32.to_bits() }]).into_iter();
    let variants = |c: Constants| with_own(c.few_variants("decode_score"), &[("STRIDE", 40)]);
    samples.filter(|c| c.columns == 1 && !c.int8).flat_map(variants).collect()
}
