//! The Gaussian error linear unit: y = x Φ(x), Φ the normal distribution's mass below x (Hendrycks and
//! Gimpel, 2016).

use std::f64::consts::{PI, SQRT_2};

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, backend_extension};
use burn::tensor::{Tensor, activation};
use burn_cubecl::CubeBackend;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;

use crate::Kernel;
use crate::autodiff::{Differentiable, record};
use crate::bench::{BenchCase, BenchDims};
use crate::check::{KernelCheck, noise};
use crate::device::gpu_of;
use crate::elementwise::{self, Params, launch_values};

/// x Φ(x), element by element: one launch on a GPU, burn's own operation elsewhere.
///
/// # Panics
/// Elements other than f32.
pub fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    if gpu_of(&x.device()).is_none() {
        return activation::gelu(x);
    }
    Tensor::from_dispatch(Dispatch::gelu(x.into_dispatch()))
}

/// The operation for the backends that have it.
#[backend_extension(Cube, Autodiff)]
trait GeluBackend: Backend {
    fn gelu(x: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl GeluBackend for CubeBackend {
    fn gelu(x: CubeTensor) -> CubeTensor {
        Gelu.forward([x])
    }
}

impl<C: CheckpointStrategy> GeluBackend for Autodiff<CubeBackend, C> {
    fn gelu(x: FloatTensor<Self>) -> FloatTensor<Self> {
        record::<CubeBackend, C, _, 1>(Gelu, [x])
    }
}

/// The unit as an operation of x.
#[derive(Debug, Clone)]
struct Gelu;

/// Every variant, for the translation test.
pub(crate) fn kernels() -> Vec<Kernel> {
    elementwise::kernels(&["gelu", "gelu_grad"])
}

/// The benchmarks.
pub(crate) fn bench_cases(sizes: &BenchDims) -> Vec<BenchCase> {
    let shape = [sizes.tokens(), sizes.d_model];
    let entry = |shader, buffers, operations| elementwise::entry("gelu", shader, buffers, shape, operations);
    vec![entry("gelu", [1, 1], 20), entry("gelu_grad", [2, 1], 25)]
}

impl Differentiable<CubeBackend, 1> for Gelu {
    fn forward(&self, [x]: [CubeTensor; 1]) -> CubeTensor {
        let [y] = launch_values("gelu", &[&into_contiguous(x)]);
        y
    }

    fn backward(&self, [x]: [CubeTensor; 1], dy: CubeTensor, _: [bool; 1]) -> [Option<CubeTensor>; 1] {
        launch_values::<1>("gelu_grad", &[&into_contiguous(x), &into_contiguous(dy)]).map(Some)
    }
}

// ---- Check: the reference in f64 ----

const LENGTHS: [usize; 5] = [1, 3, 4, 255, 1027];

/// Numbers around zero, and some far out, where exp of a square would overflow.
fn inputs(length: usize) -> Vec<f32> {
    noise(1, length).into_iter().enumerate().map(|(i, x)| if i % 7 == 6 { x * 1e20 } else { x * 5.0 }).collect()
}

/// Φ(x), by the series of the error function where it is exact to f64.
fn below(x: f64) -> f64 {
    if x.abs() > 6.0 {
        return f64::from(x > 0.0);
    }
    let z = x / SQRT_2;
    let (mut term, mut sum) = (z, z);
    for n in 1..160 {
        term *= -z * z / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    0.5 + sum / PI.sqrt()
}

fn forward_reference(x: &[f32]) -> Vec<f32> {
    x.iter().map(|x| (f64::from(*x) * below(f64::from(*x))) as f32).collect()
}

fn backward_reference(x: &[f32], dy: &[f32]) -> Vec<f32> {
    let slope = |x: f64| below(x) + x * (-x * x / 2.0).exp() / (2.0 * PI).sqrt();
    x.iter().zip(dy).map(|(x, dy)| (f64::from(*dy) * slope(f64::from(*x))) as f32).collect()
}

/// Every variant against the reference.
pub(crate) fn check(check: &mut KernelCheck) {
    for length in LENGTHS {
        let (x, dy) = (inputs(length), noise(2, length));
        for wide in [false, true].into_iter().filter(|wide| !wide || length % 4 == 0) {
            let (params, workgroups) = Params::over(length, wide);
            let [forward, backward] = ["gelu", "gelu_grad"].map(|shader| elementwise::kernel(shader, wide));
            let [y] = check.run(&forward, &[&x], [length], &params, workgroups);
            check.close(&forward, length, &y, &forward_reference(&x), 1e-6);
            let [dx] = check.run(&backward, &[&x, &dy], [length], &params, workgroups);
            check.close(&backward, length, &dx, &backward_reference(&x, &dy), 1e-6);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_devices;
    use crate::testing::{assert_close, assert_passes, check_gradients, download, upload};

    #[test]
    fn both_devices_agree_with_the_reference_on_ragged_lengths() {
        for (name, device) in test_devices() {
            for length in LENGTHS {
                let x = inputs(length);
                let y: Tensor<2> = gelu(upload(&x, [1, length], &device));
                assert_close(&download(y), &forward_reference(&x), 1e-6, &format!("{name} {length}"));
            }
        }
    }

    #[test]
    fn gradients_agree_with_finite_differences() {
        for length in [7, 12] {
            check_gradients(&[length], |inputs| gelu(inputs[0].clone()));
        }
    }

    #[test]
    fn every_variant_agrees_with_the_reference_under_bounds_checks() {
        assert_passes(check);
    }
}
