//! Root-mean-square norm: y = x / sqrt(mean(x²) + eps) · weight, over the last dimension (Zhang and Sennrich,
//! 2019).

mod on_cpu;

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;
use burn_cubecl::CubeBackend;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use burn_flex::FlexTensor;

use crate::Kernel;
use crate::autodiff::{Differentiable, record};
use crate::bench::{BenchCase, BenchDims};
use crate::check::{KernelCheck, noise};
use crate::cpu::{contiguous, numbers, rows_and_width, tensor};
use crate::rows::{self, Operand, Walk, launch_rows};

/// Normalises the rows of `x`: every row is divided by its root mean square and scaled by `weight`.
///
/// # Shapes
/// x `[.., width]`, weight `[width]`, result `[.., width]`; all f32. `epsilon` is added to the mean square.
///
/// # Panics
/// Shapes that do not fit or elements other than f32.
pub fn rms_norm<const D: usize>(x: Tensor<D>, weight: Tensor<1>, epsilon: f64) -> Tensor<D> {
    assert_eq!(x.dims()[D - 1], weight.dims()[0], "rms_norm: the weight has to be as wide as x");
    let y = Dispatch::rms_norm(x.into_dispatch(), weight.into_dispatch(), epsilon);
    Tensor::from_dispatch(y)
}

/// The operation for each of burn's backends.
#[backend_extension(Cube, Flex, Autodiff)]
trait RmsNormBackend: Backend {
    fn rms_norm(x: FloatTensor<Self>, weight: FloatTensor<Self>, epsilon: f64) -> FloatTensor<Self>;
}

impl RmsNormBackend for CubeBackend {
    fn rms_norm(x: CubeTensor, weight: CubeTensor, epsilon: f64) -> CubeTensor {
        Differentiable::<Self, 2>::forward(&RmsNorm { epsilon }, [x, weight])
    }
}

impl RmsNormBackend for Flex {
    fn rms_norm(x: FlexTensor, weight: FlexTensor, epsilon: f64) -> FlexTensor {
        Differentiable::<Self, 2>::forward(&RmsNorm { epsilon }, [x, weight])
    }
}

impl<B: Backend, C: CheckpointStrategy> RmsNormBackend for Autodiff<B, C>
where
    RmsNorm: Differentiable<B, 2>,
{
    fn rms_norm(x: FloatTensor<Self>, weight: FloatTensor<Self>, epsilon: f64) -> FloatTensor<Self> {
        record::<B, C, _, 2>(RmsNorm { epsilon }, [x, weight])
    }
}

/// The norm as an operation of (x, weight).
#[derive(Debug, Clone)]
struct RmsNorm {
    epsilon: f64,
}

// ---- GPU ----

/// Every variant, for the translation test.
pub(crate) fn kernels() -> Vec<Kernel> {
    rows::kernels(&["rms_norm", "rms_norm_grad"])
}

/// The benchmarks.
pub(crate) fn bench_cases(sizes: &BenchDims) -> Vec<BenchCase> {
    let forward = [Operand::Rows, Operand::Vector, Operand::Result];
    let backward = [Operand::Rows, Operand::Vector, Operand::Rows, Operand::Result];
    let of =
        |shader, buffers: &[Operand], operations| rows::bench_cases("rms_norm", shader, buffers, operations, sizes);
    [of("rms_norm", &forward, 4), of("rms_norm_grad", &backward, 10)].concat()
}

impl Differentiable<CubeBackend, 2> for RmsNorm {
    fn forward(&self, inputs: [CubeTensor; 2]) -> CubeTensor {
        let [x, weight] = inputs.map(into_contiguous);
        let [y] = launch_rows("rms_norm", &[&x, &weight], [x.shape()], self.epsilon);
        y
    }

    fn backward(&self, inputs: [CubeTensor; 2], dy: CubeTensor, wanted: [bool; 2]) -> [Option<CubeTensor>; 2] {
        let [x, weight] = inputs.map(into_contiguous);
        let dy = into_contiguous(dy);
        let dx = || {
            let [dx] = launch_rows("rms_norm_grad", &[&x, &weight, &dy], [x.shape()], self.epsilon);
            dx
        };
        [wanted[0].then(dx), wanted[1].then(|| weight_gradient::<CubeBackend>(x, dy, self.epsilon))]
    }
}

