//! Queries, keys and values: norm, projections and rotary embedding in one launch.

use super::builder::StepBuilder;
use super::fused_linear::{FusedLinear, Grid};
use super::heads::Heads;
use super::launch::Launch;
use super::matmul::{Constants, NormKind, with_own};
use crate::kernel::Kernel;

impl StepBuilder<'_> {
    /// q, k, v = W norm(x), with rotary embedding of q and k by the tokens' positions.
    ///
    /// # Shapes
    /// x `[tokens, padded inputs]`; the rows of W are those of q, k and v, within a head of q and k in the
    /// order of [`rope_interleaved_rows`]; rope_table `[positions, head_dim / 2]` pairs of cos and sin; y
    /// `[tokens, q, k, v]`.
    pub fn qkv(
        &mut self,
        layer: FusedLinear,
        heads: Heads,
        rope_table: &wgpu::Buffer,
        x: &wgpu::Buffer,
        y: &wgpu::Buffer,
    ) -> Vec<Launch> {
        self.product("decode_qkv", &own(heads), layer, Grid::Tokens, x, &[rope_table, y])
    }
}

/// The order of the rows of a rotated head in the engine: coordinate i is followed by coordinate i + head_dim
/// / 2, its partner in the rotation.
pub fn rope_interleaved_rows(head_dim: usize) -> impl Iterator<Item = usize> {
    (0..head_dim).map(move |row| row / 2 + row % 2 * (head_dim / 2))
}

fn own(heads: Heads) -> [(&'static str, usize); 3] {
    [("HEADS", heads.queries), ("KV_HEADS", heads.keys), ("HEAD", heads.width)]
}

/// Every variant for sample sizes, for the translation test.
pub(super) fn kernels() -> Vec<Kernel> {
    let own = own(Heads { queries: 4, keys: 2, width: 8 });
    let variants = |c: Constants| with_own(c.variants("decode_qkv"), &own);
    Constants::samples(&[NormKind::Rms { epsilon: 1e-5f32.to_bits() }]).into_iter().flat_map(variants).collect()
}
