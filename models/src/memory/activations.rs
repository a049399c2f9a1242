//! Activations of one micro-batch: the tensors that the graph of `models/src/llama` makes and that burn, or one of our operations, keeps
//! for the backward pass.
//!
//! An operation keeps the operands of its gradient and no more. A norm keeps its input, a sum nothing; a product keeps each factor where
//! the other one has a gradient, so that a frozen weight keeps no input, but a low-rank part beside it does.
//!
//! With gradient checkpointing (Chen et al. 2016, arXiv 1604.06174) only the input of each block is kept, and one block at a time is
//! computed again.

use tiller_kernels::cross_entropy;

use super::{ComputeDevice, TrainingMemory};
use crate::llama::LlamaConfig;

/// The graph of a micro-batch, whose sizes are numbers of floats.
pub(super) struct Activations<'a> {
    training: &'a TrainingMemory,
    llama: &'a LlamaConfig,
    /// True if projections are operations of ours, which keep their input in any case: on a CPU, and over packed weights.
    fused: bool,
    /// Tokens of the micro-batch.
    tokens: usize,
}

impl<'a> Activations<'a> {
    /// The graph of `samples` samples of `seq` tokens.
    pub(super) fn of(training: &'a TrainingMemory, samples: usize, seq: usize) -> Self {
        let fused = training.quant.is_some() || training.device != ComputeDevice::Gpu;
        Self { training, llama: &training.llama, fused, tokens: samples * seq }
    }

    /// Floats that the forward pass leaves to the backward pass, at their peak.
    pub(super) fn kept(&self) -> u64 {
        let blocks = match self.training.gradient_checkpointing {
            // The input of each block; and of one at a time, its output and that one's gradient, and all that is kept within.
            true => (self.llama.n_layers + 2) * self.llama.d_model + self.of_block(),
            false => self.llama.n_layers * self.of_block(),
        };
        let head = if self.training.gradient_checkpointing { 0 } else { self.of_head() };
        (self.tokens * blocks + head) as u64
    }

    /// Floats at the peak of the backward pass: with the logits, or within the last block.
    pub(super) fn peak(&self) -> u64 {
        let kept = self.kept() as usize;
        let with_logits = match self.training.gradient_checkpointing {
            // No block is kept by then.
            true => self.tokens * self.llama.n_layers * self.llama.d_model + self.of_head() + self.of_logits(),
            false => kept + self.of_logits(),
        };
        with_logits.max(kept + self.tokens * self.transient()) as u64
    }

    /// Of a token in a block.
    fn of_block(&self) -> usize {
        let &LlamaConfig { d_model, d_ff, n_heads, n_kv_heads, head_dim, .. } = self.llama;
        let (q_width, kv_width) = (n_heads * head_dim, n_kv_heads * head_dim);
        // [d_model] each: the residual stream, as either norm reads it.
        let residual = 2 * d_model;
        // [q_width] and [kv_width]: queries and keys before their rotation, and as attention multiplies them.
        let rotated = 2 * (q_width + kv_width);
        // [kv_width]
        let values = kv_width;
        // [d_ff] each: gate and up.
        let gated = 2 * d_ff;
        // [n_heads]: log-sum-exps, from which attention computes its weights anew.
        residual + rotated + values + n_heads + gated + self.of_inputs()
    }

    /// Of a token in a block, the inputs that its projections keep.
    fn of_inputs(&self) -> usize {
        let &LlamaConfig { d_model, d_ff, n_heads, head_dim, .. } = self.llama;
        let read: [(&[&str], usize); 4] = [
            (&["q_proj", "k_proj", "v_proj"], d_model), // the first norm's result
            (&["o_proj"], n_heads * head_dim),          // attention's output
            (&["gate_proj", "up_proj"], d_model),       // the second norm's result
            (&["down_proj"], d_ff),                     // the gated unit's result
        ];
        read.into_iter().map(|(readers, width)| self.of_input(readers, width)).sum()
    }

    /// Of a token, what the projections `readers` keep of the input that they share.
    fn of_input(&self, readers: &[&str], width: usize) -> usize {
        let Some(adapter) = &self.training.adapter else { return width };
        let adapted = readers.iter().filter(|name| adapter.adapts(name)).count();
        let drops = adapter.dropout > 0.0;
        let itself = if self.fused || adapted > 0 && !drops { width } else { 0 };
        // Each low-rank part has a mask of its own: [width] each, the mask and the masked input.
        let dropped = if drops { 2 * adapted * width } else { 0 };
        // [rank]: the output of A, which the product over packed weights computes anew.
        let packed = self.fused && self.training.device == ComputeDevice::Gpu;
        let narrow = if packed && !drops { 0 } else { adapted * adapter.rank };
        itself + dropped + narrow
    }

    /// Of the batch behind the blocks: [tokens, d_model] before and behind the last norm, and the rows of it that are scored.
    fn of_head(&self) -> usize {
        let LlamaConfig { d_model, .. } = *self.llama;
        let low_rank = if self.adapts_head() { self.of_input(&["lm_head"], d_model) } else { 0 };
        2 * self.tokens * d_model + self.scored() * (d_model + low_rank)
    }

    /// Of the batch, [scored, vocab_size] each, as many of the tokens as are scored at once: on a CPU the logits, whose place their gradient
    /// takes; on a GPU both, or with a low-rank part both terms of the logits and their sum.
    fn of_logits(&self) -> usize {
        let vocab_size = self.llama.vocab_size;
        let at_once = self.scored().min(cross_entropy::max_tokens(vocab_size));
        let tensors = match self.training.device {
            ComputeDevice::Cpu { .. } => 1,
            ComputeDevice::Gpu if self.adapts_head() => 3,
            ComputeDevice::Gpu => 2,
        };
        at_once * vocab_size * tensors
    }

    /// Of a token, the tensors of the backward pass within a block that live for a moment, beside those that are kept.
    fn transient(&self) -> usize {
        let &LlamaConfig { d_model, d_ff, .. } = self.llama;
        // The gradient of the residual stream and of what a norm makes of it; those of gate and up, when their product is gone.
        2 * d_model + 2 * d_ff
    }

    fn adapts_head(&self) -> bool {
        self.training.adapter.as_ref().is_some_and(|adapter| adapter.adapts("lm_head"))
    }

    /// Tokens of the batch that are scored: an answer has at most half of a sample.
    fn scored(&self) -> usize {
        self.tokens / 2
    }
}
