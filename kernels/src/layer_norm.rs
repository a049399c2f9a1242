//! Layer norm: y = (x - mean(x)) / sqrt(var(x) + eps) · gamma + beta, over the last dimension (Ba, Kiros and
//! Hinton, 2016).

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, TensorMetadata, backend_extension};
use burn::tensor::{Slice, Tensor, module};
use burn_cubecl::CubeBackend;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use bytemuck::{Pod, Zeroable};

use crate::Kernel;
use crate::autodiff::{Differentiable, record};
use crate::bench::{BenchBuffer, BenchCase, BenchDims};
use crate::check::{KernelCheck, noise};
use crate::cpu::rows_and_width;
use crate::device::gpu_of;
use crate::kernel::launch;
use crate::rows::{self, Operand, Walk, launch_rows};

/// Normalises the rows of `x` to mean 0 and variance 1, then scales them by `gamma` and shifts them by
/// `beta`: one launch on a GPU, burn's own operation elsewhere.
///
/// # Shapes
/// x `[.., width]`, gamma and beta `[width]`, result `[.., width]`; all f32. `epsilon` is added to the
/// variance.
///
/// # Panics
/// Shapes that do not fit or elements other than f32.
pub fn layer_norm<const D: usize>(x: Tensor<D>, gamma: Tensor<1>, beta: Tensor<1>, epsilon: f64) -> Tensor<D> {
    let width = [x.dims()[D - 1]];
    assert_eq!([gamma.dims(), beta.dims()], [width; 2], "layer_norm: gamma and beta have to be as wide as x");
    if gpu_of(&x.device()).is_none() {
        return module::layer_norm(x, gamma, Some(beta), epsilon);
    }
    let y = Dispatch::layer_norm(x.into_dispatch(), gamma.into_dispatch(), beta.into_dispatch(), epsilon);
    Tensor::from_dispatch(y)
}

/// The operation for the backends that have it.
#[backend_extension(Cube, Autodiff)]
trait LayerNormBackend: Backend {
    fn layer_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self>;
}

impl LayerNormBackend for CubeBackend {
    fn layer_norm(x: CubeTensor, gamma: CubeTensor, beta: CubeTensor, epsilon: f64) -> CubeTensor {
        LayerNorm { epsilon }.forward([x, gamma, beta])
    }
}

impl<C: CheckpointStrategy> LayerNormBackend for Autodiff<CubeBackend, C> {
    fn layer_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        record::<CubeBackend, C, _, 3>(LayerNorm { epsilon }, [x, gamma, beta])
    }
}

/// The norm as an operation of (x, gamma, beta).
#[derive(Debug, Clone)]
struct LayerNorm {
    epsilon: f64,
}

const WORKGROUP: u32 = 64;

/// Rows whose gradients of gamma and beta one workgroup adds up.
const BLOCK: usize = 64;

/// Of the gradients of gamma and beta.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Params {
    rows: u32,
    values: u32,
}

impl Params {
    fn of(rows: usize, width: usize, wide: bool) -> Self {
        Params { rows: rows as u32, values: (width / if wide { 4 } else { 1 }) as u32 }
    }
}

fn weights_kernel(wide: bool) -> Kernel {
    Kernel::new("layer_norm_grad_weights").with("WORKGROUP", WORKGROUP).with("BLOCK", BLOCK as u32).with("WIDE", wide)
}

/// Every variant, for the translation test.
pub(crate) fn kernels() -> Vec<Kernel> {
    let of_rows = rows::kernels(&["layer_norm", "layer_norm_grad"]);
    of_rows.into_iter().chain([false, true].map(weights_kernel)).collect()
}

/// The benchmarks.
pub(crate) fn bench_cases(sizes: &BenchDims) -> Vec<BenchCase> {
    let (rows, width) = (sizes.tokens(), sizes.d_model);
    let forward = [Operand::Rows, Operand::Vector, Operand::Vector, Operand::Result];
    let backward = [Operand::Rows, Operand::Vector, Operand::Rows, Operand::Result, Operand::Statistics];
    let of_rows =
        |shader, buffers: &[Operand], operations| rows::bench_cases("layer_norm", shader, buffers, operations, sizes);
    let (wide, blocks) = (width.is_multiple_of(4), rows.div_ceil(BLOCK));
    let of_weights =
        BenchCase::new("layer_norm", "gradient of weights", format!("{rows} x {width}"), weights_kernel(wide))
            .over([rows * width, rows * width, 2 * rows].map(BenchBuffer::Numbers))
            .over([BenchBuffer::Output(2 * blocks * width)])
            .launched(&Params::of(rows, width, wide), blocks)
            .costing(8 * rows * width, 5 * rows * width);
    [of_rows("layer_norm", &forward, 7), of_rows("layer_norm_grad", &backward, 16), vec![of_weights]].concat()
}

