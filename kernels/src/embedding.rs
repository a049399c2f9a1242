//! Rows of a table by their numbers, as a model looks up its tokens or items; and the gradient of the table.
//!
//! burn's own gradient walks all tokens one after another on a GPU. Here the host, which knows the numbers,
//! orders the tokens by the rows that they took, and every row sums its own.

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;
use burn_cubecl::CubeBackend;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use burn_flex::FlexTensor;
use bytemuck::{Pod, Zeroable};

use crate::autodiff::{Differentiable, record};
use crate::bench::{BenchBuffer, BenchCase, BenchDims};
use crate::check::{KernelCheck, noise};
use crate::cpu::{contiguous, numbers, tensor};
use crate::kernel::{Kernel, launch, words_on};

/// The rows `ids` of `table`; a number beyond the table reads as zeros and gives no gradient.
///
/// # Shapes
/// table `[rows, width]`, result `[ids, width]`; f32.
///
/// # Panics
/// Elements other than f32.
pub fn embedding(table: Tensor<2>, ids: &[u32]) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::embedding(table.into_dispatch(), Arc::from(ids)))
}

/// The operation for each of burn's backends.
#[backend_extension(Cube, Flex, Autodiff)]
trait EmbeddingBackend: Backend {
    fn embedding(table: FloatTensor<Self>, ids: Arc<[u32]>) -> FloatTensor<Self>;
}

impl EmbeddingBackend for CubeBackend {
    fn embedding(table: CubeTensor, ids: Arc<[u32]>) -> CubeTensor {
        Differentiable::<Self, 1>::forward(&Embedding { ids }, [table])
    }
}

impl EmbeddingBackend for Flex {
    fn embedding(table: FlexTensor, ids: Arc<[u32]>) -> FlexTensor {
        Differentiable::<Self, 1>::forward(&Embedding { ids }, [table])
    }
}

impl<B: Backend, C: CheckpointStrategy> EmbeddingBackend for Autodiff<B, C>
where
    Embedding: Differentiable<B, 1>,
{
    fn embedding(table: FloatTensor<Self>, ids: Arc<[u32]>) -> FloatTensor<Self> {
        record::<B, C, _, 1>(Embedding { ids }, [table])
    }
}

/// The look-up as an operation of the table.
#[derive(Debug, Clone)]
struct Embedding {
    ids: Arc<[u32]>,
}

// ---- GPU ----

const WORKGROUP: u32 = 256;

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Params {
    tokens: u32,
    rows: u32,
    values: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct GradientParams {
    rows: u32,
    values: u32,
}

fn kernel(shader: &'static str, wide: bool) -> Kernel {
    Kernel::new(shader).with("WORKGROUP", WORKGROUP).with("WIDE", wide)
}

/// Every variant, for the translation test.
pub(crate) fn kernels() -> Vec<Kernel> {
    ["embedding", "embedding_grad"].iter().flat_map(|shader| [false, true].map(|wide| kernel(shader, wide))).collect()
}

/// The benchmarks, with pseudo-random tokens.
pub(crate) fn bench_cases(sizes: &BenchDims) -> Vec<BenchCase> {
    let (tokens, rows, width) = (sizes.tokens(), sizes.vocab_size, sizes.d_model);
    let ids: Vec<u32> = (0..tokens as u32).map(|t| t.wrapping_mul(2_654_435_761) % rows as u32).collect();
    let Tokens { order, starts } = Tokens::by_row(&ids, rows);
    let (wide, values, workgroups) = grid(tokens, width);
    let (_, _, workgroups_of_rows) = grid(rows, width);
    let params = Params { tokens: tokens as u32, rows: rows as u32, values: values as u32 };
    let gradient_params = GradientParams { rows: rows as u32, values: values as u32 };
    let entry = |shader: &'static str, variant| {
        BenchCase::new("embedding", variant, format!("{tokens} of {rows} x {width}"), kernel(shader, wide))
    };
    let forward = [BenchBuffer::Numbers(rows * width), BenchBuffer::Words(ids), BenchBuffer::Output(tokens * width)];
    let backward = [
        BenchBuffer::Numbers(tokens * width),
        BenchBuffer::Words(order),
        BenchBuffer::Words(starts),
        BenchBuffer::Output(rows * width),
    ];
    vec![
        entry("embedding", "forward").over(forward).launched(&params, workgroups).costing(8 * tokens * width, 0),
        entry("embedding_grad", "backward")
            .over(backward)
            .launched(&gradient_params, workgroups_of_rows)
            .costing(4 * (tokens + rows) * width, tokens * width),
    ]
}

