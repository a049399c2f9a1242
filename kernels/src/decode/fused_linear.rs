//! The launches of a packed matrix times the columns of a step, with a norm before and LoRA adapters beside.

use super::builder::StepBuilder;
use super::launch::{Costs, Launch, Over};
use super::low_rank::LowRank;
use super::matmul::{Constants, Norm, ROWS, with_own};
use super::matrix::{Matrix, Shard};
use crate::matmul::launch::TILE;

/// A matrix of the model with its norm and its adapters.
#[derive(Debug, Clone, Copy)]
pub struct FusedLinear<'a> {
    /// W, `[outputs, inputs]`.
    pub matrix: &'a Matrix,
    /// The norm that is applied to the columns first.
    pub norm: Norm<'a>,
    /// B A, of every adapter.
    pub adapters: Option<&'a LowRank>,
}

/// The destination of a product.
#[derive(Debug, Clone, Copy)]
pub struct Store<'a> {
    /// The buffer.
    pub y: &'a wgpu::Buffer,
    /// The offset of y in the buffer, in numbers.
    pub at: usize,
    /// Numbers between two columns of y.
    pub stride: usize,
    /// Adds the product to the content if true.
    pub add: bool,
}

/// The shape of a product's grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grid {
    /// The rows times the tokens of the step.
    Tokens,
    /// The rows times the requests for the logits of the whole vocabulary.
    FullVocab,
    /// The chunks of listed tokens, which name the rows.
    Chunks,
}

impl StepBuilder<'_> {
    /// The launches of a product: those of its adapters (u = A x), then one per shard.
    ///
    /// The shader has constants of its `own`. Its bindings are x, the weight, gain and adapters where there
    /// are any, `further`, and the step inputs.
    pub(super) fn product(
        &mut self,
        shader: &'static str,
        own: &[(&'static str, usize)],
        layer: FusedLinear,
        grid: Grid,
        x: &wgpu::Buffer,
        further: &[&wgpu::Buffer],
    ) -> Vec<Launch> {
        let before = layer.adapters.map_or(vec![], |adapters| self.low_rank(adapters, layer.norm, x));
        let after = self.product_alone(shader, own, layer, 0, grid, x, further);
        before.into_iter().chain(after).collect()
    }

    /// The launches that compute u = A (g x) for the product with the matrix, with the gain g of the norm
    /// before it. The division by the root mean square comes with the product.
    pub(super) fn low_rank(&mut self, low_rank: &LowRank, norm: Norm, x: &wgpu::Buffer) -> Vec<Launch> {
        let norm = match norm {
            Norm::None => Norm::None,
            Norm::Gain(gain) | Norm::Rms { gain, .. } => Norm::Gain(gain),
        };
        let LowRank { a, buffer, shape } = low_rank;
        let layer = FusedLinear { matrix: a, norm, adapters: None };
        let own = linear_constants(shape.u_width(), shape.u_at(), false, false);
        let adapter_rows = shape.segments * shape.rank;
        self.product_alone("decode_linear", &own, layer, adapter_rows, Grid::Tokens, x, &[buffer])
    }

    /// The launches of a product without those of its adapters. `adapter_rows` is 0 unless the matrix is the
    /// A of adapters.
    #[allow(clippy::too_many_arguments)] // every one of them is another part of the launch
    fn product_alone(
        &mut self,
        shader: &'static str,
        own: &[(&'static str, usize)],
        FusedLinear { matrix, norm, adapters }: FusedLinear,
        adapter_rows: usize,
        grid: Grid,
        x: &wgpu::Buffer,
        further: &[&wgpu::Buffer],
    ) -> Vec<Launch> {
        let columns = if grid == Grid::Chunks { 1 } else { self.columns };
        let rows_at_once = if columns == TILE { TILE } else { ROWS };
        let mut launches = Vec::new();
        let is_gemv = columns < TILE && grid != Grid::Chunks;
        let quants = self.int8.filter(|_| is_gemv && matrix.scheme().has_integer_quants());
        launches.extend(quants.map(|quants| self.quantize(matrix.cols(), norm, x, quants)));
        for Shard { weight, first } in &matrix.shards {
            let rows = weight.outputs();
            let constants = Constants {
                scheme: matrix.scheme(),
                columns,
                rows,
                starts_at: *first,
                cols: matrix.cols(),
                norm: norm.into(),
                adapters: adapters.map(|adapters| adapters.shape),
                adapter_rows,
                int8: quants.is_some(),
            };
            let variants = match grid {
                Grid::Chunks => constants.gemv_variants(shader),
                Grid::Tokens | Grid::FullVocab => constants.variants(shader),
            };
            let kernel = self.best(with_own(variants, own));
            let whole = wgpu::Buffer::as_entire_binding;
            let gain = norm.gain().filter(|_| quants.is_none());
            let buffers: Vec<wgpu::BindingResource> = [whole(quants.unwrap_or(x))]
                .into_iter()
                .chain(weight.bindings())
                .chain(gain.map(whole))
                .chain(adapters.map(|adapters| whole(&adapters.buffer)))
                .chain(further.iter().map(|buffer| whole(buffer)))
                .chain([whole(self.step_inputs)])
                .collect();
            let workgroups = rows.div_ceil(rows_at_once);
            let (over, rows) = match grid {
                Grid::Tokens if adapter_rows > 0 => (Over::Adapted { columns, workgroups }, adapter_rows),
                Grid::Tokens => (Over::Columns { columns, workgroups }, rows),
                Grid::FullVocab => (Over::FullVocab { columns, workgroups }, rows),
                Grid::Chunks => (Over::Chunks, ROWS),
            };
            let rank = adapters.map_or(0, |adapters| adapters.shape.rank);
            let costs = Costs {
                weights: matrix.scheme().bytes(rows, matrix.cols()),
                adapter: rows * rank * size_of::<f32>(),
                column: 2 * rows * (matrix.cols() + rank),
                ..Costs::default()
            };
            launches.push(Launch::new(self.pipelines.step(&kernel, &buffers, 1), over, costs));
        }
        launches
    }
}

/// The constants that `decode_linear.wgsl` has of its own.
pub(crate) fn linear_constants(stride: usize, at: usize, add: bool, picked: bool) -> [(&'static str, usize); 4] {
    [("STRIDE", stride), ("Y_AT", at), ("ADD", add.into()), ("PICKED", picked.into())]
}
