//! The least cost of a training step, from the sizes alone: the arithmetic of its matrix products, and the traffic of its memory if
//! every operand is read once and every result is written once.
//!
//! Beside the number of launches, which `tiller bench train` counts, that foretells how fast a GPU can be: no step takes less than its FLOPs
//! at the device's rate, its bytes at the device's bandwidth, or its launches at the time that the host takes for each.

use std::iter::Sum;
use std::ops::{Add, Mul};

use serde::Serialize;
use tiller_kernels::quant::QuantScheme;
use tiller_models::llama::LlamaConfig;

use crate::train::sft::SftConfig;

/// Bytes of a float.
const F32: usize = 4;

/// Arithmetic and traffic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct StepCost {
    /// Multiplications and additions of all matrix products.
    pub flops: u64,
    /// Bytes that are read or written.
    pub bytes: u64,
}

impl StepCost {
    /// A batch of `config`'s longest samples, half of whose tokens are scored, and the step that follows from it.
    pub fn of_step(llama: &LlamaConfig, scheme: Option<QuantScheme>, config: &SftConfig) -> Self {
        let &LlamaConfig { vocab_size, d_model, d_ff, n_layers, n_heads, n_kv_heads, head_dim, .. } = llama;
        let (seq, tokens) = (config.max_tokens, config.batch * config.max_tokens);
        let (q_width, kv_width) = (n_heads * head_dim, n_kv_heads * head_dim);
        let layer = |name, shape, rows| Layer { config, scheme, name, shape, rows };

        let products =
            llama.block_projections().into_iter().map(|(name, d_out, d_in)| layer(name, [d_out, d_in], tokens));
        let products: Vec<Layer> = products.collect();
        // Scores and mixed values, half of which the causal mask leaves; five such products backward.
        let attended = (tokens * seq * q_width) as u64;
        let attention_forward = StepCost { flops: 2 * attended, ..Self::floats(2 * tokens * (q_width + kv_width)) };
        let attention_backward = StepCost { flops: 5 * attended, ..Self::floats(4 * tokens * (q_width + kv_width)) };
        // Two norms and two sums along the residual stream, two rotations, the gate.
        let element_wise = |norm: usize, sum: usize, turn: usize, gate: usize| {
            let stream = 2 * (norm + sum) * tokens * d_model;
            Self::floats(stream + turn * tokens * (q_width + kv_width) + gate * tokens * d_ff)
        };
        let forward = products.iter().map(Layer::forward).sum::<Self>() + attention_forward + element_wise(2, 3, 2, 3);
        let backward =
            products.iter().map(Layer::backward).sum::<Self>() + attention_backward + element_wise(3, 3, 2, 5);
        let times_forward = if config.activation_checkpointing { 2 } else { 1 };

        // Logits are computed anew for their gradient; four passes read or write them.
        let scored = tokens / 2;
        let head = layer("lm_head", [vocab_size, d_model], scored);
        let scores = head.forward() * 2 + head.backward() + Self::floats(4 * scored * vocab_size);
        let trained: usize = products.iter().map(Layer::trained).sum::<usize>() * n_layers + head.trained();
        // Weight, gradient and two moments are read; all but the gradient are written.
        (forward * times_forward + backward) * n_layers as u64 + scores + Self::floats(7 * trained)
    }

    /// Reading or writing so many floats.
    fn floats(count: usize) -> Self {
        Self { flops: 0, bytes: (F32 * count) as u64 }
    }

    /// A product `[rows, depth]` × `[depth, columns]`, whose right factor has so many bytes.
    fn product([rows, depth, columns]: [usize; 3], right: usize) -> Self {
        let Self { bytes, .. } = Self::floats(rows * (depth + columns));
        Self { flops: (2 * rows * depth * columns) as u64, bytes: bytes + right as u64 }
    }
}

/// A projection and the rows that go through it.
struct Layer<'a> {
    config: &'a SftConfig,
    scheme: Option<QuantScheme>,
    name: &'static str,
    /// `[out, in]`
    shape: [usize; 2],
    rows: usize,
}

