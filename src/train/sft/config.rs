//! The settings and hyperparameters of supervised fine-tuning.

use serde::{Deserialize, Serialize};
use tiller_kernels::MatmulPrecision;
use tiller_kernels::quant::QuantScheme;
use tiller_models::llama::LlamaConfig;
use tiller_models::lora::LoraConfig;
use tiller_models::memory::{ComputeDevice, TrainingMemory};
use tiller_models::optim::AdamWConfig;

use crate::instruct;
use crate::run::config::out_of_range;
use crate::train::from_scratch::{FromScratch, ScratchSize};
use crate::train::schedule::LrSchedule;
use crate::train::trainable_model;
use crate::train::validation::ValidationConfig;
use crate::{Error, Result};

/// The settings of `tiller sft`; the defaults are the paper's, but for the number of epochs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SftConfig {
    /// The model that is tuned: a folder, a .gguf file, or the name of a pulled model; none where one is trained from scratch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The run folder of the teacher; none for `teacher` in the data set's own folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub teacher: Option<String>,
    /// The file of conversations for I4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat: Option<String>,
    /// The scheme of the frozen weights: f32, f16, q8 or q4, or another scheme of the kernels.
    pub quant: String,
    /// The precision of the factors of matrix products in training on a CPU: f32, or bf16, which has 8 bits and is faster where the
    /// processor has AMX. Sums are f32. GPUs decide by themselves.
    pub matmul_precision: MatmulPrecision,
    /// Train all weights, instead of an adapter beside frozen ones.
    pub full: bool,
    /// Passes over the data, each with examples of its own.
    pub epochs: u32,
    /// Steps in all, instead of whole epochs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// Samples of a batch: neighbours in length, which are computed together where memory allows.
    pub batch: usize,
    /// Samples that are computed at once (the micro-batch); none for as many as the free memory allows. The result is the same for all
    /// sizes, up to rounding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub micro_batch: Option<usize>,
    /// Batches of a step, whose gradients are accumulated.
    pub gradient_accumulation_steps: usize,
    /// The longest sample, in tokens; an answer has at most half of them.
    pub max_tokens: usize,
    /// Gradient checkpointing: compute blocks a second time in the backward pass, instead of keeping them in memory.
    pub activation_checkpointing: bool,
    /// The weight of the titles of a prompt's history in the loss, beside an answer: 0 where a model is tuned more where one is
    /// trained from scratch, which learns from them what follows what.
    pub history_weight: f64,
    /// The teacher's part in the targets of these titles, from 0 (the title that came next) to 1 (the teacher's probabilities of all titles
    /// that could have come next).
    pub history_soft_targets: f64,
    /// The weight of an answer's forced tokens (list numbers, the rest of a title that is clear already) beside 1 for those where the
    /// catalogue leaves a choice (decision weights); 1 for a plain mean.
    pub forced_token_weight: f64,
    /// Decides first weights, dropout and the order of batches.
    pub seed: u64,
    /// Steps from one checkpoint to the next.
    pub save_every: u64,
    /// The learning rate.
    pub schedule: LrSchedule,
    /// The optimiser.
    pub optimiser: AdamWConfig,
    /// The adapter.
    pub lora: SftLoraConfig,
    /// A token for each title of the catalogue, beside an adapter; none for titles in the tokens that the model has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item_tokens: Option<ItemTokenConfig>,
    /// The examples.
    pub data: instruct::ExampleConfig,
    /// The validations.
    pub validation: ValidationConfig,
    /// The model that is trained from scratch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_scratch: Option<FromScratch>,
}

/// The item tokens that are trained beside an adapter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ItemTokenConfig {
    /// The learning rate of their rows, relative to that of the adapter.
    pub lr_ratio: f64,
}

impl Default for ItemTokenConfig {
    fn default() -> Self {
        Self { lr_ratio: 1.0 }
    }
}

/// The adapter that is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SftLoraConfig {
    /// Rows of every A.
    pub rank: usize,
    /// The scale of a low-rank part is alpha / rank.
    pub alpha: f64,
    /// The probability with which an input of a low-rank part is dropped.
    pub dropout: f64,
    /// Names of projections, or "all-linear" for all but the output projection.
    pub targets: Vec<String>,
}

