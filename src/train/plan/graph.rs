//! What the graph of one batch holds: the tensors that `models/src/llama` makes and that burn, or one of our operations, keeps for the
//! backward pass.
//!
//! An operation keeps what its gradient is made of and no more. A norm keeps what it reads, a sum nothing; a product keeps each factor
//! where the other one has a gradient, so that a frozen weight keeps no input, but a low-rank part beside it does.

use tiller_kernels::cross_entropy;
use tiller_models::llama::LlamaConfig;

use super::{ComputeDevice, is_target};
use crate::train::sft::SftConfig;

/// The graph of a batch of the longest samples, in numbers.
pub(super) struct Graph<'a> {
    llama: &'a LlamaConfig,
    config: &'a SftConfig,
    device: ComputeDevice,
    /// Whether projections are products of their own over few bits, which keep their input in any case.
    packed: bool,
    /// Tokens of a sample.
    seq: usize,
    /// Tokens of the batch.
    tokens: usize,
}

impl<'a> Graph<'a> {
    pub(super) fn of(llama: &'a LlamaConfig, packed: bool, config: &'a SftConfig, device: ComputeDevice) -> Self {
        let seq = config.max_tokens.min(llama.max_positions);
        Self { llama, config, device, packed: packed && device == ComputeDevice::Gpu, seq, tokens: config.batch * seq }
    }

    /// What the forward pass leaves to the backward pass, at the most that stands at a time.
    pub(super) fn kept(&self) -> u64 {
        let blocks = match self.config.activation_checkpointing {
            // What enters each block; and of one at a time, what goes on and its gradient, and all that is kept within.
            true => (self.llama.n_layers + 2) * self.llama.d_model + self.of_block(),
            false => self.llama.n_layers * self.of_block(),
        };
        let head = if self.config.activation_checkpointing { 0 } else { self.of_head() };
        (self.tokens * blocks + head) as u64
    }

    /// What is held where the backward pass has most: with the logits, or within the last block.
    pub(super) fn begins(&self) -> u64 {
        let kept = self.kept() as usize;
        let with_logits = match self.config.activation_checkpointing {
            // No block is kept by then.
            true => self.tokens * self.llama.n_layers * self.llama.d_model + self.of_head() + self.of_logits(),
            false => kept + self.of_logits(),
        };
        with_logits.max(kept + self.tokens * self.passing()) as u64
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
        residual + rotated + values + self.of_scores() + gated + self.of_inputs()
    }

    /// Of a token, what the softmax of its attention keeps.
    fn of_scores(&self) -> usize {
        match self.device {
            // [n_heads, seq] each: scores less the largest of their row, their exponentials, and the weights of the values.
            ComputeDevice::Cpu { .. } => 3 * self.llama.n_heads * self.seq,
            // [n_heads]: log-sum-exps, from which the fused kernel computes all of that anew.
            ComputeDevice::Gpu => self.llama.n_heads,
        }
    }

    /// Of a token in a block, what the projections keep of what they read.
    fn of_inputs(&self) -> usize {
        let &LlamaConfig { d_model, d_ff, n_heads, head_dim, .. } = self.llama;
        let read: [(&[&str], usize); 4] = [
            (&["q_proj", "k_proj", "v_proj"], d_model), // the first norm's result
            (&["o_proj"], n_heads * head_dim),          // the output of attention
            (&["gate_proj", "up_proj"], d_model),       // the second norm's result
            (&["down_proj"], d_ff),                     // the gated unit's result
        ];
        read.into_iter().map(|(readers, width)| self.of_input(readers, width)).sum()
    }

    /// Of a token, what the `readers` keep of the same input.
    fn of_input(&self, readers: &[&str], width: usize) -> usize {
        let &SftConfig { full, ref lora, .. } = self.config;
        let adapted = readers.iter().filter(|name| !full && is_target(self.config, name)).count();
        let drops = lora.dropout > 0.0;
        let itself = if full || self.packed || adapted > 0 && !drops { width } else { 0 };
        // Each low-rank part drops others: [width] each, which ones, and what is left.
        let dropped = if drops { 2 * adapted * width } else { 0 };
        // [rank]: what comes out of A, which the product of few bits computes anew.
        let narrow = if self.packed && !drops { 0 } else { adapted * lora.rank };
        itself + dropped + narrow
    }

    /// Of the batch behind the blocks: [tokens, d_model] before and behind the last norm, and what is read of it where tokens are scored.
    fn of_head(&self) -> usize {
        let LlamaConfig { d_model, .. } = *self.llama;
        let low_rank = if self.adapts_head() { self.of_input(&["lm_head"], d_model) } else { 0 };
        2 * self.tokens * d_model + self.scored() * (d_model + low_rank)
    }

    /// Of the batch, [scored, vocab_size] each, as many of the tokens as are scored at once: the logits and their gradient; where they
    /// have a low-rank part, too, both terms of the logits and their sum.
    fn of_logits(&self) -> usize {
        let vocab_size = self.llama.vocab_size;
        let at_once = self.scored().min(cross_entropy::max_tokens(vocab_size));
        at_once * vocab_size * if self.adapts_head() { 3 } else { 2 }
    }

    /// Of a token, what the backward pass holds for a moment within a block, beside what is kept.
    fn passing(&self) -> usize {
        let &LlamaConfig { d_model, d_ff, n_heads, .. } = self.llama;
        // The gradient of the residual stream and of what a norm makes of it; those of gate and up, when their product is gone.
        let mlp = 2 * d_model + 2 * d_ff;
        // The softmax's gradients: of its result, of its dividend and divisor, when its result is gone.
        let attention = match self.device {
            ComputeDevice::Cpu { .. } => 2 * n_heads * self.seq,
            ComputeDevice::Gpu => 0,
        };
        mlp.max(attention)
    }

    fn adapts_head(&self) -> bool {
        !self.config.full && is_target(self.config, "lm_head")
    }

    /// Tokens of the batch that are scored: an answer has at most half of a sample.
    fn scored(&self) -> usize {
        self.tokens / 2
    }
}
