//! The plain products of decoding: y = W x, y += W x, and the logits of the whole vocabulary.

use super::builder::StepBuilder;
use super::fused_linear::{FusedLinear, Grid, Store, linear_constants};
use super::launch::Launch;
use super::matmul::{Constants, NormKind, with_own};
use crate::kernel::Kernel;

impl StepBuilder<'_> {
    /// y = W x for the tokens of a step.
    ///
    /// # Shapes
    /// x `[tokens, padded inputs]`, zero past the inputs; y `[tokens, stride]`; both f32.
    pub fn linear(&mut self, layer: FusedLinear, x: &wgpu::Buffer, to: Store) -> Vec<Launch> {
        let own = linear_constants(to.stride, to.at, to.add, false);
        self.product("decode_linear", &own, layer, Grid::Tokens, x, &[to.y])
    }

    /// The logits of every token of the vocabulary, for the requests that need all of them.
    ///
    /// # Shapes
    /// x `[tokens, padded inputs]`, y `[requests, outputs]`; both f32.
    pub fn logits(&mut self, layer: FusedLinear, x: &wgpu::Buffer, y: &wgpu::Buffer) -> Vec<Launch> {
        let own = linear_constants(layer.matrix.rows(), 0, false, true);
        self.product("decode_linear", &own, layer, Grid::FullVocab, x, &[y])
    }
}

/// Every variant for sample sizes, for the translation test.
pub(super) fn kernels() -> Vec<Kernel> {
    let of = |norm, add, picked| {
        let own = linear_constants(48, 0, add, picked);
        let variants = move |c: Constants| with_own(c.variants("decode_linear"), &own);
        // Only the A of adapters has a gain without a norm, and it is not multiplied in int8.
        let samples = Constants::samples(&[norm]).into_iter().filter(|c| c.norm != NormKind::Gain || !c.int8);
        samples.flat_map(variants)
    };
    let rms = NormKind::Rms { epsilon: 1e-5f32.to_bits() };
    let kinds = [
        (NormKind::None, false, false),
        (NormKind::None, true, false),
        (NormKind::Gain, false, false),
        (rms, false, true),
    ];
    kinds.into_iter().flat_map(|(norm, add, picked)| of(norm, add, picked)).collect()
}
