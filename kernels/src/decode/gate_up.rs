//! The gated first half of the feed-forward: norm, both projections and the gate in one launch.

use super::builder::StepBuilder;
use super::fused_linear::{FusedLinear, Grid};
use super::launch::Launch;
use super::matmul::{Constants, NormKind, with_own};
use crate::kernel::Kernel;

impl StepBuilder<'_> {
    /// y = silu(gate) · up, where gate, up = W norm(x).
    ///
    /// # Shapes
    /// x `[tokens, padded inputs]`; the rows of W are those of gate and up in turn; y `[tokens, stride]`.
    pub fn gate_up(&mut self, layer: FusedLinear, x: &wgpu::Buffer, y: &wgpu::Buffer, stride: usize) -> Vec<Launch> {
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
