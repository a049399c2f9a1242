//! Linear layers over packed weights, with or without a low-rank adapter: y = x · Wᵀ + s · (x · Aᵀ) · Bᵀ
//! (LoRA: Hu et al., 2021; over 4-bit weights, QLoRA: Dettmers et al., 2023).
//!
//! W is frozen. With u = x · Aᵀ and du = s · dy · B the gradients are
//!
//! ```text
//! dx = dy · W + du · A       dA = duᵀ · x       dB = dyᵀ · s u
//! ```
//!
//! y and dx are one launch each of `lora_linear.wgsl`, a GEMM which dequantizes W on the fly and adds the
//! adapter as further terms of the same sums. The products with one side as short as the rank are burn's. u
//! is recomputed for the backward pass: that costs a hundredth of the pass, and keeping it would cost memory
//! in every layer.
//!
//! On a device with cooperative matrices (tensor cores) the factors of these two launches are f16 and their
//! sums f32, unless the weight is [`exact`](PackedWeight::exact). x is not scaled. The gradients of a mean
//! over thousands of tokens lie below the range of f16, so each row of dy is multiplied by a power of two
//! before and its sums are divided by it after. All else is f32.

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;
use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;

use super::dense::{dense_linear, dense_lora_linear};
use super::launch::{AdapterTerms, Direction, PackedLinear};
use super::layout::WeightLayout;
use super::lora_factors::LoraFactors;
use super::weight::{PackedWeight, Values};
use crate::autodiff::{Differentiable, record};
use crate::gemm::MatmulPrecision;

/// y = x · Wᵀ. The gradient flows to x alone.
///
/// # Shapes
/// x `[.., in]`, weight `[out, in]`, result `[.., out]`; all f32.
///
/// # Panics
/// Shapes that do not fit, elements other than f32, a weight on another device.
pub fn linear<const D: usize>(x: Tensor<D>, weight: &PackedWeight) -> Tensor<D> {
    over_rows(x, weight, |x| match &weight.values {
        Values::Dense(w) => dense_linear(x, w.clone(), MatmulPrecision::F32),
        Values::Packed { quants, scales } => Tensor::from_dispatch(Dispatch::packed_linear(
            x.into_dispatch(),
            quants.clone().into_dispatch(),
            scales.clone().into_dispatch(),
            weight.layout,
        )),
    })
}

/// y = x · Wᵀ + s · (x · Aᵀ) · Bᵀ. Gradients flow to x, A and B.
///
/// # Shapes
/// x `[.., in]`, weight `[out, in]`, adapter as in [`LoraFactors`], result `[.., out]`; all f32.
///
/// # Panics
/// Shapes that do not fit, elements other than f32, a weight on another device.
pub fn lora_linear<const D: usize>(x: Tensor<D>, weight: &PackedWeight, lora: LoraFactors) -> Tensor<D> {
    let LoraFactors { a, b, scale } = lora;
    let (rank, expected) = (a.dims()[0], [weight.cols(), weight.rows()]);
    assert_eq!([a.dims()[1], b.dims()[0]], expected, "lora_linear: A has to be [rank, in] and B [out, rank]");
    assert_eq!(b.dims()[1], rank, "lora_linear: A and B have to be of one rank");
    over_rows(x, weight, |x| match &weight.values {
        Values::Dense(w) => dense_lora_linear(x, w.clone(), None, LoraFactors { a, b, scale }, MatmulPrecision::F32),
        Values::Packed { quants, scales } => Tensor::from_dispatch(Dispatch::lora_linear(
            x.into_dispatch(),
            a.into_dispatch(),
            b.into_dispatch(),
            quants.clone().into_dispatch(),
            scales.clone().into_dispatch(),
            weight.layout,
            scale,
        )),
    })
}

/// Applies `layer`, which maps `[rows, in]` to `[rows, out]`, to the rows of a tensor of any rank.
fn over_rows<const D: usize>(
    x: Tensor<D>,
    weight: &PackedWeight,
    layer: impl FnOnce(Tensor<2>) -> Tensor<2>,
) -> Tensor<D> {
    let mut shape = x.dims();
    assert_eq!(shape[D - 1], weight.cols(), "linear: x has to be as wide as the weight");
    let rows = shape[..D - 1].iter().product();
    let y = layer(x.reshape([rows, weight.cols()]));
    shape[D - 1] = weight.rows();
    y.reshape(shape)
}

