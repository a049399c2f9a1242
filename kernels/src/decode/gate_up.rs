//! The gated first half of the feed-forward: norm, both projections and the gate in one launch.

use super::builder::Builder;
use super::columns::{Constants, Grid, Layer, NormKind, with_own};
use super::launch::Launch;
use crate::kernel::Kernel;

impl Builder<'_> {
    /// y = silu(gate) · up, where gate, up = W norm(x).
    ///
    /// # Shapes
    /// x `[tokens, padded inputs]`; the rows of W are those of gate and up in turn; y `[tokens, stride]`.
    pub fn gate_up(&mut self, layer: Layer, x: &wgpu::Buffer, y: &wgpu::Buffer, stride: usize) -> Vec<Launch> {
        self.product("decode_gate_up", &own(stride), layer, Grid::Tokens, x, &[y])
    }
}

fn own(stride: usize) -> [(&'static str, usize); 2] {
    [("STRIDE", stride), ("WIDE", 0)]
}

/// Every variant for sample sizes, for the translation test.
pub(super) fn kernels() -> Vec<Kernel> {
    let variants = |c: Constants| with_own(c.variants("decode_gate_up"), &own(24));
    Constants::samples(&[NormKind::Rms { epsilon: 1e-5f32.to_bits() }]).into_iter().flat_map(variants).collect()
}
