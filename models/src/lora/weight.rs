//! The weight of a projection.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use tiller_kernels::MatmulPrecision;
use tiller_kernels::cross_entropy::{CrossEntropy, Projection, SoftTargets, cross_entropy};
use tiller_kernels::matmul::{self, PackedWeight};

use super::Lora;

/// W, `[out, in]`.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)] // a model has hundreds of weights: a kilobyte beside each is nothing
pub(super) enum ProjectionWeight {
    /// 32-bit floats: frozen, unless the whole model is trained.
    Dense(Param<Tensor<2>>),
    /// Quantized, and frozen.
    Packed(PackedProjection),
}

/// A quantized weight, which burn, knowing only floats, skips.
#[derive(Module, Debug)]
pub(super) struct PackedProjection {
    #[module(skip)]
    pub weight: PackedWeight,
}

impl ProjectionWeight {
    /// `[out, in]`.
    pub fn shape(&self) -> [usize; 2] {
        match self {
            Self::Dense(weight) => weight.dims(),
            Self::Packed(PackedProjection { weight }) => [weight.rows(), weight.cols()],
        }
    }

    /// x Wᵀ, `[n, out]`; on a CPU of this precision.
    pub fn linear(&self, x: Tensor<2>, precision: MatmulPrecision) -> Tensor<2> {
        match self {
            Self::Dense(weight) => matmul::dense_linear(x, weight.val(), precision),
            Self::Packed(PackedProjection { weight }) => match weight.unpacked() {
                Some(weight) => matmul::dense_linear(x, weight, precision),
                None => matmul::linear(x, weight),
            },
        }
    }

    /// x Wᵀ + scale · (z Aᵀ) Bᵀ, `[n, out]`, where z is x, or x after dropout; without dropout in one pass over the weight.
    /// On a CPU of this precision.
    pub fn lora_linear(
        &self,
        x: Tensor<2>,
        lora: &Lora,
        dropped: Option<Tensor<2>>,
        precision: MatmulPrecision,
    ) -> Tensor<2> {
        let factors = matmul::LoraFactors { a: lora.a.val(), b: lora.b.val(), scale: lora.scale as f32 };
        match self {
            Self::Dense(weight) => matmul::dense_lora_linear(x, weight.val(), dropped, factors, precision),
            Self::Packed(PackedProjection { weight }) => match (weight.unpacked(), dropped) {
                (Some(weight), dropped) => matmul::dense_lora_linear(x, weight, dropped, factors, precision),
                (None, None) => matmul::lora_linear(x, weight, factors),
                (None, Some(z)) => matmul::linear(x, weight) + lora.forward(z),
            },
        }
    }

    /// Scores `targets` by the logits x Wᵀ + u bᵀ; see [`cross_entropy()`].
    pub fn cross_entropy(
        &self,
        x: Tensor<2>,
        low_rank: Option<[Tensor<2>; 2]>,
        targets: &SoftTargets,
        precision: MatmulPrecision,
    ) -> CrossEntropy {
        let projection = match self {
            Self::Dense(weight) => Projection::Dense(weight.val()),
            Self::Packed(PackedProjection { weight }) => Projection::Packed(weight),
        };
        cross_entropy(x, projection, low_rank, targets, precision)
    }
}
