//! The whole model: embedding, blocks, final norm, output projection.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor};
use tiller_kernels::{MatmulPrecision, embedding};

use super::attention::Attention;
use super::batch::Batch;
use super::cache::{KvCache, LayerCache};
use super::context::ForwardContext;
use super::item_projection::ItemProjection;
use super::mlp::Mlp;
use super::norm::RmsNorm;
use super::rope::Frequencies;
use crate::Result;
use crate::llama::config::LlamaConfig;
use crate::lora::{Adapter, Linear, RowDropout};

/// A Llama (Touvron et al. 2023, arXiv 2302.13971). Clones share the weights, so a model with one adapter beside the same model with
/// another, or with none, costs the adapters alone.
#[derive(Module, Debug)]
pub struct Llama {
    /// `[vocab_size, d_model]`; `None` where the weight of the output projection is read as the embedding, too.
    pub(in crate::llama) embedding: Option<Param<Tensor<2>>>,
    pub(in crate::llama) blocks: Vec<LlamaBlock>,
    pub(in crate::llama) norm: RmsNorm,
    pub(crate) lm_head: Linear,
    /// The trained change of the rows of item tokens.
    pub(super) items: Option<ItemProjection>,
    #[module(skip)]
    pub(in crate::llama) config: LlamaConfig,
    #[module(skip)]
    pub(super) frequencies: Frequencies,
}

/// x + attention(norm(x)), then x + mlp(norm(x)).
#[derive(Module, Debug)]
pub(in crate::llama) struct LlamaBlock {
    pub input_norm: RmsNorm,
    pub attention: Attention,
    pub post_attention_norm: RmsNorm,
    pub mlp: Mlp,
}

impl LlamaBlock {
    pub(super) fn forward(&self, x: Tensor<2>, context: &ForwardContext, cache: Option<&mut LayerCache>) -> Tensor<2> {
        let x = x.clone() + self.attention.forward(self.input_norm.forward(x), context, cache);
        x.clone() + self.mlp.forward(self.post_attention_norm.forward(x), context.dropout.as_ref())
    }

    fn linears(&self) -> [&Linear; 7] {
        let Attention { q_proj, k_proj, v_proj, o_proj, .. } = &self.attention;
        let Mlp { gate_proj, up_proj, down_proj } = &self.mlp;
        [q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj]
    }

    fn linears_mut(&mut self) -> [&mut Linear; 7] {
        let Attention { q_proj, k_proj, v_proj, o_proj, .. } = &mut self.attention;
        let Mlp { gate_proj, up_proj, down_proj } = &mut self.mlp;
        [q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj]
    }
}

impl Llama {
    /// The sizes.
    pub fn config(&self) -> &LlamaConfig {
        &self.config
    }

    /// The device of the frozen weights.
    pub fn device(&self) -> Device {
        self.norm.weight.val().device()
    }

    /// The logits of every next token, `[batch, seq, vocab_size]`. Those at padding carry no meaning.
    ///
    /// A token id beyond the vocabulary reads as zeros.
    pub fn forward(&self, batch: &Batch) -> Tensor<3> {
        let [rows, seq] = batch.shape();
        self.logits(self.hidden(batch)).reshape([rows, seq, self.config.vocab_size])
    }

    /// The hidden states behind the final norm, `[batch · seq, d_model]`, for callers that need logits at some tokens only.
    pub fn hidden(&self, batch: &Batch) -> Tensor<2> {
        self.hidden_in(batch, None)
    }

    /// [`Llama::hidden`] with `dropout` before the low-rank parts.
    pub(crate) fn hidden_in(&self, batch: &Batch, dropout: Option<RowDropout>) -> Tensor<2> {
        let mut context = ForwardContext::new(batch, &self.frequencies, &self.device());
        context.dropout = dropout;
        self.run(&batch.tokens, &context, None)
    }

    /// `[n, d_model]` to `[n, vocab_size]`.
    pub fn logits(&self, hidden: Tensor<2>) -> Tensor<2> {
        let logits = self.lm_head.forward(hidden.clone(), None);
        self.items.as_ref().map_or(logits.clone(), |items| logits + items.logits(hidden))
    }

