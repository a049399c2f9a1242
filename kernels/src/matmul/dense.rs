//! Linear layers over weights of 32-bit floats, with or without a low-rank adapter: y = x · Wᵀ + s · (z · Aᵀ) · Bᵀ, where
//! z is x, or x after dropout.
//!
//! On a CPU a layer is one operation: the low-rank part adds to the same sums, and its backward pass computes the
//! gradients that are wanted alone. Narrow products, those by which a rank is made, are f32; all others are of the
//! precision of the layer. With du = s · dy · B the gradients are
//!
//! ```text
//! dx = dy · W (+ du · A)     dW = dyᵀ · x     dA = duᵀ · z     dB = dyᵀ · s z Aᵀ     dz = du · A
//! ```

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;
use burn_flex::FlexTensor;

use super::lora_factors::LoraFactors;
use crate::autodiff::{Differentiable, record};
use crate::cpu::{contiguous, numbers, tensor, zeros};
use crate::device::gpu_of;
use crate::gemm::{GemmVariant, MatmulPrecision, MatrixView, add_products};

/// The largest number of rows that are multiplied in the other order: packing a weight costs more than a product with few
/// rows, as in decoding, so the small factor goes to the right.
pub const FEW_ROWS: usize = 32;

/// The most rows or columns of a product that is f32 whatever the precision.
const NARROW: usize = 32;

/// y = x · Wᵀ, with a gradient of W where it asks for one.
///
/// # Shapes
/// x `[rows, in]`, weight `[out, in]`, result `[rows, out]`; all f32. Products of few rows, and those of GPUs, are f32
/// whatever the precision.
///
/// # Panics
/// Shapes that do not fit, elements other than f32.
pub fn dense_linear(x: Tensor<2>, weight: Tensor<2>, precision: MatmulPrecision) -> Tensor<2> {
    assert_eq!(x.dims()[1], weight.dims()[1], "dense_linear: x has to be as wide as the weight");
    if is_fused(&x) {
        return Tensor::from_dispatch(Dispatch::dense_linear(x.into_dispatch(), weight.into_dispatch(), precision));
    }
    if x.dims()[0] <= FEW_ROWS { weight.matmul(x.transpose()).transpose() } else { x.matmul(weight.transpose()) }
}

/// y = x · Wᵀ + s · (z · Aᵀ) · Bᵀ, where z is x after `dropout`, if there is any.
///
/// # Shapes
/// As [`dense_linear`]; z as x, the adapter as in [`LoraFactors`].
///
/// # Panics
/// Shapes that do not fit, elements other than f32.
pub fn dense_lora_linear(
    x: Tensor<2>,
    weight: Tensor<2>,
    z: Option<Tensor<2>>,
    lora: LoraFactors,
    precision: MatmulPrecision,
) -> Tensor<2> {
    let (LoraFactors { a, b, scale }, [d_out, d_in]) = (lora, weight.dims());
    let rank = a.dims()[0];
    assert_eq!(
        [a.dims(), b.dims()],
        [[rank, d_in], [d_out, rank]],
        "dense_lora_linear: A and B have to fit the weight"
    );
    if !is_fused(&x) {
        let low = z.unwrap_or_else(|| x.clone()).matmul(a.transpose()) * scale; // [rows, rank]
        return dense_linear(x, weight, precision) + low.matmul(b.transpose());
    }
    assert_eq!(x.dims()[1], d_in, "dense_lora_linear: x has to be as wide as the weight");
    let [x, weight, a, b] = [x, weight, a, b].map(Tensor::into_dispatch);
    Tensor::from_dispatch(match z {
        None => Dispatch::dense_lora_linear(x, weight, a, b, scale, precision),
        Some(z) => Dispatch::dense_lora_linear_of(x, weight, a, b, z.into_dispatch(), scale, precision),
    })
}

fn is_fused(x: &Tensor<2>) -> bool {
    x.dims()[0] > FEW_ROWS && gpu_of(&x.device()).is_none()
}

/// The operations of a CPU.
#[backend_extension(Flex, Autodiff)]
trait DenseLinearBackend: Backend {
    fn dense_linear(x: FloatTensor<Self>, weight: FloatTensor<Self>, precision: MatmulPrecision) -> FloatTensor<Self>;

    fn dense_lora_linear(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        scale: f32,
        precision: MatmulPrecision,
    ) -> FloatTensor<Self>;

