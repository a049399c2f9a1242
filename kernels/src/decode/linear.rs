//! Plain products of decoding: y = W x, y += W x, and the logits of the whole vocabulary.

use super::builder::Builder;
use super::columns::{Constants, Grid, Layer, NormKind, with_own};
use super::launch::Launch;
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

impl Builder<'_> {
    /// y = W x for the tokens of a step.
    ///
    /// # Shapes
    /// x `[tokens, padded inputs]`, zero past the inputs; y `[tokens, stride]`; both f32.
    pub fn linear(&mut self, layer: Layer, x: &wgpu::Buffer, to: Store) -> Vec<Launch> {
        self.product("decode_linear", &own(to, false), layer, Grid::Tokens, x, &[to.y])
    }

    /// The logits of every token of the vocabulary, for the questions that are asked of all.
    ///
    /// # Shapes
    /// x `[tokens, padded inputs]`, y `[questions, outputs]`; both f32.
    pub fn logits(&mut self, layer: Layer, x: &wgpu::Buffer, y: &wgpu::Buffer) -> Vec<Launch> {
        let to = Store { y, at: 0, stride: layer.matrix.rows(), add: false };
        self.product("decode_linear", &own(to, true), layer, Grid::Asked, x, &[y])
    }
}

fn own(to: Store, picked: bool) -> [(&'static str, usize); 4] {
    [("STRIDE", to.stride), ("Y_AT", to.at), ("ADD", to.add.into()), ("PICKED", picked.into())]
}

/// Every variant for sample sizes, for the translation test.
pub(super) fn kernels() -> Vec<Kernel> {
    let of = |norm, add: usize, picked: usize| {
        let own = [("STRIDE", 48), ("Y_AT", 0), ("ADD", add), ("PICKED", picked)];
        let variants = move |c: Constants| c.variants("decode_linear").map(|kernel| with_own(kernel, &own));
        Constants::samples(&[norm]).into_iter().flat_map(variants)
    };
    let rms = NormKind::Rms { epsilon: 1e-5f32.to_bits() };
    let kinds = [(NormKind::None, 0, 0), (NormKind::None, 1, 0), (NormKind::Gain, 0, 0), (rms, 0, 1)];
    kinds.into_iter().flat_map(|(norm, add, picked)| of(norm, add, picked)).collect()
}
