//! Plain products of decoding: y = W x, y += W x, and the logits of the whole vocabulary.

use super::builder::StepBuilder;
use super::launch::Launch;
use super::matmul::{Constants, FusedLinear, Grid, NormKind, with_own};
use crate::kernel::Kernel;

/// Where a product goes.
#[derive(Debug, Clone, Copy)]
pub struct Store<'a> {
    /// The buffer.
    pub y: &'a wgpu::Buffer,
    /// Where in it y begins, in numbers.
    pub at: usize,
    /// Numbers between two columns of y.
    pub stride: usize,
    /// Whether the product is added to what is there.
    pub add: bool,
}

impl StepBuilder<'_> {
    /// y = W x for the tokens of a step.
    ///
    /// # Shapes
    /// x `[tokens, padded inputs]`, zero past the inputs; y `[tokens, stride]`; both f32.
    pub fn linear(&mut self, layer: FusedLinear, x: &wgpu::Buffer, to: Store) -> Vec<Launch> {
        self.product("decode_linear", &own(to, false), layer, Grid::Tokens, x, &[to.y])
    }

    /// The logits of every token of the vocabulary, for the requests that are asked of all.
    ///
    /// # Shapes
    /// x `[tokens, padded inputs]`, y `[requests, outputs]`; both f32.
    pub fn logits(&mut self, layer: FusedLinear, x: &wgpu::Buffer, y: &wgpu::Buffer) -> Vec<Launch> {
        let to = Store { y, at: 0, stride: layer.matrix.rows(), add: false };
        self.product("decode_linear", &own(to, true), layer, Grid::FullVocab, x, &[y])
    }
}

pub(super) fn own(to: Store, picked: bool) -> [(&'static str, usize); 4] {
    constants(to.stride, to.at, to.add, picked)
}

/// The constants that `decode_linear.wgsl` has of its own.
pub(super) fn constants(stride: usize, at: usize, add: bool, picked: bool) -> [(&'static str, usize); 4] {
    [("STRIDE", stride), ("Y_AT", at), ("ADD", add.into()), ("PICKED", picked.into())]
}

/// Every variant for sample sizes, for the translation test.
pub(super) fn kernels() -> Vec<Kernel> {
    let of = |norm, add, picked| {
        let own = constants(48, 0, add, picked);
        let variants = move |c: Constants| with_own(c.variants("decode_linear"), &own);
        // Only adapters have a gain without a norm, and their parts no quants.
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