impl Differentiable<CubeBackend, 3> for LayerNorm {
    fn forward(&self, inputs: [CubeTensor; 3]) -> CubeTensor {
        let [x, gamma, beta] = inputs.map(into_contiguous);
        let [y] = launch_rows("layer_norm", &[&x, &gamma, &beta], [x.shape()], self.epsilon);
        y
    }

    fn backward(&self, inputs: [CubeTensor; 3], dy: CubeTensor, wanted: [bool; 3]) -> [Option<CubeTensor>; 3] {
        let [x, gamma, _] = inputs.map(into_contiguous);
        let dy = into_contiguous(dy);
        let (rows, _) = rows_and_width(&x);
        let outputs = [x.shape(), [rows, 2].into()];
        let [dx, stats] = launch_rows("layer_norm_grad", &[&x, &gamma, &dy], outputs, self.epsilon);
        let [dgamma, dbeta] = match wanted[1] || wanted[2] {
            true => of_weights(&x, &dy, &stats).map(Some),
            false => [None, None],
        };
        [Some(dx), dgamma, dbeta]
    }
}

/// dgamma and dbeta, `[width]` each.
fn of_weights(x: &CubeTensor, dy: &CubeTensor, stats: &CubeTensor) -> [CubeTensor; 2] {
    let (rows, width) = rows_and_width(x);
    let (wide, blocks) = (width.is_multiple_of(4), rows.div_ceil(BLOCK));
    let params = Params::of(rows, width, wide);
    let [sums] = launch(weights_kernel(wide), &[x, dy, stats], [[blocks, 2, width].into()], &params, blocks);
    let both = CubeBackend::float_sum_dim(sums, 0); // [1, 2, width]
    let one = |which: isize| {
        let slice = [Slice::full(), Slice::new(which, Some(which + 1), 1), Slice::full()];
        CubeBackend::float_reshape(CubeBackend::float_slice(both.clone(), &slice), [width].into())
    };
    [one(0), one(1)]
}

// ---- Check: the reference in f64 ----

const EPSILON: f64 = 1e-12;

/// Rows and widths that miss every round number of the kernels.
const SHAPES: [[usize; 2]; 7] = [[1, 2], [3, 5], [70, 64], [7, 100], [129, 33], [4, 257], [2, 1032]];

/// Far from zero, where a difference of means would lose the variance.
fn inputs([rows, width]: [usize; 2]) -> Vec<f32> {
    noise(1, rows * width).into_iter().map(|x| x + 30.0).collect()
}

/// y of each row, and its mean and inverse deviation, in f64.
fn forward_reference(x: &[f32], gamma: &[f32], beta: &[f32]) -> (Vec<f32>, Vec<[f64; 2]>) {
    let row = |x: &[f32]| {
        let count = x.len() as f64;
        let mean = x.iter().map(|x| f64::from(*x)).sum::<f64>() / count;
        let variance = x.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / count;
        [mean, (variance + EPSILON).sqrt().recip()]
    };
    let stats: Vec<[f64; 2]> = x.chunks(gamma.len()).map(row).collect();
    let y = x.iter().enumerate().map(|(i, x)| {
        let ([mean, r], column) = (stats[i / gamma.len()], i % gamma.len());
        ((f64::from(*x) - mean) * r * f64::from(gamma[column]) + f64::from(beta[column])) as f32
    });
    (y.collect(), stats)
}

/// dx, dgamma and dbeta, in f64.
fn backward_reference(x: &[f32], gamma: &[f32], dy: &[f32]) -> [Vec<f32>; 3] {
    let (width, (_, stats)) = (gamma.len(), forward_reference(x, gamma, gamma));
    let (mut dx, mut dgamma, mut dbeta) = (vec![], vec![0f64; width], vec![0f64; width]);
    for ((x, dy), [mean, r]) in x.chunks(width).zip(dy.chunks(width)).zip(stats) {
        let n: Vec<f64> = x.iter().map(|x| (f64::from(*x) - mean) * r).collect();
        let g: Vec<f64> = dy.iter().zip(gamma).map(|(dy, gamma)| f64::from(*dy) * f64::from(*gamma)).collect();
        let mean_g = g.iter().sum::<f64>() / width as f64;
        let mean_gn = g.iter().zip(&n).map(|(g, n)| g * n).sum::<f64>() / width as f64;
        for i in 0..width {
            dx.push((r * (g[i] - mean_g - n[i] * mean_gn)) as f32);
            dgamma[i] += f64::from(dy[i]) * n[i];
            dbeta[i] += f64::from(dy[i]);
        }
    }
    let narrow = |values: Vec<f64>| values.into_iter().map(|value| value as f32).collect();
    [dx, narrow(dgamma), narrow(dbeta)]
}

