//! What an alignment takes of memory, told before anything is allocated.

use serde::Serialize;
use tiller_kernels::quant::QuantScheme;
use tiller_models::language_model::Backend;
use tiller_models::llama::LlamaConfig;

use super::config::{Baseline, PpoConfig, PpoHyperparameters, PpoLoraConfig};
use super::rollout::RolloutConfig;
use crate::train::memory::in_words;
use crate::train::plan::{ComputeDevice, SftMemoryPlan};
use crate::train::sft::{SftConfig, SftLoraConfig};
use crate::train::trainable_model;
use crate::{Error, Result};

/// Bytes of a float.
const F32: usize = 4;

/// An alignment's memory, in bytes, at the longest prompts and answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PpoMemoryPlan {
    /// The weights that actor, critic and reference share; on a GPU, those of the decode engine, too, which has them packed in its own way.
    pub weights: u64,
    /// The trained weights of actor and critic, with their moments.
    pub trained: u64,
    /// Keys, values and logits of the answers that are written at once.
    pub answering: u64,
    /// What a step keeps for the backward pass of the answers that are computed at once, with gradients and logits.
    pub learning: u64,
    /// What the process itself takes beside all of that; nothing on a GPU.
    pub program: u64,
    /// All that is held at once: on a CPU, answering is over when learning begins; the decode engine keeps what it has.
    pub total: u64,
}

impl PpoMemoryPlan {
    /// The plan of an alignment of `llama`.
    ///
    /// # Errors
    /// A way of keeping weights that is none.
    pub fn new(llama: &LlamaConfig, config: &PpoConfig, device: ComputeDevice) -> Result<Self> {
        let scheme = trainable_model::scheme(&config.quant)?;
        let actor = step(llama, scheme, &config.actor, config, device);
        let critic = match config.learning.baseline {
            Baseline::Critic => step(llama, scheme, &config.critic, config, device).trained,
            Baseline::Rloo => 0,
        };
        let trained = actor.trained + critic;
        // The gradients of one are there when those of the other are computed; weights and both moments are three times as many numbers.
        let learning = actor.activations + actor.workspace + critic / 3;

        let (in_engine, answering) = writing(llama, scheme, config, device)?;
        let weights = actor.weights + in_engine;
        let in_turns = if in_engine > 0 { answering + learning } else { answering.max(learning) };
        let tensors = weights + trained + in_turns;
        let program = device.program(tensors);
        Ok(Self { weights, trained, answering, learning, program, total: tensors + program })
    }

    /// Refuses an alignment that `available` bytes of memory cannot hold.
    ///
    /// # Errors
    /// [`Error::DoesNotFit`], with the parts and the settings that make them smaller.
    pub fn check(&self, available: Option<u64>) -> Result<()> {
        let Some(available) = available.filter(|&available| available < self.total) else { return Ok(()) };
        let Self { weights, trained, answering, learning, total, .. } = self;
        Err(Error::DoesNotFit(format!(
            "the alignment does not fit: it takes about {} (weights {}, trained ones with optimiser {}, then answering {} or learning \
             {}), and {} are free\n  next: try a smaller --set rollout.batch=…, learning.batch=…, max_tokens=… or actor.rank=…, or \
             --set quant=q4",
            in_words(*total),
            in_words(*weights),
            in_words(*trained),
            in_words(*answering),
            in_words(*learning),
            in_words(available)
        )))
    }
}

/// The steps of a policy with such an adapter.
fn step(
    llama: &LlamaConfig,
    scheme: Option<QuantScheme>,
    adapter: &PpoLoraConfig,
    config: &PpoConfig,
    device: ComputeDevice,
) -> SftMemoryPlan {
    let (rank, targets) = (adapter.rank, adapter.targets.clone());
    let lora = SftLoraConfig { rank, targets, dropout: 0.0, ..SftLoraConfig::default() };
    let PpoHyperparameters { batch, minibatch, .. } = config.learning;
    let gradient_accumulation_steps = minibatch.div_ceil(batch);
    let max_tokens = config.max_tokens;
    SftMemoryPlan::new(
        llama,
        scheme,
        &SftConfig { lora, batch, gradient_accumulation_steps, max_tokens, ..SftConfig::default() },
        device,
    )
}

/// What answers are written with: bytes of a decode engine's own weights, if there is one, and of all else.
fn writing(
    llama: &LlamaConfig,
    scheme: Option<QuantScheme>,
    config: &PpoConfig,
    device: ComputeDevice,
) -> Result<(u64, u64)> {
    let seq = config.max_tokens.min(llama.max_positions);
    let &RolloutConfig { prompts, samples, batch, .. } = &config.rollout;
    let written = batch.min(prompts * samples);
    if device == ComputeDevice::Gpu
        && let Some((weights, others)) = Backend::estimate_memory(llama, scheme, written, seq)?
    {
        return Ok((weights as u64, others as u64));
    }
    // What the answers to a prompt have in common is read once, and then copied for each.
    let read = written.div_ceil(samples);
    let cache = 2 * llama.n_layers * llama.n_kv_heads * llama.head_dim * seq;
    Ok((0, (F32 * ((written + read) * cache + 2 * written * llama.vocab_size)) as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tiller_models::llama::RopeScaling;

    #[test]
    fn answering_and_learning_take_turns_and_a_critic_is_trained_too() {
        let llama = LlamaConfig {
            vocab_size: 1000,
            d_model: 64,
            d_ff: 128,
            n_layers: 2,
            n_heads: 4,
            n_kv_heads: 2,
            head_dim: 16,
            max_positions: 512,
            rms_eps: 1e-5,
            rope_theta: 1e4,
            rope_scaling: RopeScaling::None,
            tied_embeddings: true,
        };
        let mut config = PpoConfig::default();
        config.rollout.batch = 10;
        let on_cpu =
            |config: &PpoConfig| PpoMemoryPlan::new(&llama, config, ComputeDevice::Cpu { at_once: 1 }).unwrap();
        let plan = on_cpu(&config);
        // Ten answers to two prompts, of 512 tokens with two layers of two heads of 16 keys and values; ten tokens' logits, twice.
        assert_eq!(plan.answering, 4 * (12 * 512 * 2 * 2 * 2 * 16 + 2 * 10 * 1000));
        assert_eq!(plan.total - plan.program, plan.weights + plan.trained + plan.answering.max(plan.learning));
        config.learning.baseline = Baseline::Critic;
        assert!(on_cpu(&config).trained > plan.trained);

        // A decode engine has weights of its own, and gives nothing back.
        let on_gpu = PpoMemoryPlan::new(&llama, &config, ComputeDevice::Gpu).unwrap();
        assert!(on_gpu.weights > 2 * plan.weights * 9 / 10 && on_gpu.program == 0);
        assert_eq!(on_gpu.total, on_gpu.weights + on_gpu.trained + on_gpu.answering + on_gpu.learning);
        assert!(plan.check(None).is_ok() && plan.check(Some(plan.total)).is_ok());
        let error = plan.check(Some(plan.total - 1)).unwrap_err();
        assert!(error.exit_code() == 3 && error.to_string().contains("learning.batch"), "{error}");
    }
}
