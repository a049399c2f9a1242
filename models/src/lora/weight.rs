//! The weight of a projection.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
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

    /// x Wᵀ, `[n, out]`.
    pub fn linear(&self, x: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Dense(weight) => times_transposed(x, weight.val()),
            Self::Packed(PackedProjection { weight }) => matmul::linear(x, weight),
        }
    }

    /// x Wᵀ + scale · (x Aᵀ) Bᵀ, `[n, out]`; with a packed weight in one pass over it.
    pub fn lora_linear(&self, x: Tensor<2>, lora: &Lora) -> Tensor<2> {
        match self {
            Self::Dense(weight) => times_transposed(x.clone(), weight.val()) + lora.forward(x),
            Self::Packed(PackedProjection { weight }) => {
                let lora = matmul::LoraFactors { a: lora.a.val(), b: lora.b.val(), scale: lora.scale as f32 };
                matmul::lora_linear(x, weight, lora)
            }
        }
    }

    /// Scores `targets` by the logits x Wᵀ + u bᵀ; see [`cross_entropy()`].
    pub fn cross_entropy(&self, x: Tensor<2>, low_rank: Option<[Tensor<2>; 2]>, targets: &SoftTargets) -> CrossEntropy {
        let projection = match self {
            Self::Dense(weight) => Projection::Dense(weight.val()),
            Self::Packed(PackedProjection { weight }) => Projection::Packed(weight),
        };
        cross_entropy(x, projection, low_rank, targets)
    }
}

/// The largest number of rows with which [`times_transposed`] multiplies in the other order.
pub(super) const FEW_ROWS: usize = 32;

/// x wᵀ for x `[n, in]` and w `[out, in]`: `[n, out]`.
///
/// On the CPU, burn's product copies its right factor into tiles first. With few rows, as in decoding, that costs more than the
/// product itself, so the small factor goes to the right: (w xᵀ)ᵀ.
fn times_transposed(x: Tensor<2>, w: Tensor<2>) -> Tensor<2> {
    if x.dims()[0] <= FEW_ROWS { w.matmul(x.transpose()).transpose() } else { x.matmul(w.transpose()) }
}