/// Every variant against the reference.
pub(crate) fn check(check: &mut KernelCheck) {
    for shape in SHAPES {
        let [rows, width] = shape;
        let (case, x) = (format!("{rows} x {width}"), inputs(shape));
        let (gamma, beta, dy) = (noise(2, width), noise(3, width), noise(4, rows * width));
        let (y, stats) = forward_reference(&x, &gamma, &beta);
        let stats: Vec<f32> = stats.as_flattened().iter().map(|stat| *stat as f32).collect();
        let [dx, dgamma, dbeta] = backward_reference(&x, &gamma, &dy);
        for walk in Walk::ALL.into_iter().filter(|walk| !walk.wide || width % 4 == 0) {
            let params = walk.params(rows, width, EPSILON);
            for kernel in check.runnable(walk.variants("layer_norm")) {
                let [found] = check.run(&kernel, &[&x, &gamma, &beta], [x.len()], &params, rows);
                check.close(&kernel, &case, &found, &y, 1e-4);
            }
            for kernel in check.runnable(walk.variants("layer_norm_grad")) {
                let lengths = [x.len(), 2 * rows];
                let [found, of_rows] = check.run(&kernel, &[&x, &gamma, &dy], lengths, &params, rows);
                check.close(&kernel, &case, &found, &dx, 2e-4);
                check.close(&kernel, format!("{case}: mean and r"), &of_rows, &stats, 1e-4);
            }
        }
        for wide in [false, true].into_iter().filter(|wide| !wide || width % 4 == 0) {
            let blocks = rows.div_ceil(BLOCK);
            let (kernel, params) = (weights_kernel(wide), Params::of(rows, width, wide));
            let [sums] = check.run(&kernel, &[&x, &dy, &stats], [blocks * 2 * width], &params, blocks);
            let expected = [dgamma.clone(), dbeta.clone()].concat();
            let found: Vec<f32> = (0..2 * width).map(|i| sums.iter().skip(i).step_by(2 * width).sum()).collect();
            check.close(&kernel, &case, &found, &expected, 2e-4);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_devices;
    use crate::testing::{assert_close, assert_passes, check_gradients, download, upload};

    #[test]
    fn both_devices_agree_with_the_reference_on_ragged_shapes_and_so_do_their_gradients() {
        for (name, device) in test_devices() {
            let device = device.autodiff();
            for shape in SHAPES {
                let [rows, width] = shape;
                let (x, gamma, beta, dy) = (inputs(shape), noise(2, width), noise(3, width), noise(4, rows * width));
                let leaf = upload(&x, [1, rows, width], &device).require_grad();
                let [of_gamma, of_beta] =
                    [&gamma, &beta].map(|weight| upload::<1>(weight, [width], &device).require_grad());
                let y = layer_norm(leaf.clone(), of_gamma.clone(), of_beta.clone(), EPSILON);
                let (expected, _) = forward_reference(&x, &gamma, &beta);
                assert_close(&download(y.clone()), &expected, 1e-4, &format!("{name} {shape:?}"));

                let gradients = (y * upload::<3>(&dy, [1, rows, width], &device)).sum().backward();
                let [dx, dgamma, dbeta] = backward_reference(&x, &gamma, &dy);
                let of = |found: Option<Vec<f32>>, expected: &[f32], of: &str| {
                    let found = found.expect("a leaf of the graph");
                    assert_close(&found, expected, 2e-4, &format!("{name} {shape:?}: gradient of {of}"));
                };
                of(leaf.grad(&gradients).map(download), &dx, "x");
                of(of_gamma.grad(&gradients).map(download), &dgamma, "gamma");
                of(of_beta.grad(&gradients).map(download), &dbeta, "beta");
            }
        }
    }

    #[test]
    fn gradients_agree_with_finite_differences() {
        for (rows, width) in [(2, 3), (3, 8)] {
            check_gradients(&[rows * width, width, width], |inputs| {
                let x = inputs[0].clone().reshape([1, rows, width]);
                layer_norm(x, inputs[1].clone(), inputs[2].clone(), EPSILON).reshape([rows * width])
            });
        }
    }

    #[test]
    fn every_variant_agrees_with_the_reference_under_bounds_checks() {
        assert_passes(check);
    }
}