// ---- CPU ----

impl Differentiable<Flex, 2> for RmsNorm {
    fn forward(&self, inputs: [FlexTensor; 2]) -> FlexTensor {
        let [x, weight] = inputs.map(contiguous);
        let y = on_cpu::forward(numbers(&x), numbers(&weight), self.epsilon as f32);
        tensor(y, x.shape())
    }

    fn backward(&self, inputs: [FlexTensor; 2], dy: FlexTensor, wanted: [bool; 2]) -> [Option<FlexTensor>; 2] {
        let [x, weight] = inputs.map(contiguous);
        let dy = contiguous(dy);
        let dx = wanted[0].then(|| {
            tensor(on_cpu::backward(numbers(&x), numbers(&weight), numbers(&dy), self.epsilon as f32), x.shape())
        });
        [dx, wanted[1].then(|| weight_gradient::<Flex>(x, dy, self.epsilon))]
    }
}

// ---- The reference, which accumulates in f64 ----

/// y `[rows, width]` of x `[rows, width]` and weight `[width]`.
fn forward_reference(x: &[f32], weight: &[f32], epsilon: f64) -> Vec<f32> {
    let width = weight.len().max(1);
    let mut y = vec![0.0; x.len()];
    y.chunks_exact_mut(width).zip(x.chunks_exact(width)).for_each(|(y, x)| {
        let r = inverse_rms(x, epsilon);
        for i in 0..width {
            y[i] = (f64::from(x[i]) * r * f64::from(weight[i])) as f32;
        }
    });
    y
}

/// dx `[rows, width]` = r · weight · dy - x · r³ · mean(weight · dy · x), where r is the inverse root mean
/// square of x.
fn backward_reference(x: &[f32], weight: &[f32], dy: &[f32], epsilon: f64) -> Vec<f32> {
    let width = weight.len().max(1);
    let mut dx = vec![0.0; x.len()];
    let rows = x.chunks_exact(width).zip(dy.chunks_exact(width));
    dx.chunks_exact_mut(width).zip(rows).for_each(|(dx, (x, dy))| {
        let r = inverse_rms(x, epsilon);
        let scaled = |i: usize| f64::from(weight[i]) * f64::from(dy[i]);
        let along_x = r * r * (0..width).map(|i| scaled(i) * f64::from(x[i])).sum::<f64>() / width as f64;
        for i in 0..width {
            dx[i] = (r * (scaled(i) - f64::from(x[i]) * along_x)) as f32;
        }
    });
    dx
}

fn inverse_rms(x: &[f32], epsilon: f64) -> f64 {
    let squares: f64 = x.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    1.0 / (squares / x.len() as f64 + epsilon).sqrt()
}

// ---- both ----

/// dweight `[width]` = Σ over rows of dy · x / rms(x), by burn's own operations: adapters are trained over
/// frozen norms, so that this is not the path to write a kernel for.
fn weight_gradient<B: Backend>(x: FloatTensor<B>, dy: FloatTensor<B>, epsilon: f64) -> FloatTensor<B> {
    let (rows, width) = rows_and_width(&x);
    let [x, dy] = [x, dy].map(|tensor| B::float_reshape(tensor, [rows, width].into()));
    let mean_square = B::float_mean_dim(B::float_mul(x.clone(), x.clone()), 1); // [rows, 1]
    let rms = B::float_sqrt(B::float_add_scalar(mean_square, epsilon.into())); // [rows, 1]
    let per_row = B::float_div(B::float_mul(dy, x), rms); // [rows, width]
    B::float_reshape(B::float_sum_dim(per_row, 0), [width].into())
}

// ---- Check ----

const EPSILON: f64 = 1e-5;

/// Rows and widths that miss every round number of the kernels.
const SHAPES: [(usize, usize); 9] =
    [(1, 1), (3, 5), (2, 64), (7, 100), (5, 255), (1, 256), (4, 257), (3, 1030), (2, 1032)];

