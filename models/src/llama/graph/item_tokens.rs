//! A Llama whose item tokens are trained.

use burn::module::Param;
use burn::tensor::{Tensor, TensorData};
use tiller_kernels::cross_entropy::{CrossEntropy, SoftTargets};

use super::item_projection::ItemProjection;
use super::model::Llama;
use crate::download::download;
use crate::item_tokens::{ItemRows, ItemVectors};
use crate::lora::{Lora, RowDropout};
use crate::{Error, Result};

impl Llama {
    /// This model with a trained projection of `vectors` beside the rows of item tokens, whose first id is `first`.
    ///
    /// # Errors
    /// More vectors than rows; an output projection with a low-rank part, which item tokens take the place of.
    pub(crate) fn with_item_vectors(mut self, vectors: &ItemVectors, first: usize) -> Result<Self> {
        let (vocab_size, d_model, width) = (self.config.vocab_size, self.config.d_model, vectors.width);
        if first * width + vectors.values.len() > vocab_size * width {
            return Err(Error::bad_input("the teacher's item vectors")
                .expected(format!("{} at most", vocab_size - first))
                .found(vectors.values.len() / width)
                .next("use the teacher of this data set")
                .into());
        }
        if self.lm_head.lora().is_some() {
            return Err(Error::bad_input("LoRA targets")
                .expected("no lm_head, since the rows of item tokens are trained")
                .found("lm_head")
                .into());
        }
        let mut of_tokens = vec![0.0; vocab_size * width];
        of_tokens[first * width..][..vectors.values.len()].copy_from_slice(&vectors.values);
        let of_tokens = Tensor::from_data(TensorData::new(of_tokens, [vocab_size, width]), &self.device());
        self.items = Some(ItemProjection {
            weight: Param::from_tensor(Tensor::zeros([width, d_model], &self.device())),
            vectors: Param::from_tensor(of_tokens).set_require_grad(false),
        });
        Ok(self)
    }

    /// `rows` with what training has added to them.
    ///
    /// # Errors
    /// A device that does not return it.
    pub(crate) fn trained_rows(&self, rows: &ItemRows) -> Result<ItemRows> {
        let Some(items) = &self.items else { return Ok(rows.clone()) };
        let ids: Vec<u32> = rows.ids().map(|id| id as u32).collect();
        Ok(rows.moved(&download(items.embed(&ids), "the rows of item tokens")?))
    }

    /// This model for an engine, which knows tables and low-rank parts: what training has added to the rows of item tokens goes into the
    /// embedding, and stands beside the output projection.
    pub(crate) fn with_plain_tables(self) -> Self {
        let Some(items) = &self.items else { return self };
        let embedding = Param::from_tensor(self.table() + items.change()).set_require_grad(false);
        let lora = Lora { a: items.weight.clone(), b: items.vectors.clone(), scale: 1.0 };
        let mut plain = Self { embedding: Some(embedding), items: None, ..self };
        plain.lm_head.set_lora(Some(lora));
        plain
    }

    /// Scores `targets` by the logits of `hidden`, which are never whole: `[n]` each.
    pub(crate) fn cross_entropy(
        &self,
        hidden: Tensor<2>,
        targets: &SoftTargets,
        dropout: Option<&RowDropout>,
    ) -> CrossEntropy {
        match &self.items {
            None => self.lm_head.cross_entropy(hidden, targets, dropout),
            Some(items) => self.lm_head.cross_entropy_with(hidden.clone(), items.factors(hidden), targets),
        }
    }
}

#[cfg(test)]
mod tests;
