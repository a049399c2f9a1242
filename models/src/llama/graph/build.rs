//! The one way in which a Llama is put together, wherever its weights come from.

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use tiller_kernels::matmul::PackedWeight;
use tiller_kernels::quant::{PackedMatrix, QuantScheme};

use super::attention::Attention;
use super::mlp::Mlp;
use super::model::{Llama, LlamaBlock};
use super::norm::RmsNorm;
use super::rope::Frequencies;
use crate::llama::config::LlamaConfig;
use crate::lora::Linear;
use crate::{Error, Result};

/// Reads the values of a module's weight of the given shape, in row-major order.
pub(super) type ReadTensor<'a> = dyn FnMut(&str, &[usize]) -> Result<Vec<f32>> + 'a;

/// Builds a Llama from the weights of its modules, which it reads by Hugging Face name and shape.
pub(in crate::llama) struct LlamaBuilder<'a> {
    pub config: &'a LlamaConfig,
    /// The quantization of the projections, or `None` for 32-bit floats.
    pub scheme: Option<QuantScheme>,
    pub device: &'a Device,
    /// The values of the weight of a module, in row-major order.
    pub read: &'a mut ReadTensor<'a>,
}

impl LlamaBuilder<'_> {
    pub fn build(mut self) -> Result<Llama> {
        let &LlamaConfig { vocab_size, d_model, n_layers, tied_embeddings, .. } = self.config;
        let table = [vocab_size, d_model];
        let rows = (self.read)("model.embed_tokens", &table)?;
        let blocks = (0..n_layers).map(|i| self.block(i)).collect::<Result<_>>()?;
        let norm = self.norm("model.norm")?;
        let (embedding, lm_head) = match (tied_embeddings, self.scheme) {
            (false, _) => (Some(self.frozen(rows, table)), self.linear("lm_head", table)?),
            (true, None) => (None, self.projection("lm_head", table, rows)?),
            // Rows are looked up in floats; products go through the packed copy.
            (true, Some(_)) => (Some(self.frozen(rows.clone(), table)), self.projection("lm_head", table, rows)?),
        };
        let frequencies = Frequencies::new(self.config);
        Ok(Llama { embedding, blocks, norm, lm_head, items: None, frequencies, config: self.config.clone() })
    }

    fn block(&mut self, i: usize) -> Result<LlamaBlock> {
        let &LlamaConfig { d_model, d_ff, n_heads, n_kv_heads, head_dim, .. } = self.config;
        let (q_width, kv_width) = (n_heads * head_dim, n_kv_heads * head_dim);
        let name = |part: &str| format!("model.layers.{i}.{part}");
        Ok(LlamaBlock {
            input_norm: self.norm(&name("input_layernorm"))?,
            attention: Attention {
                q_proj: self.linear(&name("self_attn.q_proj"), [q_width, d_model])?,
                k_proj: self.linear(&name("self_attn.k_proj"), [kv_width, d_model])?,
                v_proj: self.linear(&name("self_attn.v_proj"), [kv_width, d_model])?,
                o_proj: self.linear(&name("self_attn.o_proj"), [d_model, q_width])?,
                n_heads,
                n_kv_heads,
                head_dim,
            },
            post_attention_norm: self.norm(&name("post_attention_layernorm"))?,
            mlp: Mlp {
                gate_proj: self.linear(&name("mlp.gate_proj"), [d_ff, d_model])?,
                up_proj: self.linear(&name("mlp.up_proj"), [d_ff, d_model])?,
                down_proj: self.linear(&name("mlp.down_proj"), [d_model, d_ff])?,
            },
        })
    }

    fn norm(&mut self, module: &str) -> Result<RmsNorm> {
        let weight = self.weight(module, [self.config.d_model])?;
        Ok(RmsNorm { weight, eps: self.config.rms_eps })
    }

    fn linear(&mut self, module: &str, shape: [usize; 2]) -> Result<Linear> {
        let values = (self.read)(module, &shape)?;
        self.projection(module, shape, values)
    }

    fn projection(&self, module: &str, shape: [usize; 2], values: Vec<f32>) -> Result<Linear> {
        let Some(scheme) = self.scheme else {
            return Ok(Linear::new(module, Tensor::from_data(TensorData::new(values, shape), self.device)));
        };
        let [rows, cols] = shape;
        let packed = PackedMatrix::from_f32(scheme, rows, cols, &values)
            .and_then(|packed| PackedWeight::upload(&packed, self.device))
            .map_err(Error::packing(module))?;
        Ok(Linear::packed(module, packed))
    }

    fn weight<const D: usize>(&mut self, module: &str, shape: [usize; D]) -> Result<Param<Tensor<D>>> {
        let values = (self.read)(module, &shape)?;
        Ok(self.frozen(values, shape))
    }

    fn frozen<const D: usize>(&self, values: Vec<f32>, shape: [usize; D]) -> Param<Tensor<D>> {
        Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), self.device)).set_require_grad(false)
    }
}