/// Every variant against the reference.
pub(crate) fn check(check: &mut KernelCheck) {
    for (rows, width) in SHAPES {
        let (x, weight, dy) = (noise(6, rows * width), noise(7, width), noise(8, rows * width));
        let forward = forward_reference(&x, &weight, EPSILON);
        let backward = backward_reference(&x, &weight, &dy, EPSILON);
        for walk in Walk::ALL.into_iter().filter(|walk| !walk.wide || width % 4 == 0) {
            let (params, case) = (walk.params(rows, width, EPSILON), format!("{rows} x {width}"));
            for kernel in check.runnable(walk.variants("rms_norm")) {
                let [y] = check.run(&kernel, &[&x, &weight], [x.len()], &params, rows);
                check.close(&kernel, &case, &y, &forward, 1e-5);
            }
            for kernel in check.runnable(walk.variants("rms_norm_grad")) {
                let [dx] = check.run(&kernel, &[&x, &weight, &dy], [x.len()], &params, rows);
                check.close(&kernel, &case, &dx, &backward, 1e-4);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::testing::{assert_close, assert_passes, check_gradients, download, upload};
    use crate::{test_devices, test_gpu};

    fn agrees(name: &str, device: &Device, rows: usize, width: usize) {
        let (x, weight) = (noise(1, rows * width), noise(2, width));
        let y = rms_norm(upload(&x, [1, rows, width], device), upload(&weight, [width], device), EPSILON);
        let expected = forward_reference(&x, &weight, EPSILON);
        assert_close(&download(y), &expected, 1e-5, &format!("{name} {rows}x{width}"));
    }

    #[test]
    fn both_devices_agree_with_the_reference_on_ragged_shapes() {
        for (name, device) in test_devices() {
            for (rows, width) in SHAPES {
                agrees(name, &device, rows, width);
            }
        }
    }

    #[test]
    fn more_rows_than_a_dimension_of_the_grid_holds_are_folded() {
        agrees("folded", &test_gpu().device, 65_537, 2);
    }

    #[test]
    fn the_reference_is_the_formula() {
        let device = Device::flex();
        let x: Tensor<2> = upload(&noise(3, 12 * 40), [12, 40], &device);
        let weight: Tensor<1> = upload(&noise(4, 40), [40], &device);
        let rms = (x.clone().powi_scalar(2).mean_dim(1) + EPSILON).sqrt();
        let expected = download(x.clone() / rms * weight.clone().unsqueeze());
        assert_close(&download(rms_norm(x, weight, EPSILON)), &expected, 1e-5, "plain burn");
    }

    #[test]
    fn a_view_that_is_not_contiguous_is_read_in_its_own_order() {
        for (name, device) in test_devices() {
            let x: Tensor<2> = upload(&noise(5, 24), [4, 6], &device);
            let weight = Tensor::<1>::ones([4], &device);
            let view = rms_norm(x.clone().transpose(), weight.clone(), EPSILON);
            let copy: Tensor<2> = upload(&download(x.transpose()), [6, 4], &device);
            assert_close(&download(view), &download(rms_norm(copy, weight, EPSILON)), 0.0, name);
        }
    }

    #[test]
    fn gradients_agree_with_finite_differences() {
        for (rows, width) in [(2, 3), (3, 8)] {
            check_gradients(&[rows * width, width], |inputs| {
                let x = inputs[0].clone().reshape([1, rows, width]);
                rms_norm(x, inputs[1].clone(), EPSILON).reshape([rows * width])
            });
        }
    }

    #[test]
    fn a_frozen_weight_changes_nothing_for_x_and_takes_no_gradient() {
        for (name, device) in test_devices() {
            let recording = device.clone().autodiff();
            let x_gradient = |weight: &Tensor<1>| {
                let x: Tensor<2> = upload(&noise(9, 30), [5, 6], &recording).require_grad();
                let gradients = rms_norm(x.clone(), weight.clone(), EPSILON).powi_scalar(3).sum().backward();
                (download(x.grad(&gradients).expect("x is tracked")), weight.grad(&gradients).is_some())
            };
            let weight = noise(10, 6);
            let (expected, has) = x_gradient(&upload(&weight, [6], &recording).require_grad());
            assert!(has, "{name}");
            for frozen in [upload(&weight, [6], &recording), upload(&weight, [6], &device)] {
                let (found, has) = x_gradient(&frozen);
                assert_close(&found, &expected, 0.0, name);
                assert!(!has, "{name}");
            }
        }
    }

    #[test]
    fn every_variant_agrees_with_the_reference_under_bounds_checks() {
        assert_passes(check);
    }
}
