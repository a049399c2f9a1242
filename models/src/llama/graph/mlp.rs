//! The gated MLP of a block (SwiGLU: Shazeer 2020, arXiv 2002.05202).

use burn::module::Module;
use burn::tensor::Tensor;
use tiller_kernels::swiglu;

use crate::lora::{Linear, RowDropout};

/// y = down(silu(gate(x)) · up(x)).
#[derive(Module, Debug)]
pub(in crate::llama) struct Mlp {
    pub gate_proj: Linear,
    pub up_proj: Linear,
    pub down_proj: Linear,
}

impl Mlp {
    /// `[n, d_model]` to the same.
    pub fn forward(&self, x: Tensor<2>, dropout: Option<&RowDropout>) -> Tensor<2> {
        let gate = self.gate_proj.forward(x.clone(), dropout); // [n, d_ff]
        let up = self.up_proj.forward(x, dropout);
        self.down_proj.forward(swiglu(gate, up), dropout)
    }
}
