//! Gradient checkpointing: the forward pass stores the input of each block and no other activation; the backward pass recomputes one
//! block at a time (Chen et al. 2016, arXiv 1604.06174).

use burn::module::Module;
use burn::tensor::Tensor;

use super::batch::Batch;
use super::context::ForwardContext;
use super::model::Llama;
use crate::lora::RowDropout;
use crate::optim::Gradients;

impl Llama {
    /// The gradient of `loss`, `[1]`, a function of the hidden states after the final norm, `[batch · seq, d_model]`; and the loss. Equal to
    /// the gradient of one graph, with the activations of one block in memory and a second forward pass through each block.
    pub(crate) fn recomputed(
        &self,
        batch: &Batch,
        dropout: Option<RowDropout>,
        loss: impl FnOnce(Tensor<2>) -> Tensor<1>,
    ) -> (Gradients, Tensor<1>) {
        let mut context = ForwardContext::new(batch, &self.frequencies, &self.device());
        context.dropout = dropout;
        let plain = self.valid();
        let mut x = plain.embed(&batch.tokens);
        let mut entering = Vec::with_capacity(plain.blocks.len()); // [batch · seq, d_model] each
        for block in &plain.blocks {
            entering.push(x.clone());
            x = block.forward(x, &context, None);
        }

        let leaf = Tensor::from_inner(x).require_grad();
        let loss = loss(self.norm.forward(leaf.clone()));
        let (mut gradients, mut dx) = Gradients::behind(loss.clone(), self, &leaf);
        for (block, x) in self.blocks.iter().zip(entering).rev() {
            let leaf = Tensor::from_inner(x).require_grad();
            let y = block.forward(leaf.clone(), &context, None);
            let (of_block, before) = Gradients::behind(along(y, dx), self, &leaf);
            gradients.add(of_block);
            dx = before;
        }
        if self.items.is_some() || self.table().is_require_grad() {
            gradients.add(Gradients::of(along(self.embed(&batch.tokens), dx), self));
        }
        (gradients, loss.without_autodiff())
    }
}

/// A number whose gradient with respect to `y` is `dy`.
fn along(y: Tensor<2>, dy: Tensor<2>) -> Tensor<1> {
    (y * Tensor::from_inner(dy)).sum()
}
