//! The weights of a Llama, back on the host.

use burn::tensor::Tensor;
use tiller_kernels::quant::PackedMatrix;

use super::model::Llama;
use crate::lora::Linear;
use crate::{Error, Result};

impl Llama {
    /// Whether the embedding is the weight of the output projection, to the last bit.
    pub(crate) fn shares_embedding(&self) -> bool {
        self.embedding.is_none()
    }

    /// The values of the weight of a module, by its Hugging Face name, in row-major order.
    pub(crate) fn values(&self, module: &str) -> Result<Vec<f32>> {
        let numbers = |found: Result<Vec<f32>, String>| {
            found.map_err(|e| Error::Failed(format!("the device did not give {module} back: {e}")))
        };
        let of = |weight: Tensor<1>| numbers(weight.try_into_vec_as().map_err(|e| e.to_string()));
        if module == "model.embed_tokens" {
            return of(self.table().flatten(0, 1));
        }
        if module == "model.norm" {
            return of(self.norm.weight.val());
        }
        if let Some(linear) = self.linear(module) {
            return match (linear.dense(), linear.packed_weight()) {
                (Some(weight), _) => of(weight.flatten(0, 1)),
                (None, Some(packed)) => numbers(packed.download().map(|packed| packed.to_f32())),
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
        let failed = |e| Error::Failed(format!("the device did not give {module} back: {e}"));
        packed.download().map(Some).map_err(failed)
    }

    fn linear(&self, module: &str) -> Option<&Linear> {
        self.linears().find(|linear| linear.name() == module)
    }
}