    /// The logits of these tokens of the vocabulary alone, `[n, d_model]` to `[n, tokens]`; `None` where the output projection is packed
    /// and gives none of its rows out.
    pub(crate) fn logits_of(&self, hidden: Tensor<2>, tokens: &[u32]) -> Option<Tensor<2>> {
        let logits = self.lm_head.rows(tokens)?.forward(hidden.clone(), None);
        Some(self.items.as_ref().map_or(logits.clone(), |items| logits + items.of(tokens).logits(hidden)))
    }

    /// Takes the batch's tokens into the cache; returns the hidden states behind the final norm of all tokens, row by row without padding,
    /// `[tokens, d_model]`.
    ///
    /// # Panics
    /// Where the cache has another number of rows.
    pub fn extend(&self, batch: &Batch, cache: &mut KvCache) -> Tensor<2> {
        cache.reserve(batch.shape()[1]);
        let (context, tokens) = ForwardContext::packed(batch, cache.seen(), &self.frequencies, &self.device());
        let hidden = self.run(&tokens, &context, Some(cache));
        cache.advance(batch);
        hidden
    }

    fn run(&self, tokens: &[u32], context: &ForwardContext, mut cache: Option<&mut KvCache>) -> Tensor<2> {
        let mut x = self.embed(tokens);
        for (i, block) in self.blocks.iter().enumerate() {
            x = block.forward(x, context, cache.as_mut().map(|cache| &mut cache.layers[i]));
        }
        self.norm.forward(x)
    }

    /// The embeddings of tokens, `[n, d_model]`.
    pub(super) fn embed(&self, tokens: &[u32]) -> Tensor<2> {
        let rows = embedding(self.table(), tokens);
        self.items.as_ref().map_or(rows.clone(), |items| rows + items.embed(tokens))
    }

    /// The embedding, `[vocab_size, d_model]`, as it is without the part of item tokens that is trained.
    pub(in crate::llama) fn table(&self) -> Tensor<2> {
        match &self.embedding {
            Some(embedding) => embedding.val(),
            None => self.lm_head.dense().expect("a packed output projection has an embedding beside it"),
        }
    }

    /// Every projection, the output projection last.
    pub fn linears(&self) -> impl Iterator<Item = &Linear> {
        self.blocks.iter().flat_map(LlamaBlock::linears).chain([&self.lm_head])
    }

    /// This model with `adapter` in place of whatever low-rank parts it has.
    ///
    /// # Errors
    /// A bad input where the adapter names a projection that this model has not, or one of another shape.
    pub fn with_adapter(&self, adapter: &Adapter) -> Result<Self> {
        adapter.check(&self.config.projections())?;
        let mut adapted = self.clone();
        for linear in adapted.linears_mut() {
            let lora = adapter.loras.get(linear.name()).cloned();
            linear.set_lora(lora);
        }
        Ok(adapted)
    }

    /// This model without low-rank parts: the reference policy of PPO.
    pub fn without_adapter(&self) -> Self {
        let mut plain = self.clone();
        plain.linears_mut().for_each(|linear| linear.set_lora(None));
        plain
    }

    /// This model with its low-rank parts folded into the weights.
    ///
    /// # Errors
    /// As [`Linear::merged`].
    pub fn merged(&self) -> Result<Self> {
        let mut merged = self.valid();
        if merged.embedding.is_none() && merged.lm_head.lora().is_some() {
            // The part belongs to the output projection alone.
            merged.embedding = Some(Param::from_tensor(merged.table()).set_require_grad(false));
            merged.config.tied_embeddings = false;
        }
        for linear in merged.linears_mut() {
            *linear = linear.merged()?;
        }
        Ok(merged)
    }

    /// This model with the products of its projections of this precision, where it computes many tokens on a CPU: forward and backward.
    #[must_use]
    pub fn with_matmul_precision(mut self, precision: MatmulPrecision) -> Self {
        self.linears_mut().for_each(|linear| linear.set_matmul_precision(precision));
        self
    }

    /// This model with every weight to be trained, and not its low-rank parts alone.
    pub fn trainable(self) -> Self {
        self.map(&mut Unfreeze)
    }

    fn linears_mut(&mut self) -> impl Iterator<Item = &mut Linear> {
        self.blocks.iter_mut().flat_map(LlamaBlock::linears_mut).chain([&mut self.lm_head])
    }
}

/// Lets every parameter take gradients.
struct Unfreeze;

impl ModuleMapper for Unfreeze {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.set_require_grad(true)
    }
}
