//! LoRA, low-rank adaptation (Hu et al. 2021, arXiv 2106.09685): a frozen weight plus a trainable product of two thin matrices.

mod adapter;
mod dropout;
mod linear;
mod pattern;
mod peft;
mod peft_config;
mod peft_files;
mod targets;
mod token_rows;
mod weight;

use burn::module::{Module, Param};
use burn::tensor::Tensor;

pub use adapter::{Adapter, LoraConfig, Projections};
pub use dropout::{Dropout, RowDropout};
pub use linear::Linear;

/// The LoRA matrices of a projection: x ↦ scale · (x Aᵀ) Bᵀ.
#[derive(Module, Debug)]
pub struct Lora {
    /// A, `[rank, in]`.
    pub a: Param<Tensor<2>>,
    /// B, `[out, rank]`; zero at first, so that training starts from the frozen model.
    pub b: Param<Tensor<2>>,
    /// α / rank, or α / √rank in the rank-stabilised form (Kalajdzievski 2023, arXiv 2312.03732).
    pub scale: f64,
}

impl Lora {
    /// Rows of A, columns of B.
    pub fn rank(&self) -> usize {
        self.a.dims()[0]
    }

    /// `[n, in]` to `[n, out]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.narrow(x).matmul(self.b.val().transpose())
    }

    /// scale · x Aᵀ: `[n, in]` to `[n, rank]`.
    fn narrow(&self, x: Tensor<2>) -> Tensor<2> {
        x.matmul(self.a.val().transpose()) * self.scale
    }
}