/// True if rows of `width` are read four numbers at a time, the number of Values in a row, and the workgroups
/// of `rows` rows.
fn grid(rows: usize, width: usize) -> (bool, usize, usize) {
    let wide = width.is_multiple_of(4);
    let values = if wide { width / 4 } else { width };
    (wide, values, (rows * values).div_ceil(WORKGROUP as usize))
}

impl Differentiable<CubeBackend, 1> for Embedding {
    fn forward(&self, [table]: [CubeTensor; 1]) -> CubeTensor {
        let table = into_contiguous(table);
        let ([rows, width], tokens) = (table.shape().dims(), self.ids.len());
        let (wide, values, workgroups) = grid(tokens, width);
        let params = Params { tokens: tokens as u32, rows: rows as u32, values: values as u32 };
        let ids = words_on(&table, &self.ids);
        let [y] = launch(kernel("embedding", wide), &[&table, &ids], [[tokens, width].into()], &params, workgroups);
        y
    }

    fn backward(&self, [table]: [CubeTensor; 1], dy: CubeTensor, _: [bool; 1]) -> [Option<CubeTensor>; 1] {
        let ([rows, width], dy) = (table.shape().dims(), into_contiguous(dy));
        let (wide, values, workgroups) = grid(rows, width);
        let Tokens { order, starts } = Tokens::by_row(&self.ids, rows);
        let [order, starts] = [order, starts].map(|words| words_on(&dy, &words));
        let params = GradientParams { rows: rows as u32, values: values as u32 };
        let kernel = kernel("embedding_grad", wide);
        launch(kernel, &[&dy, &order, &starts], [table.shape()], &params, workgroups).map(Some)
    }
}

/// The tokens, ordered by the rows that they took.
struct Tokens {
    /// Those of row 0 first, and of each row in their own order.
    order: Vec<u32>,
    /// `[rows + 1]`: where in `order` the tokens of a row begin.
    starts: Vec<u32>,
}

impl Tokens {
    /// Counts, then places: in linear time. Tokens with a number beyond the rows are left out.
    fn by_row(ids: &[u32], rows: usize) -> Self {
        let mut starts = vec![0u32; rows + 1];
        let within = || (0u32..).zip(ids).filter(|(_, id)| (**id as usize) < rows);
        within().for_each(|(_, id)| starts[*id as usize + 1] += 1);
        for row in 0..rows {
            starts[row + 1] += starts[row];
        }
        let mut next = starts.clone();
        let mut order = vec![0; starts[rows] as usize];
        for (token, id) in within() {
            order[next[*id as usize] as usize] = token;
            next[*id as usize] += 1;
        }
        Tokens { order, starts }
    }
}

// ---- CPU: the reference, with sums in the order of the tokens, as on the GPU ----

impl Differentiable<Flex, 1> for Embedding {
    fn forward(&self, [table]: [FlexTensor; 1]) -> FlexTensor {
        let table = contiguous(table);
        let [rows, width] = table.shape().dims();
        tensor(look_up(numbers(&table), [rows, width], &self.ids), [self.ids.len(), width].into())
    }

    fn backward(&self, [table]: [FlexTensor; 1], dy: FlexTensor, _: [bool; 1]) -> [Option<FlexTensor>; 1] {
        let dy = contiguous(dy);
        let dtable = sum_by_row(numbers(&dy), table.shape().dims(), &self.ids);
        [Some(tensor(dtable, table.shape()))]
    }
}

/// y `[ids, width]` of table `[rows, width]`.
fn look_up(table: &[f32], [rows, width]: [usize; 2], ids: &[u32]) -> Vec<f32> {
    let mut y = vec![0.0; ids.len() * width];
    for (y, id) in y.chunks_exact_mut(width.max(1)).zip(ids) {
        let row = *id as usize;
        if row < rows {
            y.copy_from_slice(&table[row * width..][..width]);
        }
    }
    y
}

/// dtable `[rows, width]` of dy `[ids, width]`.
fn sum_by_row(dy: &[f32], [rows, width]: [usize; 2], ids: &[u32]) -> Vec<f32> {
    let mut dtable = vec![0.0; rows * width];
    for (dy, id) in dy.chunks_exact(width.max(1)).zip(ids) {
        let row = *id as usize;
        if row < rows {
            dtable[row * width..][..width].iter_mut().zip(dy).for_each(|(sum, dy)| *sum += dy);
        }
    }
    dtable
}

// ---- Check against the reference ----

