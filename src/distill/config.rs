//! The settings of on-policy distillation.

use std::path::Path;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use tiller_kernels::MatmulPrecision;
use tiller_kernels::quant::QuantScheme;
use tiller_models::llama::LlamaConfig;
use tiller_models::memory::{ComputeDevice, MemoryEstimate, StepSize, TrainingMemory};
use tiller_models::optim::AdamWConfig;

use crate::Result;
use crate::constrain::GuideWeight;
use crate::instruct::{ExampleConfig, Preset};
use crate::ppo::config::{PolicyEvalConfig, PpoConfig, PpoLoraConfig};
use crate::ppo::rollout::RolloutConfig;
use crate::ppo::sft_mixin::SftMixin;
use crate::reward::RewardRules;
use crate::run::config::out_of_range;
use crate::task::Task;
use crate::train::memory::does_not_fit;
use crate::train::schedule::LrSchedule;
use crate::train::trainable_model::{self, TrainableModel};

/// The settings of `tiller distill`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DistillConfig {
    /// The model that is tuned further: a folder, a .gguf file, or the name of a pulled model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// An adapter that was tuned on that model; it is trained further.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adapter: Option<String>,
    /// The scheme of the frozen weights: f32, f16, q8 or q4, or another scheme of the kernels.
    pub quant: String,
    /// The precision of the factors of matrix products in training on a CPU: f32, or bf16, which has 8 bits and is faster where the
    /// processor has AMX. Sums are f32. GPUs decide by themselves.
    pub matmul_precision: MatmulPrecision,
    /// Train all weights, instead of an adapter beside frozen ones.
    pub full: bool,
    /// The model was trained from scratch.
    pub from_scratch: bool,
    /// The run folder of the teacher; none for the run's own, or `teacher` in the data set's folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub teacher: Option<String>,
    /// Rounds of rollouts and learning from them.
    pub iterations: u64,
    /// The longest prompt and answer together, in tokens; the answer has half of them if it needs them.
    pub max_tokens: usize,
    /// The seed of initial weights, prompts, sampled answers and the order of learning.
    pub seed: u64,
    /// The tasks of the prompts.
    pub tasks: Vec<Task>,
    /// The preset of the rules that draw prompts.
    pub questions: Preset,
    /// The rollouts.
    pub rollout: RolloutConfig,
    /// The temperature of the teacher's probabilities: below 1 they are sharper.
    pub teacher_temperature: f64,
    /// The part of the policy as it was at first in the targets, as in guided decoding: 0 is the constrained teacher alone, 1 that policy
    /// alone under the constraints.
    pub guide_weight: GuideWeight,
    /// The weight of the semantic loss, −log of the probability that the policy gives to what the request allows, beside the divergence from
    /// the targets.
    pub constraint_weight: f64,
    /// The weight of forced tokens beside 1 for those where the catalogue leaves a choice.
    pub forced_token_weight: f64,
    /// Answers of a step.
    pub minibatch: usize,
    /// Answers that are computed at once (the micro-batch); none for as many as the free memory allows. The result is the same for all
    /// sizes, up to rounding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<usize>,
    /// The supervised examples in every step (PTX loss).
    pub sft_mixin: SftMixin,
    /// The learning rate, by iterations.
    pub schedule: LrSchedule,
    /// The optimiser.
    pub optimiser: AdamWConfig,
    /// The adapter, where a fresh one is trained.
    pub lora: PpoLoraConfig,
    /// The rewards by which the best model is chosen.
    pub reward: RewardRules,
    /// The validations.
    pub validation: PolicyEvalConfig,
}

/// The shortest sequences that make sense: a question and a title.
const FEWEST_TOKENS: usize = 32;

/// The settings that make a distillation smaller.
const REMEDIES: &str = "try a smaller --set batch=…, max_tokens=… or lora.rank=…, or --set quant=q4";