impl Default for SftLoraConfig {
    fn default() -> Self {
        Self { rank: 16, alpha: 8.0, dropout: 0.1, targets: vec!["all-linear".into(), "lm_head".into()] }
    }
}

impl SftLoraConfig {
    /// The recipe of a fresh adapter.
    pub fn recipe(&self) -> LoraConfig {
        let Self { rank, alpha, dropout, ref targets } = *self;
        LoraConfig { rank, alpha, dropout, targets: targets.clone() }
    }
}

impl Default for SftConfig {
    fn default() -> Self {
        Self {
            model: None,
            teacher: None,
            chat: None,
            quant: QuantScheme::F32.name().into(),
            matmul_precision: MatmulPrecision::F32,
            full: false,
            epochs: 10,
            steps: None,
            batch: 8,
            micro_batch: None,
            gradient_accumulation_steps: 8,
            max_tokens: 1024,
            activation_checkpointing: false,
            history_weight: 0.0,
            history_soft_targets: 0.0,
            forced_token_weight: 1.0,
            seed: 2024,
            save_every: 50,
            schedule: LrSchedule::default(),
            optimiser: AdamWConfig::default(),
            lora: SftLoraConfig::default(),
            item_tokens: None,
            data: instruct::ExampleConfig::default(),
            validation: ValidationConfig::default(),
            from_scratch: None,
        }
    }
}

/// The shortest samples that make sense: a prompt and a title.
pub(super) const FEWEST_TOKENS: usize = 32;

impl SftConfig {
    /// The settings with which a model of this size is trained from scratch.
    pub fn from_scratch(size: ScratchSize) -> Self {
        let (epochs, users) = match size {
            ScratchSize::Tiny => (6, 16),
            ScratchSize::Small => (25, 32),
        };
        Self {
            full: true,
            epochs,
            batch: 16,
            gradient_accumulation_steps: 2,
            max_tokens: 512,
            // A title in a history weighs about as much as one in an answer.
            history_weight: 0.3,
            schedule: LrSchedule { lr: 3e-3, warmup_ratio: 0.02, poly_power: 1.0, ..LrSchedule::default() },
            // Gradients of a rare title are small beside the method's 1e-5, which is meant for adapters.
            optimiser: AdamWConfig { epsilon: 1e-8, ..AdamWConfig::default() },
            validation: ValidationConfig { users, trained_wordings: true, ..ValidationConfig::default() },
            from_scratch: Some(size.from_scratch()),
            ..Self::default()
        }
    }

    /// The settings with which a pulled model gets item tokens. Their rows take the place of a low-rank part of the output projection. A
    /// history's titles, a token each, count as much as an answer and are learnt from the teacher; the numbers of a list hardly count.
    pub fn with_item_tokens() -> Self {
        let defaults = Self::default();
        Self {
            history_weight: 1.0,
            history_soft_targets: 1.0,
            forced_token_weight: 0.1,
            item_tokens: Some(ItemTokenConfig::default()),
            lora: SftLoraConfig { targets: vec!["all-linear".into()], ..defaults.lora },
            data: instruct::ExampleConfig { by_title: true, ..defaults.data },
            ..defaults
        }
    }

    /// These settings with the micro-batch of `other`, which changes no result.
    #[must_use]
    pub fn with_batches_of(&self, other: &Self) -> Self {
        Self { micro_batch: other.micro_batch, ..self.clone() }
    }

    /// Checks that the settings make sense.
    ///
    /// # Errors
    /// The key that does not.
    pub fn validate(&self) -> Result<()> {
        let Self { epochs, steps, batch, gradient_accumulation_steps, max_tokens, save_every, .. } = *self;
        for (key, least, value) in [
            ("epochs", 1, u64::from(epochs)),
            ("steps", 1, steps.unwrap_or(1)),
            ("batch", 1, batch as u64),
            ("micro_batch", 1, self.micro_batch.unwrap_or(1) as u64),
            ("gradient_accumulation_steps", 1, gradient_accumulation_steps as u64),
            ("max_tokens", FEWEST_TOKENS as u64, max_tokens as u64),
            ("save_every", 1, save_every),
        ] {
            if value < least {
                return Err(out_of_range(key, &format!("at least {least}"), value));
            }
        }
        for (key, weight) in
            [("history_weight", self.history_weight), ("forced_token_weight", self.forced_token_weight)]
        {
            if !(weight >= 0.0 && weight.is_finite()) {
                return Err(out_of_range(key, "a number of at least 0", weight));
            }
        }
        if !(0.0..=1.0).contains(&self.history_soft_targets) {
            return Err(out_of_range("history_soft_targets", "a number from 0 to 1", self.history_soft_targets));
        }
        if self.scheme()?.is_some() && self.full {
            return Err(Error::bad_input("quant")
                .expected("f32, since --full trains all weights")
                .found(&self.quant)
                .next("leave out --quant, or train an adapter without --full")
                .into());
        }
        self.check_item_tokens()?;
        self.schedule.validate("schedule")?;
        self.validation.validate()
    }

