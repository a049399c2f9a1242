//! The memory of PPO, known before anything is allocated.

use tiller_models::language_model::Backend;
use tiller_models::llama::LlamaConfig;
use tiller_models::memory::{ComputeDevice, MemoryEstimate, StepSize, TrainingMemory, kv_cache};

use super::config::{FEWEST_TOKENS, PpoConfig};
use super::hyperparameters::Baseline;
use crate::Result;
use crate::train::memory::does_not_fit;
use crate::train::micro_batch::MicroBatcher;
use crate::train::trainable_model;

/// Bytes of a float.
const F32: u64 = 4;

/// The settings that make an alignment smaller.
const REMEDIES: &str =
    "try a smaller --set rollout.batch=…, learning.batch=…, max_tokens=… or actor.rank=…, or --set quant=q4";

/// PPO with one model, as far as its memory depends on it.
pub struct PpoMemory<'a> {
    config: &'a PpoConfig,
    /// Updates of the actor; they are those of the whole policy, but for the critic's weights.
    pub actor: TrainingMemory,
    /// Bytes of the critic's trained weights and their moments.
    critic: u64,
}

impl<'a> PpoMemory<'a> {
    /// The memory of PPO with a model of these sizes.
    ///
    /// # Errors
    /// An unknown quantization scheme.
    pub fn new(llama: LlamaConfig, config: &'a PpoConfig, device: ComputeDevice) -> Result<Self> {
        let quant = trainable_model::scheme(&config.quant)?;
        let of =
            |adapter| TrainingMemory { llama: llama.clone(), quant, adapter, gradient_checkpointing: false, device };
        let critic = match config.learning.baseline {
            Baseline::Critic => of(Some(config.critic.recipe())).estimate(&SMALLEST).optimiser,
            Baseline::Rloo => 0,
        };
        Ok(Self { config, actor: of(Some(config.actor.recipe())), critic })
    }

    /// The estimate for `rollouts` answers that are written at once and such updates.
    ///
    /// # Errors
    /// Attention heads that the decode engine does not support.
    pub fn estimate(&self, rollouts: usize, step: &StepSize) -> Result<MemoryEstimate> {
        let actor = self.actor.estimate(step);
        let optimiser = actor.optimiser + self.critic;
        // The gradients of one are there when those of the other are computed.
        let workspace = actor.workspace + self.critic_gradients();
        let (in_engine, cache) = self.writing(rollouts, step.seq)?;
        let weights = actor.weights + in_engine;
        // On a CPU, answering is over when learning begins; the decode engine keeps its buffers.
        let updating = actor.activations + workspace;
        let in_turns = if in_engine > 0 { cache + updating } else { cache.max(updating) };
        let tensors = weights + optimiser + in_turns;
        let program = self.actor.device.program(tensors);
        let (activations, total) = (actor.activations, tensors + program);
        Ok(MemoryEstimate { weights, cache, activations, optimiser, workspace, program, total, largest: 0 })
    }

    /// The largest estimate by these settings; the smallest, where batches follow from the prompts.
    ///
    /// # Errors
    /// Attention heads that the decode engine does not support.
    pub fn by_settings(&self) -> Result<MemoryEstimate> {
        let seq = self.config.max_tokens.min(self.actor.llama.max_positions);
        let step = match self.config.learning.batch {
            Some(micro_batch) => StepSize {
                micro_batch,
                parallel: self.actor.device.parallel(),
                micro_batches: self.config.learning.minibatch.div_ceil(micro_batch),
                seq,
            },
            None => SMALLEST,
        };
        let rollouts = self.config.rollout.batch.unwrap_or(1).min(self.config.rollout.answers());
        self.estimate(rollouts, &step)
    }

    /// Refuses an alignment that does not fit into `free` bytes of memory.
    ///
    /// # Errors
    /// [`crate::Error::DoesNotFit`], with the parts and the settings that make them smaller.
    pub fn check(&self, free: Option<u64>) -> Result<MemoryEstimate> {
        let estimate = self.by_settings()?;
        if free.is_some_and(|free| free < estimate.total) {
            return Err(does_not_fit("the alignment", &estimate, free, REMEDIES));
        }
        Ok(estimate)
    }

    /// Answers to write at once, of at most `seq` tokens with their prompts: as many as fit into `budget` bytes beside the weights.
    ///
    /// # Errors
    /// Attention heads that the decode engine does not support.
    pub fn rollout_batch(&self, answers: usize, seq: usize, budget: Option<u64>) -> Result<usize> {
        if let Some(batch) = self.config.rollout.batch {
            return Ok(batch);
        }
        let mut batch = answers.max(1);
        let optimiser = self.actor.estimate(&SMALLEST).optimiser + self.critic;
        while batch > 1
            && budget.is_some_and(|budget| self.held(batch, seq).is_ok_and(|held| held + optimiser > budget))
        {
            batch = batch.div_ceil(2);
        }
        Ok(batch)
    }

