//! The settings of PPO.

use serde::{Deserialize, Serialize};
use tiller_kernels::quant::QuantScheme;
use tiller_models::lora::LoraConfig;
use tiller_models::optim::AdamWConfig;

use super::hyperparameters::{Baseline, ImportanceSamplingLevel, PpoHyperparameters};
use super::rollout::RolloutConfig;
use super::sft_mixin::SftMixin;
use crate::Result;
use crate::instruct::{ExampleConfig, Preset};
use crate::reward::{Level, RewardRules, ShortfallFn};
use crate::run::config::out_of_range;
use crate::task::Task;
use crate::train::schedule::LrSchedule;
use crate::train::trainable_model;

/// The settings of `tiller ppo`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PpoConfig {
    /// The model that is aligned: a folder, a .gguf file, or the name of a pulled model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// An adapter that was tuned on that model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adapter: Option<String>,
    /// The scheme of the frozen weights: f32, f16, q8 or q4, or another scheme of the kernels.
    pub quant: String,
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
    /// The rewards.
    pub reward: RewardRules,
    /// The updates of the policy.
    pub learning: PpoHyperparameters,
    /// The supervised examples in every step (PTX loss).
    pub sft_mixin: SftMixin,
    /// The learning rate, by steps as if every iteration had all of its own.
    pub schedule: LrSchedule,
    /// The optimiser of actor and critic together.
    pub optimiser: AdamWConfig,
    /// The adapter of the actor.
    pub actor: PpoLoraConfig,
    /// The adapter of the critic, and its value head.
    pub critic: PpoLoraConfig,
    /// The limits beyond which a training stops.
    pub divergence_guard: DivergenceGuard,
    /// The validations.
    pub validation: PolicyEvalConfig,
}

/// An adapter that is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PpoLoraConfig {
    /// Rows of every A.
    pub rank: usize,
    /// The scale of a low-rank part is alpha / rank.
    pub alpha: f64,
    /// Names of projections, or "all-linear" for all but the output projection.
    pub targets: Vec<String>,
}

/// The limits beyond which a training stops, its last good state kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DivergenceGuard {
    /// The divergence from the reference policy, per token (k1), above which the policy has lost its way.
    pub max_kl: f64,
    /// The mean ratio of probabilities within an epoch, which should be near 1, above which the steps are too large.
    pub max_ratio: f64,
}

/// The validations of a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyEvalConfig {
    /// Users of each validation task; every task has other users.
    pub users: usize,
    /// Iterations from one validation to the next.
    pub every: u64,
    /// Use the prompt wordings of training, for models that know no other words.
    pub trained_wordings: bool,
}

impl Default for PpoConfig {
    fn default() -> Self {
        Self {
            model: None,
            adapter: None,
            quant: QuantScheme::F32.name().into(),
            teacher: None,
            iterations: 200,
            max_tokens: 1024,
            seed: 2024,
            tasks: Task::TRAINED.into(),
            questions: Preset::Default,
            rollout: RolloutConfig::default(),
            // By the method's letter an error costs a list 2, the first items of the kind that is asked for add less than 0.1 each, and one
            // that nobody wants costs nothing: a policy learns to err less, whatever was asked for.
            reward: RewardRules {
                alpha: 0.3,
                shortfall_fn: ShortfallFn::Linear,
                violation_score: -1.0,
                ..RewardRules::default()
            },
            learning: PpoHyperparameters::default(),
            sft_mixin: SftMixin::default(),
            schedule: LrSchedule { lr: 1e-4, warmup_ratio: 0.05, poly_power: 1.0, min_lr: 0.0 },
            optimiser: AdamWConfig { weight_decay: 0.0, max_grad_norm: 0.5, ..AdamWConfig::default() },
            actor: PpoLoraConfig { rank: 16, alpha: 16.0, targets: vec!["all-linear".into(), "lm_head".into()] },
            critic: PpoLoraConfig { rank: 4, alpha: 2.0, targets: vec!["all-linear".into()] },
            divergence_guard: DivergenceGuard::default(),
            validation: PolicyEvalConfig::default(),
        }
    }
}

