//! Teaching: a few LoRA steps of a model in use, towards the teacher's lists after one history.
//!
//! Every teaching begins with the model as it was loaded, so that its result follows from the feedback alone. All steps are over the
//! same examples: their losses can be compared.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use burn::tensor::Device;
use serde::Serialize;
use tiller_kernels::device::guard;
use tiller_kernels::quant::QuantScheme;
use tiller_models::llama::{Llama, LlamaConfig};
use tiller_models::memory::{ComputeDevice, StepSize};
use tiller_models::optim::{AdamW, Gradients};
use tiller_models::train::{ForwardOptions, WeightedExample};

use super::gradient::gradient;
use super::memory::{self, does_not_fit};
use super::micro_batch::{MicroBatcher, MicroBatches};
use super::schedule::LrSchedule;
use super::sft::{SftConfig, SftLoraConfig};
use super::trainable_model::TrainableModel;
use crate::constrain::Grammar;
use crate::data::{Dataset, ItemId};
use crate::instruct::{ExampleBuilder, ExampleConfig, sample};
use crate::teacher::Teacher;
use crate::{Error, Result};

/// Examples of a teaching.
const EXAMPLES: usize = 12;

/// The length of a sample by which memory is estimated before anything is loaded, in tokens.
const USUAL_TOKENS: usize = 256;

/// A model on disk, as it is in use.
#[derive(Debug, Clone)]
pub struct TaughtModel {
    /// The model.
    pub model: PathBuf,
    /// Its adapter.
    pub adapter: Option<PathBuf>,
    /// The scheme of its weights; `None` for floats.
    pub quant: Option<QuantScheme>,
}

/// A user's feedback.
#[derive(Debug, Clone, PartialEq)]
pub struct Feedback {
    /// The items that the user took, oldest first, those just liked at the end.
    pub history: Vec<ItemId>,
    /// The items that the user does not want.
    pub refused: Vec<ItemId>,
}

/// A step of a teaching.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TeachStep {
    /// The number of the step, from 1.
    pub step: u64,
    /// The number of steps.
    pub steps: u64,
    /// The mean loss of all examples before the step, in nats per token.
    pub loss: f64,
}

/// The result of a teaching.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TeachSummary {
    /// The number of examples.
    pub examples: usize,
    /// The number of steps.
    pub steps: u64,
    /// The mean loss of the examples before the first step, in nats per token.
    pub loss_before: f64,
    /// The mean loss of the examples after the last step.
    pub loss_after: f64,
    /// The duration, in seconds.
    pub seconds: f64,
}

/// Teaches one model, which stays in memory from the first teaching on.
pub struct FeedbackTrainer<'a> {
    builder: ExampleBuilder<'a, Teacher>,
    config: SftConfig,
    trainable: TrainableModel,
    grammar: Grammar,
    /// The model as it is in use before any teaching.
    untaught: Llama,
}

impl<'a> FeedbackTrainer<'a> {
    /// Loads `taught` for training on `device`, beside the model in use.
    ///
    /// # Errors
    /// [`Error::DoesNotFit`], and a model that cannot be read.
    pub fn load(taught: &TaughtModel, dataset: &'a Dataset, teacher: &'a Teacher, device: &Device) -> Result<Self> {
        let config = settings(taught);
        check_memory(&config, &taught.model, device)?;
        let TaughtModel { model, adapter, quant } = taught;
        let (trainable, untaught) = match adapter {
            Some(adapter) => {
                let trainable = TrainableModel::with_trained_adapter(model, adapter, *quant, device)?;
                let untaught = trainable.model.llama.clone();
                (trainable, untaught)
            }
            None => {
                let recipe = (&config.lora.recipe(), config.seed);
                let trainable = TrainableModel::with_adapter(model, "", *quant, recipe, device)?;
                let untaught = trainable.model.llama.without_adapter();
                (trainable, untaught)
            }
        };
        let grammar = Grammar::of(&trainable.model.codec.tokenizer, &dataset.catalogue)?;
        let builder = ExampleBuilder::new(dataset, teacher, &[], ExampleConfig::default())?;
        Ok(Self { builder, config, trainable, grammar, untaught })
    }

    /// The model as it is in use before any teaching.
    pub fn untaught(&self) -> &Llama {
        &self.untaught
    }