impl Layer<'_> {
    fn rank(&self) -> usize {
        if !self.config.full && self.config.lora.recipe().adapts(self.name) { self.config.lora.rank } else { 0 }
    }

    fn trained(&self) -> usize {
        let [d_out, d_in] = self.shape;
        if self.config.full { d_out * d_in } else { self.rank() * (d_out + d_in) }
    }

    /// y = x Wᵀ, and u = x Aᵀ, whose product with Bᵀ goes into the same sums.
    fn forward(&self) -> StepCost {
        let ([d_out, d_in], rows, rank) = (self.shape, self.rows, self.rank());
        let weight = self.scheme.unwrap_or(QuantScheme::F32).bytes(d_out, d_in);
        let low_rank = StepCost::product([rows, d_in, rank], F32 * rank * d_in) + self.added_to_sums(d_out);
        StepCost::product([rows, d_in, d_out], weight) + if rank > 0 { low_rank } else { StepCost::default() }
    }

    /// dx = dy W + du A, and the gradients of what is trained: dW = dyᵀ x, or dA = duᵀ x and dB = dyᵀ u, with u computed anew.
    fn backward(&self) -> StepCost {
        let ([d_out, d_in], rows, rank) = (self.shape, self.rows, self.rank());
        let dx = StepCost::product([rows, d_out, d_in], self.scheme.unwrap_or(QuantScheme::F32).bytes(d_out, d_in));
        let outer = |rows: usize, left: usize, right: usize| StepCost::product([left, rows, right], F32 * rows * right);
        if self.config.full {
            return dx + outer(rows, d_out, d_in);
        }
        if rank == 0 {
            return dx;
        }
        let u = StepCost::product([rows, d_in, rank], F32 * rank * d_in);
        let du = StepCost::product([rows, d_out, rank], F32 * rank * d_out);
        dx + self.added_to_sums(d_in) + u + du + outer(rows, rank, d_in) + outer(rows, d_out, rank)
    }

    /// A low-rank term of a product with so many columns.
    fn added_to_sums(&self, columns: usize) -> StepCost {
        let (rows, rank) = (self.rows, self.rank());
        StepCost { flops: (2 * rows * rank * columns) as u64, ..StepCost::floats(rank * (rows + columns)) }
    }
}

impl Add for StepCost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { flops: self.flops + other.flops, bytes: self.bytes + other.bytes }
    }
}

impl Mul<u64> for StepCost {
    type Output = Self;

    fn mul(self, times: u64) -> Self {
        Self { flops: self.flops * times, bytes: self.bytes * times }
    }
}

impl Sum for StepCost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::default(), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tiller_models::presets::ModelPreset;

    fn cost(shape: ModelPreset, config: &SftConfig) -> StepCost {
        StepCost::of_step(&shape.llama(), config.scheme().unwrap(), config)
    }

    #[test]
    fn a_full_step_costs_six_flops_for_each_weight_and_token_and_attention() {
        let config = SftConfig { full: true, batch: 2, max_tokens: 256, ..SftConfig::default() };
        let StepCost { flops, .. } = cost(ModelPreset::TinyLlama, &config);
        // 22 blocks of 44.04 M weights for each token; the head's 65.5 M, four times, for every second one.
        let expected = 512.0 * (6.0 * 22.0 * 44.04e6 + 0.5 * 8.0 * 65.536e6 + 22.0 * 7.0 * 256.0 * 2048.0);
        assert!((flops as f64 / expected - 1.0).abs() < 1e-3, "{flops} is not {expected}");
    }

    #[test]
    fn what_spares_memory_is_paid_for_and_what_is_frozen_or_packed_is_cheaper() {
        let adapter = SftConfig { batch: 4, max_tokens: 128, ..SftConfig::default() };
        let of = |config: &SftConfig| cost(ModelPreset::Smol, config);
        let (full, packed) =
            (SftConfig { full: true, ..adapter.clone() }, SftConfig { quant: "q4".into(), ..adapter.clone() });
        let recomputed = SftConfig { activation_checkpointing: true, ..adapter.clone() };
        assert!(of(&adapter).flops < of(&full).flops);
        assert!(of(&packed).bytes < of(&adapter).bytes && of(&packed).flops == of(&adapter).flops);
        let more = of(&recomputed).flops as f64 / of(&adapter).flops as f64;
        assert!((1.2..1.5).contains(&more), "{more}");
    }
}