impl Default for PpoLoraConfig {
    fn default() -> Self {
        PpoConfig::default().actor
    }
}

impl Default for DivergenceGuard {
    fn default() -> Self {
        Self { max_kl: 1.0, max_ratio: 10.0 }
    }
}

impl Default for PolicyEvalConfig {
    fn default() -> Self {
        Self { users: 32, every: 10, trained_wordings: false }
    }
}

impl PpoLoraConfig {
    /// The recipe of a fresh adapter.
    pub fn recipe(&self) -> LoraConfig {
        let Self { rank, alpha, ref targets } = *self;
        LoraConfig { rank, alpha, dropout: 0.0, targets: targets.clone() }
    }
}

/// The shortest sequences that make sense: a question and a title.
pub(super) const FEWEST_TOKENS: usize = 32;

impl PpoConfig {
    /// The authors' settings where ours differ (method §6–8): their questions and rewards, greedy and sharpened answers that are rendered
    /// anew, a critic, their penalties and step sizes. The output projection stays frozen, since training it would move the reference
    /// policy too (method B3); the learning rate is theirs, for a model of 7 billion weights.
    pub fn paper() -> Self {
        let ours = Self::default();
        let all_but_the_output = vec!["all-linear".to_owned()];
        Self {
            questions: Preset::Paper,
            rollout: RolloutConfig::paper(),
            reward: RewardRules::paper(),
            learning: PpoHyperparameters {
                epochs: 4,
                minibatch: 4,
                batch: Some(1),
                kl_coef: 0.3,
                gamma: 0.99,
                baseline: Baseline::Critic,
                score_at_sampling_temperature: false,
                per_task_normalization: false,
                ent_coef: 0.01,
                ..ours.learning.clone()
            },
            sft_mixin: SftMixin::none(),
            schedule: LrSchedule { lr: 5e-6, warmup_ratio: 0.01, poly_power: 2.0, min_lr: 1e-7 },
            actor: PpoLoraConfig { rank: 4, alpha: 2.0, targets: all_but_the_output },
            ..ours
        }
    }

    /// These settings for a model that was trained from scratch. It is small, so it takes steps ten times as large, and has little but its
    /// tuning to forget, of which the supervised examples remind it, so it may go further from its reference. Its likeliest answers err far more often
    /// than those that are drawn at temperature 1, so it learns from the likeliest one and from others near to it.
    pub fn for_scratch_model(self) -> Self {
        let rollout = RolloutConfig { temperature: 0.5, greedy_first: true, ..self.rollout };
        let schedule = LrSchedule { lr: 10.0 * self.schedule.lr, ..self.schedule };
        let learning = PpoHyperparameters { kl_coef: 0.02, ..self.learning };
        Self { rollout, schedule, learning, ..self }
    }

    /// The settings of the prompts, and of the supervised examples: those of all tasks but conversations.
    pub fn instruction(&self) -> ExampleConfig {
        ExampleConfig { preset: self.questions, seed: self.seed, chat_ratio: 0.0, ..ExampleConfig::default() }
    }

    /// These settings with the batches of `other` in rollouts and updates, which change no result.
    #[must_use]
    pub fn with_batches_of(&self, other: &Self) -> Self {
        let mut config = self.clone();
        config.rollout.batch = other.rollout.batch;
        config.learning.batch = other.learning.batch;
        config
    }

