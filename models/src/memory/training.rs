//! A training: weights, optimizer, and the activations of a step.

use tiller_kernels::adamw::PAGE;
use tiller_kernels::quant::QuantScheme;

use super::activations::Activations;
use super::{ComputeDevice, F32, MemoryEstimate, TrainingMemory};
use crate::llama::LlamaConfig;

/// A step of the optimizer, as far as its memory depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepSize {
    /// Samples of a micro-batch.
    pub micro_batch: usize,
    /// Micro-batches that are computed side by side.
    pub parallel: usize,
    /// Micro-batches of the step.
    pub micro_batches: usize,
    /// Tokens of the longest sample.
    pub seq: usize,
}

impl TrainingMemory {
    /// The memory of a training by such steps.
    pub fn estimate(&self, step: &StepSize) -> MemoryEstimate {
        let parallel = step.parallel.min(step.micro_batches) as u64;
        let activations = Activations::of(self, step.micro_batch, step.seq);
        let Trained { numbers, table } = self.trained();
        let parameters = numbers * F32;

        // A backward pass begins with all that was kept, and a gradient of the output projection; it ends with the gradients of all
        // weights, of which a table that is embedding and output projection has had two.
        let begins = (activations.peak() + table) * F32;
        let ends = parameters + if self.llama.tied_embeddings { table * F32 } else { 0 };
        let summed = if step.micro_batches as u64 > parallel { parameters } else { 0 };
        let differentiating = summed + parallel * begins.max(ends);
        // The optimizer lays gradients and weights out in pages, one behind the other, beside the gradients or the weights that they
        // were; of a page it makes new weights and two new moments.
        let page = numbers.min(table.max(PAGE as u64)) * F32;
        let optimizing = 2 * parameters + 3 * page;

        let weights = self.weights();
        let activations = parallel * activations.kept() * F32;
        let workspace = differentiating.max(optimizing).saturating_sub(activations);
        // The moments; of an adapter, its own weights too, which are none of the model's.
        let optimiser = parameters * if self.adapter.is_none() { 2 } else { 3 };
        let tensors = weights + optimiser + activations + workspace;
        let program = self.device.program(tensors);
        let total = tensors + program;
        MemoryEstimate { weights, activations, optimiser, workspace, program, total, ..MemoryEstimate::default() }
    }

    /// Bytes of the model's weights.
    fn weights(&self) -> u64 {
        let LlamaConfig { vocab_size, d_model, n_layers, .. } = self.llama;
        // A CPU unpacks packed weights once.
        let quant = self.quant.filter(|_| self.device == ComputeDevice::Gpu).unwrap_or(QuantScheme::F32);
        let in_block: usize =
            self.llama.block_projections().iter().map(|(_, d_out, d_in)| quant.bytes(*d_out, *d_in)).sum();
        let embedding = ((self.tables() - 1) * vocab_size * d_model) as u64 * F32;
        (n_layers * in_block + quant.bytes(vocab_size, d_model)) as u64 + embedding
    }

    /// Tables of the vocabulary: where projections are packed, the embedding is no longer the output projection itself.
    fn tables(&self) -> usize {
        if self.llama.tied_embeddings && self.quant.is_none() { 1 } else { 2 }
    }

    fn trained(&self) -> Trained {
        let LlamaConfig { vocab_size, d_model, n_layers, .. } = self.llama;
        let projections = self.llama.block_projections();
        let (in_block, outside, table): (usize, _, _) = match &self.adapter {
            None => {
                let table = vocab_size * d_model;
                (projections.iter().map(|(_, d_out, d_in)| d_out * d_in).sum(), self.tables() * table, table)
            }
            Some(adapter) => {
                let adapted = projections.iter().filter(|(name, ..)| adapter.adapts(name));
                let head = if adapter.adapts("lm_head") { adapter.rank * (vocab_size + d_model) } else { 0 };
                (adapted.map(|(_, d_out, d_in)| adapter.rank * (d_out + d_in)).sum(), head, head)
            }
        };
        Trained { numbers: (n_layers * in_block + outside) as u64, table: table as u64 }
    }
}

/// The trained weights.
struct Trained {
    numbers: u64,
    /// Those of them that are the output projection's.
    table: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llama::RopeScaling;
    use crate::lora::LoraConfig;

    /// SmolLM2-135M.
    fn smol() -> LlamaConfig {
        LlamaConfig {
            vocab_size: 49152,
            d_model: 576,
            d_ff: 1536,
            n_layers: 30,
            n_heads: 9,
            n_kv_heads: 3,
            head_dim: 64,
            max_positions: 8192,
            rms_eps: 1e-5,
            rope_theta: 1e5,
            rope_scaling: RopeScaling::None,
            tied_embeddings: true,
        }
    }

    const CPU: ComputeDevice = ComputeDevice::Cpu { threads: 1 };

    /// Eight micro-batches of eight samples.
    const USUAL: StepSize = StepSize { micro_batch: 8, parallel: 1, micro_batches: 8, seq: 1024 };

    fn adapter() -> LoraConfig {
        LoraConfig { rank: 16, alpha: 8.0, dropout: 0.1, targets: vec!["all-linear".into(), "lm_head".into()] }
    }

    /// A training of an adapter.
    fn training(device: ComputeDevice) -> TrainingMemory {
        TrainingMemory { llama: smol(), quant: None, adapter: Some(adapter()), gradient_checkpointing: false, device }
    }

    #[test]
    fn weights_and_trained_parts_are_counted_exactly() {
        let full = TrainingMemory { adapter: None, ..training(CPU) }.estimate(&USUAL);
        // 134 515 008 weights, 35 136 of them in norms, which no plan needs to know of; and two moments of each.
        assert_eq!(full.weights, (134_515_008 - 35_136) * F32);
        assert_eq!(full.optimiser, 2 * full.weights);
        let packed = |device| TrainingMemory { quant: Some(QuantScheme::Q4), ..training(device) }.estimate(&USUAL);
        let parts = 30 * (2 * 1152 + 2 * 768 + 3 * 2112) + 49152 + 576;
        assert_eq!(packed(ComputeDevice::Gpu).optimiser, 3 * 16 * parts * F32);
        assert!(packed(ComputeDevice::Gpu).weights < full.weights / 2);
        assert_eq!(packed(CPU).weights, full.weights + 49152 * 576 * F32, "a CPU unpacks them");
    }

    #[test]
    fn smaller_settings_take_less() {
        let usual = training(CPU).estimate(&USUAL);
        let two = training(CPU).estimate(&StepSize { parallel: 2, ..USUAL });
        assert_eq!(two.activations, 2 * usual.activations);
        let half = training(CPU).estimate(&StepSize { micro_batch: 4, ..USUAL });
        assert!(half.activations == usual.activations / 2);
        let recomputed = TrainingMemory { gradient_checkpointing: true, ..training(CPU) }.estimate(&USUAL);
        assert!(recomputed.activations < usual.activations / 15);
        let short = training(CPU).estimate(&StepSize { seq: 512, ..USUAL });
        assert_eq!(2 * short.activations, usual.activations, "no scores are kept");
        let without = TrainingMemory { adapter: Some(LoraConfig { dropout: 0.0, ..adapter() }), ..training(CPU) };
        assert!(without.estimate(&USUAL).activations < usual.activations);
    }
}