/// The operations on packed weights. Only GPUs hold packed weights: see [`PackedWeight`].
#[backend_extension(Cube, Autodiff)]
trait LinearBackend: Backend {
    fn packed_linear(
        x: FloatTensor<Self>,
        quants: IntTensor<Self>,
        scales: IntTensor<Self>,
        layout: WeightLayout,
    ) -> FloatTensor<Self>;

    fn lora_linear(
        x: FloatTensor<Self>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        quants: IntTensor<Self>,
        scales: IntTensor<Self>,
        layout: WeightLayout,
        scale: f32,
    ) -> FloatTensor<Self>;
}

impl LinearBackend for CubeBackend {
    fn packed_linear(x: CubeTensor, quants: CubeTensor, scales: CubeTensor, layout: WeightLayout) -> CubeTensor {
        PackedLinear { quants, scales, layout }.forward([x])
    }

    fn lora_linear(
        x: CubeTensor,
        a: CubeTensor,
        b: CubeTensor,
        quants: CubeTensor,
        scales: CubeTensor,
        layout: WeightLayout,
        scale: f32,
    ) -> CubeTensor {
        LoraLinear { base: PackedLinear { quants, scales, layout }, scale }.forward([x, a, b])
    }
}

impl<C: CheckpointStrategy> LinearBackend for Autodiff<CubeBackend, C> {
    fn packed_linear(
        x: FloatTensor<Self>,
        quants: CubeTensor,
        scales: CubeTensor,
        layout: WeightLayout,
    ) -> FloatTensor<Self> {
        record::<CubeBackend, C, _, 1>(PackedLinear { quants, scales, layout }, [x])
    }

    fn lora_linear(
        x: FloatTensor<Self>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        quants: CubeTensor,
        scales: CubeTensor,
        layout: WeightLayout,
        scale: f32,
    ) -> FloatTensor<Self> {
        record::<CubeBackend, C, _, 3>(LoraLinear { base: PackedLinear { quants, scales, layout }, scale }, [x, a, b])
    }
}

/// y = x · Wᵀ + s · (x · Aᵀ) · Bᵀ as an operation of (x `[rows, in]`, A, B).
#[derive(Debug, Clone)]
struct LoraLinear {
    base: PackedLinear,
    scale: f32,
}

impl Differentiable<CubeBackend, 1> for PackedLinear {
    fn forward(&self, [x]: [CubeTensor; 1]) -> CubeTensor {
        self.launch(Direction::Forward, x, None)
    }

    fn backward(&self, _: [CubeTensor; 1], dy: CubeTensor, wanted: [bool; 1]) -> [Option<CubeTensor>; 1] {
        [wanted[0].then(|| self.launch(Direction::Backward, dy, None))]
    }
}

impl Differentiable<CubeBackend, 3> for LoraLinear {
    fn forward(&self, [x, a, b]: [CubeTensor; 3]) -> CubeTensor {
        let u = matmul(x.clone(), transpose(a)); // [rows, rank]
        self.base.launch(Direction::Forward, x, Some(AdapterTerms { u, b, scale: self.scale }))
    }

    fn backward(&self, [x, a, b]: [CubeTensor; 3], dy: CubeTensor, [dx, da, db]: [bool; 3]) -> [Option<CubeTensor>; 3] {
        let scaled = |tensor| CubeBackend::float_mul_scalar(tensor, self.scale.into());
        let du = scaled(matmul(dy.clone(), b)); // [rows, rank]
        let su = db.then(|| scaled(matmul(x.clone(), transpose(a.clone())))); // [rows, rank]
        let da = da.then(|| matmul(transpose(du.clone()), x)); // [rank, in]
        let db = su.map(|su| matmul(transpose(dy.clone()), su)); // [out, rank]
        let dx = dx.then(|| self.base.launch(Direction::Backward, dy, Some(AdapterTerms { u: du, b: a, scale: 1.0 })));
        [dx, da, db]
    }
}

fn matmul(left: CubeTensor, right: CubeTensor) -> CubeTensor {
    CubeBackend::float_matmul(left, right)
}

fn transpose(tensor: CubeTensor) -> CubeTensor {
    CubeBackend::float_swap_dims(tensor, 0, 1)
}