    /// Checks that the settings make sense.
    ///
    /// # Errors
    /// The key that does not.
    pub fn validate(&self) -> Result<()> {
        let at_least = |key: &str, least: u64, value: u64| {
            if value < least { Err(out_of_range(key, &format!("at least {least}"), value)) } else { Ok(()) }
        };
        at_least("iterations", 1, self.iterations)?;
        at_least("max_tokens", FEWEST_TOKENS as u64, self.max_tokens as u64)?;
        at_least("tasks", 1, self.tasks.len() as u64)?;
        at_least("validation.users", 1, self.validation.users as u64)?;
        at_least("validation.every", 1, self.validation.every)?;
        trainable_model::scheme(&self.quant)?;
        self.rollout.validate()?;
        self.reward.validate()?;
        self.schedule.validate("schedule")?;
        self.learning.validate()?;
        self.sft_mixin.validate()?;
        if self.learning.baseline == Baseline::Rloo && self.rollout.samples < 2 {
            let expected = "at least 2, since the answers to a question are compared with each other";
            return Err(out_of_range("rollout.samples", expected, self.rollout.samples));
        }
        if self.learning.baseline == Baseline::Critic
            && self.learning.importance_sampling_level == ImportanceSamplingLevel::Item
        {
            let expected = "token, since a critic has an advantage for every token";
            return Err(out_of_range("learning.importance_sampling_level", expected, "item"));
        }
        let at_the_end = self.reward.level != Level::Item && !self.reward.dense;
        if self.learning.baseline == Baseline::Rloo && at_the_end && self.learning.item_gamma < 1.0 {
            let expected = "1, since the list's reward is earned at its end (reward.dense = false)";
            return Err(out_of_range("learning.item_gamma", expected, self.learning.item_gamma));
        }
        for (key, limit) in [("max_kl", self.divergence_guard.max_kl), ("max_ratio", self.divergence_guard.max_ratio)] {
            if limit.is_nan() || limit <= 0.0 {
                return Err(out_of_range(&format!("divergence_guard.{key}"), "a number above 0", limit));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_make_no_sense_are_refused_by_name() {
        let good = PpoConfig::default();
        assert!(good.validate().is_ok() && PpoConfig::paper().validate().is_ok());
        let learning = |change: fn(&mut PpoHyperparameters)| {
            let mut config = PpoConfig::default();
            change(&mut config.learning);
            config
        };
        let one_sample = RolloutConfig { samples: 1, ..good.rollout.clone() };
        let cases = [
            ("iterations", PpoConfig { iterations: 0, ..good.clone() }),
            ("max_tokens", PpoConfig { max_tokens: 8, ..good.clone() }),
            ("tasks", PpoConfig { tasks: Vec::new(), ..good.clone() }),
            ("learning.minibatch", learning(|l| l.minibatch = 0)),
            ("learning.gamma", learning(|l| l.gamma = 1.5)),
            ("learning.kl_coef", learning(|l| l.kl_coef = f64::NAN)),
            ("learning.target_kl", learning(|l| l.target_kl = 0.0)),
            ("rollout.samples", PpoConfig { rollout: one_sample, ..good.clone() }),
            (
                "learning.importance_sampling_level",
                learning(|l| {
                    (l.baseline, l.importance_sampling_level) = (Baseline::Critic, ImportanceSamplingLevel::Item);
                }),
            ),
            (
                "learning.item_gamma",
                PpoConfig { reward: RewardRules { dense: false, ..good.reward.clone() }, ..good.clone() },
            ),
            ("reward.alpha", PpoConfig { reward: RewardRules { alpha: -0.5, ..good.reward.clone() }, ..good.clone() }),
            (
                "divergence_guard.max_kl",
                PpoConfig {
                    divergence_guard: DivergenceGuard { max_kl: f64::NAN, ..good.divergence_guard.clone() },
                    ..good
                },
            ),
        ];
        for (key, config) in cases {
            let error = config.validate().unwrap_err();
            assert!(error.to_string().starts_with(key), "{error}");
            assert_eq!(error.exit_code(), 2);
        }
    }

    #[test]
    fn the_stored_configuration_is_read_back() {
        for config in [PpoConfig { model: Some("smollm2".into()), ..PpoConfig::default() }, PpoConfig::paper()] {
            let text = toml::to_string_pretty(&config).unwrap();
            assert_eq!(toml::from_str::<PpoConfig>(&text).unwrap(), config);
        }
    }
}