impl Default for DistillConfig {
    fn default() -> Self {
        let ppo = PpoConfig::default();
        Self {
            model: None,
            adapter: None,
            quant: QuantScheme::F32.name().into(),
            matmul_precision: MatmulPrecision::F32,
            full: false,
            from_scratch: false,
            teacher: None,
            iterations: 1500,
            max_tokens: 1024,
            seed: 2024,
            tasks: Task::TRAINED.into(),
            questions: Preset::Default,
            // Users receive greedy lists, so half of the answers are; the others show what else lies near.
            rollout: RolloutConfig { prompts: 32, samples: 2, greedy_first: true, ..RolloutConfig::default() },
            teacher_temperature: 1.0,
            // A fifth of the teacher keeps more of the accuracy than the model alone, and costs no control.
            guide_weight: GuideWeight::try_from(0.8).expect("0.8 lies between 0 and 1"),
            constraint_weight: 2.0,
            forced_token_weight: 0.1,
            minibatch: 32,
            batch: None,
            sft_mixin: SftMixin::default(),
            schedule: LrSchedule { lr: 2e-4, warmup_ratio: 0.02, poly_power: 1.0, min_lr: 0.0 },
            optimiser: AdamWConfig { weight_decay: 0.0, epsilon: 1e-8, ..AdamWConfig::default() },
            lora: ppo.actor,
            reward: ppo.reward,
            validation: PolicyEvalConfig { every: 100, ..PolicyEvalConfig::default() },
        }
    }
}

impl DistillConfig {
    /// These settings for a model that was trained from scratch: it learns in steps ten times as large, and all of its weights do where
    /// it has no adapter.
    pub fn for_scratch_model(self) -> Self {
        let schedule = LrSchedule { lr: 10.0 * self.schedule.lr, ..self.schedule };
        Self { full: self.adapter.is_none(), from_scratch: true, schedule, ..self }
    }

    /// The settings of the prompts, and of the supervised examples: those of all tasks but conversations.
    pub fn instruction(&self) -> ExampleConfig {
        ExampleConfig { preset: self.questions, seed: self.seed, chat_ratio: 0.0, ..ExampleConfig::default() }
    }

    /// These settings with the batches of `other` in rollouts and updates, which change no result.
    #[must_use]
    pub fn with_batches_of(&self, other: &Self) -> Self {
        let rollout = RolloutConfig { batch: other.rollout.batch, ..self.rollout.clone() };
        Self { rollout, batch: other.batch, ..self.clone() }
    }

    /// The memory of the updates of `llama`.
    ///
    /// # Errors
    /// An unknown quantization scheme.
    pub fn memory(&self, llama: LlamaConfig, device: ComputeDevice) -> Result<TrainingMemory> {
        let adapter = (!self.full).then(|| self.lora.recipe());
        let quant = trainable_model::scheme(&self.quant)?;
        Ok(TrainingMemory { llama, quant, adapter, gradient_checkpointing: false, device })
    }

    /// Refuses a distillation of `llama` that does not fit into `free` bytes of memory, before anything is loaded. Returns the estimate of
    /// its steps: with the micro-batch of the settings at the longest samples, or else with a single short sample.
    ///
    /// # Errors
    /// [`crate::Error::DoesNotFit`] with the parts and the settings that make them smaller.
    pub fn check_memory(&self, llama: LlamaConfig, device: ComputeDevice, free: Option<u64>) -> Result<MemoryEstimate> {
        let seq = self.max_tokens.min(llama.max_positions);
        let step = match self.batch {
            Some(micro_batch) => {
                let micro_batches = self.minibatch.div_ceil(micro_batch);
                StepSize { micro_batch, parallel: device.parallel(), micro_batches, seq }
            }
            None => StepSize { micro_batch: 1, parallel: 1, micro_batches: 1, seq: FEWEST_TOKENS },
        };
        let estimate = self.memory(llama, device)?.estimate(&step);
        if free.is_some_and(|free| free < estimate.total) {
            return Err(does_not_fit("the distillation", &estimate, free, REMEDIES));
        }
        Ok(estimate)
    }

