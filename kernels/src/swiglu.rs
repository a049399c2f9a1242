//! The gated unit of Llama's feed-forward: y = silu(gate) · up, where silu(g) = g · sigmoid(g) (Shazeer,
//! 2020).

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
use crate::cpu::{contiguous, numbers, tensor};
use crate::elementwise::{self, Params, launch_values};

/// Gates `up` by silu(`gate`), element by element.
///
/// # Shapes
/// gate, up and the result `[.., width]`, all alike; all f32.
///
/// # Panics
/// Shapes that differ or elements other than f32.
pub fn swiglu<const D: usize>(gate: Tensor<D>, up: Tensor<D>) -> Tensor<D> {
    assert_eq!(gate.dims(), up.dims(), "swiglu: gate and up have to be of one shape");
    Tensor::from_dispatch(Dispatch::swiglu(gate.into_dispatch(), up.into_dispatch()))
}

/// The operation for each of burn's backends.
#[backend_extension(Cube, Flex, Autodiff)]
trait SwigluBackend: Backend {
    fn swiglu(gate: FloatTensor<Self>, up: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl SwigluBackend for CubeBackend {
    fn swiglu(gate: CubeTensor, up: CubeTensor) -> CubeTensor {
        Differentiable::<Self, 2>::forward(&Swiglu, [gate, up])
    }
}

impl SwigluBackend for Flex {
    fn swiglu(gate: FlexTensor, up: FlexTensor) -> FlexTensor {
        Differentiable::<Self, 2>::forward(&Swiglu, [gate, up])
    }
}

impl<B: Backend, C: CheckpointStrategy> SwigluBackend for Autodiff<B, C>
where
    Swiglu: Differentiable<B, 2>,
{
    fn swiglu(gate: FloatTensor<Self>, up: FloatTensor<Self>) -> FloatTensor<Self> {
        record::<B, C, _, 2>(Swiglu, [gate, up])
    }
}

/// The gated unit as an operation of (gate, up).
#[derive(Debug, Clone)]
struct Swiglu;

// ---- GPU ----

/// Every variant, for the translation test.
pub(crate) fn kernels() -> Vec<Kernel> {
    elementwise::kernels(&["swiglu", "swiglu_grad"])
}

/// The benchmarks.
pub(crate) fn bench_cases(sizes: &BenchDims) -> Vec<BenchCase> {
    let shape = [sizes.tokens(), sizes.d_ff];
    let entry = |shader, buffers, operations| elementwise::entry("swiglu", shader, buffers, shape, operations);
    vec![entry("swiglu", [2, 1], 8), entry("swiglu_grad", [3, 2], 14)]
}

impl Differentiable<CubeBackend, 2> for Swiglu {
    fn forward(&self, inputs: [CubeTensor; 2]) -> CubeTensor {
        let [gate, up] = inputs.map(into_contiguous);
        let [y] = launch_values("swiglu", &[&gate, &up]);
        y
    }

    fn backward(&self, inputs: [CubeTensor; 2], dy: CubeTensor, _wanted: [bool; 2]) -> [Option<CubeTensor>; 2] {
        let [gate, up] = inputs.map(into_contiguous);
        launch_values::<2>("swiglu_grad", &[&gate, &up, &into_contiguous(dy)]).map(Some)
    }
}

// ---- CPU ----

impl Differentiable<Flex, 2> for Swiglu {
    fn forward(&self, inputs: [FlexTensor; 2]) -> FlexTensor {
        let [gate, up] = inputs.map(contiguous);
        tensor(on_cpu::forward(numbers(&gate), numbers(&up)), gate.shape())
    }

    fn backward(&self, inputs: [FlexTensor; 2], dy: FlexTensor, _wanted: [bool; 2]) -> [Option<FlexTensor>; 2] {
        let [gate, up] = inputs.map(contiguous);
        let gradients = on_cpu::backward(numbers(&gate), numbers(&up), numbers(&contiguous(dy)));
        gradients.map(|gradient| Some(tensor(gradient, gate.shape())))
    }
}

// ---- The reference, which computes in f64 ----

fn forward_reference(gate: &[f32], up: &[f32]) -> Vec<f32> {
    let pairs = gate.iter().zip(up);
    pairs.map(|(&g, &u)| (f64::from(g) * sigmoid(g) * f64::from(u)) as f32).collect()
}

/// (dgate, dup), with s = sigmoid(gate): (dy · up · s · (1 + gate · (1 - s)), dy · gate · s).
fn backward_reference(gate: &[f32], up: &[f32], dy: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let triples = gate.iter().zip(up).zip(dy);
    triples
        .map(|((&g, &u), &dy)| {
            let s = sigmoid(g);
            let (g, u, dy) = (f64::from(g), f64::from(u), f64::from(dy));
            ((dy * u * s * (1.0 + g * (1.0 - s))) as f32, (dy * g * s) as f32)
        })
        .unzip()
}

fn sigmoid(x: f32) -> f64 {
    1.0 / (1.0 + (-f64::from(x)).exp())
}

// ---- Check ----

const LENGTHS: [usize; 7] = [1, 3, 4, 255, 1024, 1027, 70_001];

/// Numbers around zero, and some far out where exp overflows f32 without care.
fn gates(length: usize) -> Vec<f32> {
    noise(1, length).into_iter().enumerate().map(|(i, g)| if i % 7 == 6 { g * 200.0 } else { g * 3.0 }).collect()
}

/// Every variant against the reference.
pub(crate) fn check(check: &mut KernelCheck) {
    for length in LENGTHS {
        let (gate, up, dy) = (gates(length), noise(4, length), noise(5, length));
        let (d_gate, d_up) = backward_reference(&gate, &up, &dy);
        for wide in [false, true].into_iter().filter(|wide| !wide || length % 4 == 0) {
            let (params, workgroups) = Params::over(length, wide);
            let [forward, backward] = ["swiglu", "swiglu_grad"].map(|shader| elementwise::kernel(shader, wide));
            let [y] = check.run(&forward, &[&gate, &up], [length], &params, workgroups);
            check.close(&forward, length, &y, &forward_reference(&gate, &up), 1e-5);
            let found = check.run(&backward, &[&gate, &up, &dy], [length; 2], &params, workgroups);
            for (found, expected) in found.iter().zip([&d_gate, &d_up]) {
                check.close(&backward, length, found, expected, 1e-5);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, activation};

    use super::*;
    use crate::test_devices;
    use crate::testing::{assert_close, assert_passes, check_gradients, download, upload};

    #[test]
    fn both_devices_agree_with_the_reference_on_ragged_lengths() {
        for (name, device) in test_devices() {
            for length in LENGTHS {
                let (gate, up) = (gates(length), noise(2, length));
                let y: Tensor<3> = swiglu(upload(&gate, [1, 1, length], &device), upload(&up, [1, 1, length], &device));
                assert_close(&download(y), &forward_reference(&gate, &up), 1e-5, &format!("{name} {length}"));
            }
        }
    }

    #[test]
    fn the_reference_is_the_formula() {
        let device = Device::flex();
        let gate: Tensor<2> = upload(&gates(60), [6, 10], &device);
        let up: Tensor<2> = upload(&noise(3, 60), [6, 10], &device);
        let expected = download(activation::silu(gate.clone()) * up.clone());
        assert_close(&download(swiglu(gate, up)), &expected, 1e-5, "plain burn");
    }

    #[test]
    fn gradients_agree_with_finite_differences() {
        for length in [7, 12] {
            check_gradients(&[length, length], |inputs| swiglu(inputs[0].clone(), inputs[1].clone()));
        }
    }

    #[test]
    fn every_variant_agrees_with_the_reference_under_bounds_checks() {
        assert_passes(check);
    }
}