    fn check_item_tokens(&self) -> Result<()> {
        let Some(ItemTokenConfig { lr_ratio }) = self.item_tokens else { return Ok(()) };
        if !(lr_ratio > 0.0 && lr_ratio.is_finite()) {
            return Err(out_of_range("item_tokens.lr_ratio", "a number above 0", lr_ratio));
        }
        if self.full {
            return Err(Error::bad_input("item_tokens")
                .expected("an adapter, beside which item tokens are trained")
                .found("full = true")
                .next("train without --full")
                .into());
        }
        if self.lora.recipe().adapts("lm_head") {
            return Err(Error::bad_input("lora.targets")
                .expected("no lm_head, since the rows of item tokens are trained there")
                .found("lm_head")
                .next("leave --targets out, or name all-linear")
                .into());
        }
        Ok(())
    }

    /// The memory of a training of `llama`.
    ///
    /// # Errors
    /// An unknown quantization scheme.
    pub fn memory(&self, llama: LlamaConfig, device: ComputeDevice) -> Result<TrainingMemory> {
        let adapter = (!self.full).then(|| self.lora.recipe());
        let gradient_checkpointing = self.activation_checkpointing;
        Ok(TrainingMemory { llama, quant: self.scheme()?, adapter, gradient_checkpointing, device })
    }

    /// The scheme of the frozen weights; `None` for plain floats.
    ///
    /// # Errors
    /// A name that is no scheme.
    pub fn scheme(&self) -> Result<Option<QuantScheme>> {
        trainable_model::scheme(&self.quant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_make_no_sense_are_refused_by_name() {
        let good = SftConfig::default();
        assert!(good.validate().is_ok() && SftConfig::with_item_tokens().validate().is_ok());
        let schedule = LrSchedule { lr: -1.0, ..good.schedule };
        let validation = ValidationConfig { users: 0, ..good.validation.clone() };
        let cases = [
            ("epochs", SftConfig { epochs: 0, ..good.clone() }),
            ("batch", SftConfig { batch: 0, ..good.clone() }),
            ("max_tokens", SftConfig { max_tokens: 8, ..good.clone() }),
            ("history_weight", SftConfig { history_weight: -1.0, ..good.clone() }),
            ("history_soft_targets", SftConfig { history_soft_targets: 1.5, ..good.clone() }),
            ("forced_token_weight", SftConfig { forced_token_weight: f64::NAN, ..good.clone() }),
            ("schedule.lr", SftConfig { schedule, ..good.clone() }),
            ("validation.users", SftConfig { validation, ..good.clone() }),
            ("--quant", SftConfig { quant: "q3".into(), ..good.clone() }),
            ("quant", SftConfig { quant: "q4".into(), full: true, ..good.clone() }),
            ("item_tokens", SftConfig { full: true, ..SftConfig::with_item_tokens() }),
            ("lora.targets", SftConfig { lora: good.lora, ..SftConfig::with_item_tokens() }),
            (
                "item_tokens.lr_ratio",
                SftConfig { item_tokens: Some(ItemTokenConfig { lr_ratio: 0.0 }), ..SftConfig::with_item_tokens() },
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
        let config =
            SftConfig { steps: Some(7), from_scratch: Some(FromScratch::default()), ..SftConfig::with_item_tokens() };
        let text = toml::to_string_pretty(&config).unwrap();
        assert_eq!(toml::from_str::<SftConfig>(&text).unwrap(), config);
    }
}