    /// The micro-batches of updates, within `budget` bytes beside the weights, of which the critic takes its part.
    pub fn micro_batcher(&self, budget: Option<u64>) -> MicroBatcher {
        match self.config.learning.batch {
            Some(samples) => MicroBatcher::fixed(self.actor.clone(), samples),
            None => {
                let critic = self.critic + self.critic_gradients();
                MicroBatcher::fitting(self.actor.clone(), budget.map(|budget| budget.saturating_sub(critic)))
            }
        }
    }

    /// Weights and both moments are three times as many numbers as gradients.
    fn critic_gradients(&self) -> u64 {
        self.critic / 3
    }

    fn held(&self, rollouts: usize, seq: usize) -> Result<u64> {
        let (in_engine, cache) = self.writing(rollouts, seq)?;
        // An engine keeps its buffers while the policy is updated, which needs as much again.
        Ok(if in_engine > 0 { 2 * (in_engine + cache) } else { cache })
    }

    /// Bytes of a decode engine's own weights, if there is one, and of all else that `rollouts` answers of `seq` tokens are written with.
    fn writing(&self, rollouts: usize, seq: usize) -> Result<(u64, u64)> {
        let TrainingMemory { llama, quant, device, .. } = &self.actor;
        if *device == ComputeDevice::Gpu
            && let Some((weights, others)) = Backend::estimate_memory(llama, *quant, rollouts, seq)?
        {
            return Ok((weights as u64, others as u64));
        }
        // The part that the answers to a prompt have in common is computed once, and then copied for each.
        let shared = rollouts.div_ceil(self.config.rollout.samples);
        let logits = F32 * (2 * rollouts * llama.vocab_size) as u64;
        Ok((0, kv_cache(llama, rollouts + shared, seq) + logits))
    }
}

/// A single short sample.
const SMALLEST: StepSize = StepSize { micro_batch: 1, parallel: 1, micro_batches: 1, seq: FEWEST_TOKENS };

#[cfg(test)]
mod tests {
    use tiller_models::llama::RopeScaling;
    use tiller_models::presets::ModelPreset;

    use super::*;

    fn llama() -> LlamaConfig {
        LlamaConfig {
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
        }
    }

    #[test]
    fn answering_and_learning_take_turns_and_a_critic_is_trained_too() {
        let mut config = PpoConfig::default();
        config.rollout.batch = Some(10);
        config.learning.batch = Some(16);
        let of = |config: &PpoConfig, device| PpoMemory::new(llama(), config, device).unwrap().by_settings().unwrap();
        let on_cpu = |config: &PpoConfig| of(config, ComputeDevice::Cpu { threads: 1 });
        let plan = on_cpu(&config);
        // Ten answers to two prompts, of 512 tokens with two layers of two heads of 16 keys and values; ten tokens' logits, twice.
        assert_eq!(plan.cache, 4 * (12 * 512 * 2 * 2 * 2 * 16 + 2 * 10 * 1000));
        let learning = plan.activations + plan.workspace;
        assert_eq!(plan.total - plan.program, plan.weights + plan.optimiser + plan.cache.max(learning));
        let mut with_critic = config.clone();
        with_critic.learning.baseline = Baseline::Critic;
        assert!(on_cpu(&with_critic).optimiser > plan.optimiser);

        // A decode engine has weights of its own, and gives nothing back.
        let on_gpu = of(&with_critic, ComputeDevice::Gpu);
        assert!(on_gpu.weights > 2 * plan.weights * 9 / 10 && on_gpu.program == 0);
        let learning = on_gpu.activations + on_gpu.workspace;
        assert_eq!(on_gpu.total, on_gpu.weights + on_gpu.optimiser + on_gpu.cache + learning);

        let memory = PpoMemory::new(llama(), &config, ComputeDevice::Cpu { threads: 1 }).unwrap();
        assert!(memory.check(None).is_ok() && memory.check(Some(plan.total)).is_ok());
        let error = memory.check(Some(plan.total - 1)).unwrap_err();
        assert!(error.exit_code() == 3 && error.to_string().contains("learning.batch"), "{error}");
    }

    #[test]
    fn smollm2_is_aligned_within_8_gib_by_its_defaults() {
        let config = PpoConfig::default();
        let memory = PpoMemory::new(ModelPreset::Smol.llama(), &config, ComputeDevice::Cpu { threads: 2 }).unwrap();
        let budget = (8 << 30) - memory.actor.estimate(&SMALLEST).weights;
        // Prompts of 300 tokens and answers of 160.
        let rollouts = memory.rollout_batch(config.rollout.answers(), 460, Some(budget)).unwrap();
        let step = memory.micro_batcher(Some(budget)).fit(config.learning.minibatch, 460).unwrap();
        assert!(rollouts >= 32 && step.micro_batch >= 1, "{rollouts} {step:?}");
        assert!(memory.estimate(rollouts, &step).unwrap().total <= 8 << 30);
    }
}