    /// The model at `path` as it is before the first step, with its adapter, a fresh one, or none where all weights are trained.
    ///
    /// # Errors
    /// A model or an adapter that cannot be read, or that do not fit each other.
    pub fn trainable_model(&self, path: &Path, adapter: Option<&Path>, device: &Device) -> Result<TrainableModel> {
        let scheme = trainable_model::scheme(&self.quant)?;
        match adapter {
            _ if self.full => TrainableModel::full(path, device),
            Some(adapter) => TrainableModel::with_trained_adapter(path, adapter, scheme, device),
            None => {
                let name = self.model.as_deref().unwrap_or_default();
                TrainableModel::with_adapter(path, name, scheme, (&self.lora.recipe(), self.seed), device)
            }
        }
    }

    /// Checks that the settings make sense.
    ///
    /// # Errors
    /// The key that does not.
    pub fn validate(&self) -> Result<()> {
        for (key, least, value) in [
            ("iterations", 1, self.iterations),
            ("max_tokens", FEWEST_TOKENS as u64, self.max_tokens as u64),
            ("tasks", 1, self.tasks.len() as u64),
            ("minibatch", 1, self.minibatch as u64),
            ("batch", 1, self.batch.unwrap_or(1) as u64),
            ("validation.users", 1, self.validation.users as u64),
            ("validation.every", 1, self.validation.every),
        ] {
            if value < least {
                return Err(out_of_range(key, &format!("at least {least}"), value));
            }
        }
        if !(self.teacher_temperature > 0.0 && self.teacher_temperature.is_finite()) {
            return Err(out_of_range("teacher_temperature", "a number above 0", self.teacher_temperature));
        }
        for (key, weight) in
            [("constraint_weight", self.constraint_weight), ("forced_token_weight", self.forced_token_weight)]
        {
            if !(weight >= 0.0 && weight.is_finite()) {
                return Err(out_of_range(key, "a number of at least 0", weight));
            }
        }
        if self.full && (self.adapter.is_some() || trainable_model::scheme(&self.quant)?.is_some()) {
            let expected = "false beside an adapter or packed weights, which stay frozen";
            return Err(out_of_range("full", expected, "true"));
        }
        self.rollout.validate()?;
        if self.rollout.rerender {
            let expected = "false, since the policy learns from what it wrote itself";
            return Err(out_of_range("rollout.rerender", expected, "true"));
        }
        self.sft_mixin.validate()?;
        self.reward.validate()?;
        self.schedule.validate("schedule")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_make_no_sense_are_refused_by_name() {
        let good = DistillConfig::default();
        assert!(good.validate().is_ok() && good.clone().for_scratch_model().validate().is_ok());
        let rollout = RolloutConfig { rerender: true, ..good.rollout.clone() };
        let cases = [
            ("iterations", DistillConfig { iterations: 0, ..good.clone() }),
            ("teacher_temperature", DistillConfig { teacher_temperature: 0.0, ..good.clone() }),
            ("constraint_weight", DistillConfig { constraint_weight: f64::NAN, ..good.clone() }),
            ("forced_token_weight", DistillConfig { forced_token_weight: -1.0, ..good.clone() }),
            ("full", DistillConfig { full: true, quant: "q4".into(), ..good.clone() }),
            ("full", DistillConfig { full: true, adapter: Some("adapter".into()), ..good.clone() }),
            ("rollout.rerender", DistillConfig { rollout, ..good }),
        ];
        for (key, config) in cases {
            let error = config.validate().unwrap_err();
            assert!(error.to_string().starts_with(key) && error.exit_code() == 2, "{error}");
        }
    }

    #[test]
    fn the_stored_configuration_is_read_back() {
        let config = DistillConfig { model: Some("small".into()), ..DistillConfig::default().for_scratch_model() };
        let text = toml::to_string_pretty(&config).unwrap();
        assert_eq!(toml::from_str::<DistillConfig>(&text).unwrap(), config);
    }
}
