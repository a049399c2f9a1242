//! What an alignment takes of memory, told before anything is allocated.

use serde::Serialize;
use tiller_models::llama::LlamaConfig;

use super::config::{Baseline, PpoConfig, Rank};
use crate::train::memory::in_words;
use crate::train::plan::Plan as Step;
use crate::train::sft::{LoraConfig, SftConfig};
use crate::train::student;
use crate::{Error, Result};

/// An alignment's memory, in bytes, at the longest prompts and answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The weights that actor, critic and reference share.
    pub weights: u64,
    /// The trained weights of actor and critic, with gradients and moments.
    pub trained: u64,
    /// Keys, values and logits of the answers that are written at once.
    pub answering: u64,
    /// What a step keeps for the backward pass of the answers that are computed at once. Answering is over by then.
    pub learning: u64,
    /// All that is held at once.
    pub total: u64,
}

impl Plan {
    /// The plan of an alignment of `llama` that computes `at_once` batches side by side.
    ///
    /// # Errors
    /// A way of keeping weights that is none.
    pub fn new(llama: &LlamaConfig, config: &PpoConfig, at_once: usize) -> Result<Self> {
        let scheme = student::scheme(&config.quantise)?;
        let step = |adapter: &Rank| {
            let lora = LoraConfig { rank: adapter.rank, targets: adapter.targets.clone(), ..LoraConfig::default() };
            let (batch, max_tokens) = (config.learning.batch, config.max_tokens);
            Step::new(llama, scheme, &SftConfig { lora, batch, max_tokens, ..SftConfig::default() }, at_once)
        };
        let actor = step(&config.actor);
        let critic = match config.learning.baseline {
            Baseline::Critic => step(&config.critic).trained,
            Baseline::Group => 0,
        };
        let trained = actor.trained + critic;
        let seq = config.max_tokens.min(llama.max_positions);
        let of_token = 2 * llama.n_layers * llama.n_kv_heads * llama.head_dim;
        let written = config.rollout.batch.min(config.rollout.prompts * config.rollout.samples);
        let answering = 4 * (written * (seq * of_token + llama.vocab_size)) as u64;
        let learning = actor.activations + actor.logits;
        let total = actor.weights + trained + answering.max(learning);
        Ok(Self { weights: actor.weights, trained, answering, learning, total })
    }

    /// Refuses an alignment that `available` bytes of memory cannot hold.
    ///
    /// # Errors
    /// [`Error::DoesNotFit`], with the parts and the settings that make them smaller.
    pub fn check(&self, available: Option<u64>) -> Result<()> {
        let Some(available) = available.filter(|&available| available < self.total) else { return Ok(()) };
        let Self { weights, trained, answering, learning, total } = self;
        Err(Error::DoesNotFit(format!(
            "the alignment does not fit: it takes about {} (weights {}, trained ones with optimiser {}, then answering {} or learning \
             {}), and {} are free\n  next: try a smaller --set rollout.batch=…, learning.batch=…, max_tokens=… or actor.rank=…, or \
             --set quantise=q4",
            in_words(*total),
            in_words(*weights),
            in_words(*trained),
            in_words(*answering),
            in_words(*learning),
            in_words(available)
        )))
    }
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
        let plan = Plan::new(&llama, &config, 1).unwrap();
        // Ten answers of 512 tokens with two layers of two heads of 16 keys and values, and the logits of ten tokens.
        assert_eq!(plan.answering, 4 * 10 * (512 * 2 * 2 * 2 * 16 + 1000));
        assert_eq!(plan.total, plan.weights + plan.trained + plan.answering.max(plan.learning));
        config.learning.baseline = Baseline::Critic;
        assert!(Plan::new(&llama, &config, 1).unwrap().trained > plan.trained);
        assert!(plan.check(None).is_ok() && plan.check(Some(plan.total)).is_ok());
        let error = plan.check(Some(plan.total - 1)).unwrap_err();
        assert!(error.exit_code() == 3 && error.to_string().contains("learning.batch"), "{error}");
    }
}