    fn dense_lora_linear_of(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        z: FloatTensor<Self>,
        scale: f32,
        precision: MatmulPrecision,
    ) -> FloatTensor<Self>;
}

impl DenseLinearBackend for Flex {
    fn dense_linear(x: FlexTensor, weight: FlexTensor, precision: MatmulPrecision) -> FlexTensor {
        DenseLinear::new(1.0, precision).forward([x, weight])
    }

    fn dense_lora_linear(
        x: FlexTensor,
        weight: FlexTensor,
        a: FlexTensor,
        b: FlexTensor,
        scale: f32,
        precision: MatmulPrecision,
    ) -> FlexTensor {
        DenseLinear::new(scale, precision).forward([x, weight, a, b])
    }

    fn dense_lora_linear_of(
        x: FlexTensor,
        weight: FlexTensor,
        a: FlexTensor,
        b: FlexTensor,
        z: FlexTensor,
        scale: f32,
        precision: MatmulPrecision,
    ) -> FlexTensor {
        DenseLinear::new(scale, precision).forward([x, weight, a, b, z])
    }
}

impl<C: CheckpointStrategy> DenseLinearBackend for Autodiff<Flex, C> {
    fn dense_linear(x: FloatTensor<Self>, weight: FloatTensor<Self>, precision: MatmulPrecision) -> FloatTensor<Self> {
        record::<Flex, C, _, 2>(DenseLinear::new(1.0, precision), [x, weight])
    }

    fn dense_lora_linear(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        scale: f32,
        precision: MatmulPrecision,
    ) -> FloatTensor<Self> {
        record::<Flex, C, _, 4>(DenseLinear::new(scale, precision), [x, weight, a, b])
    }

    fn dense_lora_linear_of(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        z: FloatTensor<Self>,
        scale: f32,
        precision: MatmulPrecision,
    ) -> FloatTensor<Self> {
        record::<Flex, C, _, 5>(DenseLinear::new(scale, precision), [x, weight, a, b, z])
    }
}

/// The layer as an operation of (x, W), (x, W, A, B) or (x, W, A, B, z).
#[derive(Debug, Clone)]
struct DenseLinear {
    scale: f32,
    precision: MatmulPrecision,
    /// Of the forward pass: s · z · Aᵀ, `[rows, rank]`. Computing it anew costs more than the memory of so few columns.
    low: Option<FlexTensor>,
}

impl DenseLinear {
    fn new(scale: f32, precision: MatmulPrecision) -> Self {
        DenseLinear { scale, precision, low: None }
    }

    /// Σ left · right
    fn sum(&self, terms: &[[MatrixView; 2]]) -> Vec<f32> {
        let [left, right] = terms[0];
        let [rows, cols] = [left.shape()[0], right.shape()[1]];
        // Low-rank factors are a tile wide at most: packing them for tiles costs more than tiles save.
        let precision = if rows.min(cols) <= NARROW { MatmulPrecision::F32 } else { self.precision };
        let mut sum = zeros(rows * cols);
        add_products(terms, &mut sum, GemmVariant::best(precision));
        sum
    }

    fn scaled(&self, mut product: Vec<f32>) -> Vec<f32> {
        product.iter_mut().for_each(|x| *x *= self.scale);
        product
    }
}

impl<const N: usize> Differentiable<Flex, N> for DenseLinear {
    const KEPT: bool = true;

    fn forward(&self, inputs: [FlexTensor; N]) -> FlexTensor {
        self.clone().run(inputs).1
    }

    fn run(mut self, inputs: [FlexTensor; N]) -> (Self, FlexTensor) {
        let inputs = inputs.map(contiguous);
        let [x, w] = [view(&inputs[0]), view(&inputs[1])];
        let shape = [x.shape()[0], w.shape()[0]];
        if N == 2 {
            let y = tensor(self.sum(&[[x, w.transposed()]]), shape.into());
            return (self, y);
        }
        let [a, b, z] = [view(&inputs[2]), view(&inputs[3]), view(inputs.get(4).unwrap_or(&inputs[0]))];
        let low = self.scaled(self.sum(&[[z, a.transposed()]]));
        let low = tensor(low, [shape[0], a.shape()[0]].into());
        let y = self.sum(&[[x, w.transposed()], [view(&low), b.transposed()]]);
        self.low = Some(low);
        (self, tensor(y, shape.into()))
    }

