//! The weights of a Llama, downloaded to the host.

use burn::tensor::Tensor;
use tiller_kernels::quant::PackedMatrix;

use crate::download::download;
use crate::llama::Llama;
use crate::lora::Linear;
use crate::{Error, Result};

impl Llama {
    /// Returns true if the embedding is the weight of the output projection.
    pub(crate) fn shares_embedding(&self) -> bool {
        self.embedding.is_none()
    }

    /// The values of the weight of a module, by its Hugging Face name, in row-major order.
    pub(crate) fn values(&self, module: &str) -> Result<Vec<f32>> {
        let of = |weight: Tensor<1>| download(weight, module);
        if module == "model.embed_tokens" {
            return of(self.table().flatten(0, 1));
        }
        if module == "model.norm" {
            return of(self.norm.weight.val());
        }
        if let Some(linear) = self.linear(module) {
            return match (linear.dense(), linear.packed_weight()) {
                (Some(weight), _) => of(weight.flatten(0, 1)),
                (None, Some(packed)) => Ok(packed.download().map_err(Error::download(module))?.to_f32()),
                (None, None) => unreachable!("a weight is dense or packed"),
            };
        }
        let in_block = module.strip_prefix("model.layers.").and_then(|rest| rest.split_once('.'));
        let block = in_block.and_then(|(i, part)| Some((self.blocks.get(i.parse::<usize>().ok()?)?, part)));
        match block {
            Some((block, "input_layernorm")) => of(block.input_norm.weight.val()),
            Some((block, "post_attention_layernorm")) => of(block.post_attention_norm.weight.val()),
            _ => Err(Error::bad_input(module).expected("a module of the model").found("none of this name").into()),
        }
    }

    /// The weight of a projection as it is packed; `None` where it is not.
    pub(crate) fn packed(&self, module: &str) -> Result<Option<PackedMatrix>> {
        let Some(packed) = self.linear(module).and_then(Linear::packed_weight) else { return Ok(None) };
        packed.download().map(Some).map_err(Error::download(module))
    }

    fn linear(&self, module: &str) -> Option<&Linear> {
        self.linears().find(|linear| linear.name() == module)
    }
}
