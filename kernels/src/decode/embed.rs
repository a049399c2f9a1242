//! The embeddings of a step's tokens.

use super::builder::StepBuilder;
use super::launch::{Costs, Launch, Over};
use super::matmul::{Constants, NormKind, WORKGROUP};
use super::matrix::Matrix;
use super::step_inputs::SAMPLED_TOKEN_WORDS;
use crate::kernel::Kernel;
use crate::matmul::launch::with_scheme;
use crate::quant::{PACK, QuantScheme};

impl StepBuilder<'_> {
    /// x = the rows of W of the tokens' ids.
    ///
    /// # Shapes
    /// W `[vocabulary, width]`; sampled tokens `[slots, SAMPLED_TOKEN_WORDS]`; x `[tokens, padded width]`.
    pub fn embed(&mut self, matrix: &Matrix, sampled_tokens: &wgpu::Buffer, x: &wgpu::Buffer) -> Vec<Launch> {
        let mut launches = Vec::new();
        for shard in &matrix.shards {
            let kernel = kernel(matrix.scheme(), shard.weight.outputs(), shard.first, matrix.cols());
            let others = [sampled_tokens, x, self.step_inputs].map(wgpu::Buffer::as_entire_binding);
            let buffers: Vec<wgpu::BindingResource> = shard.weight.bindings().chain(others).collect();
            let costs = Costs { weights: matrix.scheme().bytes(1, matrix.cols()), ..Costs::default() };
            launches.push(Launch::new(self.pipelines.step(&kernel, &buffers, 1), Over::Tokens(1), costs));
        }
        launches
    }
}

pub(crate) fn kernel(scheme: QuantScheme, rows: usize, starts_at: usize, cols: usize) -> Kernel {
    let kernel = Kernel::new("decode_embed")
        .with("OUTPUTS", rows as u32)
        .with("STARTS_AT", starts_at as u32)
        .with("PACKS", cols.div_ceil(PACK) as u32)
        .with("WORKGROUP", WORKGROUP as u32)
        .with("SAMPLED_TOKEN", SAMPLED_TOKEN_WORDS as u32);
    with_scheme(kernel, scheme)
}

/// Every variant for sample sizes, for the translation test.
pub(super) fn kernels() -> Vec<Kernel> {
    let samples =
        Constants::samples(&[NormKind::None]).into_iter().filter(|c| c.columns == 1 && c.adapters.is_none() && !c.int8);
    samples.map(|Constants { scheme, rows, starts_at, cols, .. }| kernel(scheme, rows, starts_at, cols)).collect()
}