    fn backward(&self, inputs: [FlexTensor; N], dy: FlexTensor, wanted: [bool; N]) -> [Option<FlexTensor>; N] {
        let (inputs, dy) = (inputs.map(contiguous), contiguous(dy));
        let ([x, w], dy) = ([view(&inputs[0]), view(&inputs[1])], view(&dy));
        let gradient = |number: usize, terms: &[[MatrixView; 2]]| tensor(self.sum(terms), inputs[number].shape());
        let mut gradients = std::array::from_fn(|_| None);
        gradients[1] = wanted[1].then(|| gradient(1, &[[dy.transposed(), x]]));
        if N == 2 {
            gradients[0] = wanted[0].then(|| gradient(0, &[[dy, w]]));
            return gradients;
        }
        let [a, b, z] = [view(&inputs[2]), view(&inputs[3]), view(inputs.get(4).unwrap_or(&inputs[0]))];
        let low = self.low.as_ref().expect("the forward pass keeps its results for the gradient");
        let du = self.scaled(self.sum(&[[dy, b]])); // [rows, rank]
        let du = MatrixView::new(&du, [dy.shape()[0], a.shape()[0]]);
        gradients[2] = wanted[2].then(|| gradient(2, &[[du.transposed(), z]]));
        gradients[3] = wanted[3].then(|| gradient(3, &[[dy.transposed(), view(low)]]));
        match N {
            4 => gradients[0] = wanted[0].then(|| gradient(0, &[[dy, w], [du, a]])),
            _ => {
                gradients[0] = wanted[0].then(|| gradient(0, &[[dy, w]]));
                gradients[4] = wanted[4].then(|| gradient(4, &[[du, a]]));
            }
        }
        gradients
    }
}

fn view(matrix: &FlexTensor) -> MatrixView<'_> {
    MatrixView::new(numbers(matrix), matrix.shape().dims())
}

#[cfg(test)]
mod tests {
    use super::MatmulPrecision::{Bf16, F32};
    use super::*;
    use crate::check::noise;
    use crate::test_devices;
    use crate::testing::{assert_close, check_gradients, download, upload};

    /// Rows, inputs, outputs and rank: few rows, and no whole tiles.
    const SHAPES: [[usize; 4]; 4] = [[3, 5, 7, 2], [33, 8, 5, 1], [70, 17, 40, 3], [130, 300, 33, 16]];

    /// y in f64.
    fn reference([x, w, a, b, z]: [&[f32]; 5], [rows, d_in, d_out, rank]: [usize; 4], scale: f64) -> Vec<f32> {
        let dot = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
        let at = |place: usize| {
            let (row, out) = (place / d_out, place % d_out);
            let low =
                (0..rank).map(|r| dot(&z[row * d_in..][..d_in], &a[r * d_in..][..d_in]) * f64::from(b[out * rank + r]));
            (dot(&x[row * d_in..][..d_in], &w[out * d_in..][..d_in]) + scale * low.sum::<f64>()) as f32
        };
        (0..rows * d_out).map(at).collect()
    }

    #[test]
    fn both_devices_agree_with_the_reference_on_ragged_shapes() {
        for (name, device) in test_devices() {
            for shape @ [rows, d_in, d_out, rank] in SHAPES {
                let lengths = [rows * d_in, d_out * d_in, rank * d_in, d_out * rank, rows * d_in];
                let [x, w, a, b, z]: [Vec<f32>; 5] = std::array::from_fn(|i| noise(i as u64, lengths[i]));
                let on = |numbers: &[f32], shape| -> Tensor<2> { upload(numbers, shape, &device) };
                let lora = || LoraFactors { a: on(&a, [rank, d_in]), b: on(&b, [d_out, rank]), scale: 0.5 };
                let of_x = |z| dense_lora_linear(on(&x, [rows, d_in]), on(&w, [d_out, d_in]), z, lora(), F32);
                let cases = [
                    (dense_linear(on(&x, [rows, d_in]), on(&w, [d_out, d_in]), F32), &x, 0.0),
                    (of_x(None), &x, 0.5),
                    (of_x(Some(on(&z, [rows, d_in]))), &z, 0.5),
                ];
                for (y, z, scale) in cases {
                    let expected = reference([&x, &w, &a, &b, z], shape, scale);
                    assert_close(&download(y), &expected, 3e-5, &format!("{name} {shape:?} {scale}"));
                }
            }
        }
    }