    /// The model after `steps` steps of learning from `feedback`; `None` where `on_step` breaks the teaching off.
    ///
    /// # Errors
    /// A history after which nothing is left to recommend, a device that fails, a loss that is not finite.
    pub fn teach(
        &self,
        feedback: &Feedback,
        steps: u64,
        on_step: &mut dyn FnMut(TeachStep) -> ControlFlow<()>,
    ) -> Result<Option<(Llama, TeachSummary)>> {
        let start = Instant::now();
        let examples = self.examples(feedback)?;
        let mut micro_batcher = self.micro_batcher()?;
        let (mut llama, mut adamw) = (self.trainable.model.llama.clone(), AdamW::new(self.config.optimiser));
        let mut losses = Vec::new();
        for step in 1..=steps {
            let (gradients, loss) = self.gradient(&llama, &examples, &mut micro_batcher)?;
            losses.push(loss);
            if on_step(TeachStep { step, steps, loss }).is_break() {
                return Ok(None);
            }
            let lr = self.config.schedule.rate(step - 1, steps);
            (llama, _) = guard(&"teaching", || Ok::<_, Error>(adamw.step(llama, gradients, lr)))?;
        }
        let (_, loss_after) = self.gradient(&llama, &examples, &mut micro_batcher)?;
        let loss_before = losses.first().copied().unwrap_or(loss_after);
        if !loss_after.is_finite() {
            return Err(Error::Failed("teaching: the loss is not finite; the model stays as it was".into()));
        }
        let seconds = start.elapsed().as_secs_f64();
        Ok(Some((llama, TeachSummary { examples: examples.len(), steps, loss_before, loss_after, seconds })))
    }

    /// The examples of a feedback, in tokens.
    fn examples(&self, feedback: &Feedback) -> Result<Vec<WeightedExample>> {
        let codec = &self.trainable.model.codec;
        let most = self.config.max_tokens.min(self.trainable.model.llama.config().max_positions);
        let examples = self.builder.examples_after(&feedback.history, &feedback.refused, EXAMPLES)?;
        if examples.is_empty() {
            return Err(Error::bad_input("the feedback")
                .expected("a history after which items are left to recommend")
                .found("none left")
                .next("refuse fewer items")
                .into());
        }
        let weigh = |example| sample(codec, &self.grammar, example, most).map(WeightedExample::of);
        examples.iter().map(weigh).collect()
    }

    fn micro_batcher(&self) -> Result<MicroBatcher> {
        let llama = &self.trainable.model.llama;
        let memory = self.config.memory(llama.config().clone(), ComputeDevice::of(&llama.device()))?;
        Ok(MicroBatcher::fitting(memory, memory::budget(&llama.device())))
    }

    fn gradient(
        &self,
        llama: &Llama,
        examples: &[WeightedExample],
        micro_batcher: &mut MicroBatcher,
    ) -> Result<(Gradients, f64)> {
        let compute = |split: &MicroBatches<WeightedExample>| {
            gradient(llama, split, self.config.activation_checkpointing, |_| ForwardOptions::default())
        };
        let tokens = |example: &WeightedExample| example.tokens.len();
        micro_batcher.compute(&"teaching", &[examples.to_vec()], tokens, &llama.device(), compute)
    }
}

/// The settings of a teaching: those of an adapter's training, with a constant rate, since its steps are few.
fn settings(taught: &TaughtModel) -> SftConfig {
    SftConfig {
        quant: taught.quant.unwrap_or(QuantScheme::F32).name().into(),
        max_tokens: 512,
        schedule: LrSchedule { lr: 3e-3, warmup_ratio: 0.0, poly_power: 0.0, ..LrSchedule::default() },
        lora: SftLoraConfig { dropout: 0.0, ..SftLoraConfig::default() },
        ..SftConfig::default()
    }
}

/// Refuses a teaching that does not fit into the free memory beside the model in use.
fn check_memory(config: &SftConfig, model: &Path, device: &Device) -> Result<()> {
    let llama = LlamaConfig::read(model)?;
    let seq = USUAL_TOKENS.min(llama.max_positions);
    let step = StepSize { micro_batch: 1, parallel: 1, micro_batches: EXAMPLES, seq };
    let estimate = config.memory(llama, ComputeDevice::of(device))?.estimate(&step);
    match memory::budget(device).filter(|free| *free < estimate.total) {
        Some(free) => {
            let next = "serve a smaller model, or one with --quant q4";
            Err(does_not_fit("teaching this model", &estimate, Some(free), next))
        }
        None => Ok(()),
    }
}