/// Rows and widths that miss every round number of the kernels, and numbers for them.
fn cases() -> Vec<([usize; 2], Vec<u32>)> {
    let ids = |rows: u32, tokens: u32| (0..tokens).map(|t| t * t % rows).collect::<Vec<u32>>();
    vec![
        ([1, 1], vec![0]),
        ([5, 3], vec![4, 0, 4, 4, 2]),
        ([5, 8], vec![u32::MAX, 3, 5, 3]), // two of them beyond the table
        ([300, 64], ids(300, 700)),
        ([37, 130], ids(37, 41)),
    ]
}

/// Every variant against the reference.
pub(crate) fn check(check: &mut KernelCheck) {
    for (shape, ids) in cases() {
        let ([rows, width], case) = (shape, format!("{} of {shape:?}", ids.len()));
        let (table, dy) = (noise(3, rows * width), noise(4, ids.len() * width));
        let Tokens { order, starts } = Tokens::by_row(&ids, rows);
        for wide in [false, true].into_iter().filter(|wide| !wide || width % 4 == 0) {
            let values = if wide { width / 4 } else { width };
            let workgroups = |rows: usize| (rows * values).div_ceil(WORKGROUP as usize);
            let [forward, backward] = ["embedding", "embedding_grad"].map(|shader| kernel(shader, wide));

            let params = Params { tokens: ids.len() as u32, rows: rows as u32, values: values as u32 };
            let inputs: [&[f32]; 2] = [&table, bytemuck::cast_slice(&ids)];
            let [y] = check.run(&forward, &inputs, [dy.len()], &params, workgroups(ids.len()));
            check.close(&forward, &case, &y, &look_up(&table, shape, &ids), 0.0);

            let params = GradientParams { rows: rows as u32, values: values as u32 };
            let inputs = [&dy, bytemuck::cast_slice(&order), bytemuck::cast_slice(&starts)];
            let [dtable] = check.run(&backward, &inputs, [table.len()], &params, workgroups(rows));
            check.close(&backward, &case, &dtable, &sum_by_row(&dy, shape, &ids), 1e-6);
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Int, TensorData};

    use super::*;
    use crate::test_devices;
    use crate::testing::{assert_close, assert_passes, check_gradients, download, upload};

    #[test]
    fn both_devices_look_up_the_rows_and_zeros_beyond_them() {
        for (name, device) in test_devices() {
            for (shape, ids) in cases() {
                let table = noise(1, shape[0] * shape[1]);
                let y = download(embedding(upload(&table, shape, &device), &ids));
                for (y, id) in y.chunks(shape[1]).zip(&ids) {
                    let row = table.chunks(shape[1]).nth(*id as usize);
                    assert_eq!(y, row.unwrap_or(&vec![0.0; shape[1]]), "{name} {shape:?} {id}");
                }
                assert_eq!(y.len(), ids.len() * shape[1]);
            }
        }
    }

    #[test]
    fn the_gradient_is_that_of_plain_burn() {
        let plain = Device::flex().autodiff();
        for (shape, ids) in cases().into_iter().filter(|(shape, ids)| ids.iter().all(|id| (*id as usize) < shape[0])) {
            let dy = noise(2, ids.len() * shape[1]);
            let gradient = |device: &Device, look_up: &dyn Fn(Tensor<2>) -> Tensor<2>| {
                let table: Tensor<2> = upload(&noise(1, shape[0] * shape[1]), shape, device).require_grad();
                let y = look_up(table.clone()) * upload(&dy, [ids.len(), shape[1]], device);
                download(table.grad(&y.sum().backward()).expect("a leaf of the graph"))
            };
            let expected = gradient(&plain, &|table| {
                let ids: Vec<i32> = ids.iter().map(|id| *id as i32).collect();
                let ids = Tensor::<1, Int>::from_data(TensorData::new(ids.clone(), [ids.len()]), &plain);
                table.select(0, ids)
            });
            for (name, device) in test_devices() {
                let found = gradient(&device.autodiff(), &|table| embedding(table, &ids));
                assert_close(&found, &expected, 1e-6, &format!("{name} {shape:?}"));
            }
        }
    }

    #[test]
    fn gradients_agree_with_finite_differences() {
        check_gradients(&[15], |inputs| {
            embedding(inputs[0].clone().reshape([5, 3]), &[4, 0, 9, 4, 4, 2]).reshape([18])
        });
    }

    #[test]
    fn every_variant_agrees_with_the_reference_under_bounds_checks() {
        assert_passes(check);
    }

    #[test]
    fn no_ids_give_no_rows() {
        for (name, device) in test_devices() {
            assert_eq!(embedding(Tensor::ones([3, 4], &device), &[]).dims(), [0, 4], "{name}");
        }
    }
}