    #[test]
    fn a_view_that_is_not_contiguous_is_read_in_its_own_order() {
        for (name, device) in test_devices() {
            let (x, w): (Tensor<2>, Tensor<2>) =
                (upload(&noise(1, 120), [3, 40], &device), upload(&noise(2, 15), [3, 5], &device));
            let [x, w] = [x.transpose(), w.transpose()];
            let copies = [&x, &w].map(|view| upload(&download(view.clone()), view.dims(), &device));
            let found = download(dense_linear(x, w, F32));
            let [x, w] = copies;
            assert_close(&found, &download(dense_linear(x, w, F32)), 0.0, name);
        }
    }

    #[test]
    fn gradients_agree_with_finite_differences() {
        let [rows, d_in, d_out, rank] = [FEW_ROWS + 1, 3, 4, 2];
        let shapes = [[rows, d_in], [d_out, d_in], [rank, d_in], [d_out, rank], [rows, d_in]];
        let lengths = shapes.map(|[rows, cols]| rows * cols);
        let matrix = |inputs: &[Tensor<1>], i: usize| -> Tensor<2> { inputs[i].clone().reshape(shapes[i]) };
        check_gradients(&lengths[..2], |inputs| {
            dense_linear(matrix(inputs, 0), matrix(inputs, 1), F32).reshape([rows * d_out])
        });
        for count in [4, 5] {
            check_gradients(&lengths[..count], |inputs| {
                let lora = LoraFactors { a: matrix(inputs, 2), b: matrix(inputs, 3), scale: 0.5 };
                let z = (count == 5).then(|| matrix(inputs, 4));
                dense_lora_linear(matrix(inputs, 0), matrix(inputs, 1), z, lora, F32).reshape([rows * d_out])
            });
        }
    }

    #[test]
    fn frozen_weights_take_no_gradient() {
        let device = burn::tensor::Device::flex().autodiff();
        let shaped =
            |seed, shape: [usize; 2]| -> Tensor<2> { upload(&noise(seed, shape[0] * shape[1]), shape, &device) };
        let (x, w) = (shaped(1, [40, 6]).require_grad(), shaped(2, [5, 6]));
        let (a, b) = (shaped(3, [2, 6]).require_grad(), shaped(4, [5, 2]).require_grad());
        let lora = LoraFactors { a: a.clone(), b: b.clone(), scale: 1.0 };
        let y = dense_lora_linear(x.clone(), w.clone(), None, lora, F32);
        let gradients = y.sum().backward();
        assert!([&x, &a, &b].iter().all(|leaf| leaf.grad(&gradients).is_some()));
        assert!(w.grad(&gradients).is_none());
    }

    /// Every product of the layer, forward and backward, beside the same one of f32; the narrow ones of the gradients of A and B are
    /// the same.
    #[test]
    fn products_of_bf16_are_close_to_those_of_f32() {
        let device = burn::tensor::Device::flex().autodiff();
        let [rows, d_in, d_out, rank] = [70, 40, 33, 4];
        let shapes = [[rows, d_in], [d_out, d_in], [rank, d_in], [d_out, rank], [rows, d_in]];
        let results = |precision| {
            let numbered = shapes.iter().enumerate();
            let leaves: Vec<Tensor<2>> = numbered
                .map(|(i, shape)| upload(&noise(i as u64, shape[0] * shape[1]), *shape, &device).require_grad())
                .collect();
            let [x, w, a, b, z] = std::array::from_fn(|i| leaves[i].clone());
            let lora = LoraFactors { a, b, scale: 0.5 };
            let y = dense_lora_linear(x.clone(), w.clone(), Some(z), lora, precision) + dense_linear(x, w, precision);
            let gradients = (y.clone() * upload(&noise(9, rows * d_out), [rows, d_out], &device)).sum().backward();
            let gradients = leaves.iter().map(|leaf| download(leaf.grad(&gradients).unwrap()));
            std::iter::once(download(y)).chain(gradients).collect::<Vec<_>>()
        };
        for (number, (rounded, exact)) in results(Bf16).into_iter().zip(results(F32)).enumerate() {
            assert_eq!(rounded == exact, [3, 4].contains(&number), "{number}");
            let largest = exact.iter().fold(0.0, |largest: f32, x| largest.max(x.abs()));
            let off = rounded.iter().zip(&exact).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max);
            assert!(off < 1e-2 * largest, "{number}: off by {off}, where the largest number is {largest}");
        }
    }
}
