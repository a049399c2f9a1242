//! The check of GEMM with packed weights, launched through burn's graph: the variant that this device uses,
//! forward and backward.

use burn::tensor::{Device, Tensor, TensorData};

use super::{CheckResult, noise};
use crate::device::gpu_of;
use crate::matmul::{LoraFactors, PackedWeight, lora_linear};
use crate::quant::{PackedMatrix, QuantScheme};

/// The tolerance of a number. The f16 factors of cooperative matrices lose a 2048th each.
fn tolerance(device: &Device) -> f64 {
    if gpu_of(device).is_some_and(|gpu| gpu.features.coop_tile > 0) { 2e-2 } else { 1e-4 }
}

/// The rank and the scale of the low-rank part.
const RANK: usize = 3;
const SCALE: f32 = 0.5;

/// Checks y = x Wᵀ + s (x Aᵀ) Bᵀ and its gradient for x on `device`, with weights of every scheme, for few
/// rows and for many.
///
/// # Panics
/// A device that is lost.
pub fn check_matmul(device: &Device) -> Vec<CheckResult> {
    let mut results = Vec::new();
    for (scheme, rows) in QuantScheme::ALL.into_iter().flat_map(|scheme| [1, 5, 70].map(|rows| (scheme, rows))) {
        Case::new(scheme, rows).tried(device).into_iter().for_each(|result| result.add_to(&mut results));
    }
    results
}

/// A product `[rows, inputs]` × `[outputs, inputs]`ᵀ.
struct Case {
    rows: usize,
    packed: PackedMatrix,
    x: Vec<f32>,  // [rows, inputs]
    dy: Vec<f32>, // [rows, outputs]
    a: Vec<f32>,  // [RANK, inputs]
    b: Vec<f32>,  // [outputs, RANK]
}

impl Case {
    fn new(scheme: QuantScheme, rows: usize) -> Self {
        let (outputs, inputs) = (67, 256);
        let packed =
            PackedMatrix::from_f32(scheme, outputs, inputs, &noise(1, outputs * inputs)).expect("rows of whole groups");
        let (x, dy) = (noise(2, rows * inputs), noise(3, rows * outputs));
        Self { rows, packed, x, dy, a: noise(4, RANK * inputs), b: noise(5, outputs * RANK) }
    }

    fn tried(&self, device: &Device) -> [CheckResult; 2] {
        let (inputs, outputs) = (self.packed.cols(), self.packed.rows());
        let recording = device.clone().autodiff();
        let upload = |numbers: &[f32], shape: [usize; 2], device: &Device| {
            Tensor::<2>::from_data(TensorData::new(numbers.to_vec(), shape), device)
        };
        let weight = PackedWeight::upload(&self.packed, &recording).expect("a small weight");
        let x = upload(&self.x, [self.rows, inputs], &recording).require_grad();
        let a = upload(&self.a, [RANK, inputs], &recording);
        let b = upload(&self.b, [outputs, RANK], &recording);
        let y = lora_linear(x.clone(), &weight, LoraFactors { a, b, scale: SCALE });
        let gradients = (y.clone() * upload(&self.dy, [self.rows, outputs], &recording)).sum().backward();
        let dx = x.grad(&gradients).expect("a leaf of the graph");
        [("forward", self.forward(), y), ("backward", self.backward(), dx)].map(|(pass, expected, found)| {
            let found = found.into_data().try_to_vec::<f32>().expect("the device computed f32");
            let kernel = format!("linear {} {pass}", self.packed.scheme());
            CheckResult::of(
                kernel,
                format!("{} x {outputs} x {inputs}", self.rows),
                &found,
                &expected,
                tolerance(device),
            )
        })
    }

    /// W + s B A, `[outputs, inputs]`, in f64.
    fn whole(&self) -> Vec<f64> {
        let (w, inputs) = (self.packed.to_f32(), self.packed.cols());
        let low = |o: usize, i: usize| -> f64 {
            (0..RANK).map(|k| f64::from(self.b[o * RANK + k]) * f64::from(self.a[k * inputs + i])).sum()
        };
        w.iter().enumerate().map(|(at, w)| f64::from(*w) + f64::from(SCALE) * low(at / inputs, at % inputs)).collect()
    }

    fn forward(&self) -> Vec<f32> {
        let (w, inputs) = (self.whole(), self.packed.cols());
        let dot = |x: &[f32], w: &[f64]| x.iter().zip(w).map(|(x, w)| f64::from(*x) * w).sum::<f64>() as f32;
        self.x.chunks(inputs).flat_map(|x| w.chunks(inputs).map(move |w| dot(x, w))).collect()
    }

    fn backward(&self) -> Vec<f32> {
        let (w, inputs, outputs) = (self.whole(), self.packed.cols(), self.packed.rows());
        let sum =
            |dy: &[f32], i: usize| dy.iter().enumerate().map(|(o, dy)| f64::from(*dy) * w[o * inputs + i]).sum::<f64>();
        self.dy
            .chunks(outputs)
            .flat_map(|dy| (0..inputs).map(move |i| (dy, i)))
            .map(|(dy, i)| sum(dy, i) as f32)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_devices;

    #[test]
    fn both_devices_are_sound() {
        for (name, device) in test_devices() {
            let results = check_matmul(&device);
            assert_eq!(results.len(), 2 * QuantScheme::ALL.len());
            results.iter().for_each(|result| assert!(result.passed(), "{name} {result}"));
        }
    }
}
