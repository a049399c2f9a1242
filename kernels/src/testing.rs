//! Helpers of the operations' tests: numbers, comparison, finite differences, and kernels run under bounds
//! checks.

mod close;

use burn::tensor::{Device, Tensor, TensorData};

use crate::check::{CheckFn, KernelCheck};
pub use close::assert_close;

pub(crate) use crate::check::{noise, read, storage, words_storage};
use crate::device::Gpu;
use crate::kernel::Kernel;
use crate::pipelines::ComputeStep;
use crate::{test_devices, test_gpu};

/// Numbers in row-major order as a tensor.
pub fn upload<const D: usize>(numbers: &[f32], shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(numbers.to_vec(), shape), device)
}

/// The numbers of a tensor in row-major order.
pub fn download<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("the device computed f32")
}

/// Compares the gradients of `operation` with central differences on every test device, with and without
/// checkpointing.
///
/// The inputs are vectors of the given lengths. The operation is in the middle of a graph, between an affine
/// map and a weighted sum of squares, so that a gradient which forgets the one that flows in, or the graph
/// behind, does not pass.
pub fn check_gradients(lengths: &[usize], operation: impl Fn(&[Tensor<1>]) -> Tensor<1>) {
    let inputs: Vec<Vec<f32>> = lengths.iter().enumerate().map(|(i, &n)| noise(i as u64 + 11, n)).collect();
    let on = |inputs: &[Vec<f32>], device: &Device| -> Vec<Tensor<1>> {
        inputs.iter().map(|input| upload(input, [input.len()], device)).collect()
    };
    let middle = |inputs: &[Tensor<1>]| {
        let before: Vec<Tensor<1>> = inputs.iter().map(|input| input.clone() * 1.5 + 0.25).collect();
        operation(&before)
    };
    for (name, device) in test_devices() {
        let loss = |inputs: &[Vec<f32>]| {
            let y = download(middle(&on(inputs, &device)));
            y.iter().zip(coefficients(y.len())).map(|(&y, c)| f64::from(c) * f64::from(y).powi(2)).sum::<f64>()
        };
        let expected: Vec<Vec<f32>> = (0..inputs.len())
            .map(|input| (0..lengths[input]).map(|i| central_difference(&inputs, input, i, &loss)).collect())
            .collect();

        let recording = device.clone().autodiff();
        for (way, device) in [("", recording.clone()), (", checkpointed", recording.gradient_checkpointing())] {
            let leaves: Vec<Tensor<1>> = on(&inputs, &device).into_iter().map(Tensor::require_grad).collect();
            let y = middle(&leaves);
            let coefficients = upload(&coefficients(y.dims()[0]), y.dims(), &device);
            let gradients = (y.powi_scalar(2) * coefficients).sum().backward();
            for (input, (leaf, expected)) in leaves.iter().zip(&expected).enumerate() {
                let found = download(leaf.grad(&gradients).expect("every input has a gradient"));
                assert_close(&found, expected, 5e-3, &format!("{name}{way}: gradient of input {input}"));
            }
        }
    }
}

fn coefficients(length: usize) -> Vec<f32> {
    noise(99, length)
}

fn central_difference(inputs: &[Vec<f32>], input: usize, i: usize, loss: &impl Fn(&[Vec<f32>]) -> f64) -> f32 {
    const STEP: f32 = 5e-3;
    let at = |step: f32| {
        let mut moved = inputs.to_vec();
        moved[input][i] += step;
        loss(&moved)
    };
    ((at(STEP) - at(-STEP)) / (2.0 * f64::from(STEP))) as f32
}

/// Asserts that every variant of an operation that the test device can run agrees with the reference.
pub(crate) fn assert_passes(of: CheckFn) {
    let mut check = KernelCheck::on(test_gpu().gpu.expect("the test device is a GPU"));
    of(&mut check);
    assert!(!check.results.is_empty());
    check.results.iter().for_each(|result| assert!(result.passed(), "{result}"));
}

/// Runs `kernel` over words, once; see [`KernelCheck::run_in_place`].
pub fn run_in_place(gpu: &Gpu, kernel: &Kernel, buffers: &[Vec<u32>], workgroups: usize) -> Vec<Vec<u32>> {
    KernelCheck::on(gpu.clone()).run_in_place(kernel, buffers, workgroups)
}

/// Runs steps in one pass.
pub fn submit(gpu: &Gpu, steps: &[ComputeStep]) {
    let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
    steps.iter().for_each(|step| step.encode(&mut pass));
    drop(pass);
    gpu.queue.submit([encoder.finish()]);
}
