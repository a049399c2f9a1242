//! The training itself, from a fresh trainable or from where an earlier run was stopped.

use std::time::Instant;

use rayon::prelude::*;
use serde::{Serialize, Serializer};
use serde_json::json;
use tiller_kernels::device::guard;
use tiller_models::lora::Dropout;
use tiller_models::memory::ComputeDevice;
use tiller_models::optim::AdamW;
use tiller_models::train::{ForwardOptions, WeightedExample};

use super::batch_plan::{BatchPlan, WINDOW};
use super::config::SftConfig;
use super::state::SftState;
use crate::constrain::Grammar;
use crate::data::split::recent;
use crate::data::{Dataset, ItemId};
use crate::instruct::{Example, ExampleBuilder, ExampleSplit, sample};
use crate::run::checkpoint::{self, LAST};
use crate::run::folder::RunFolder;
use crate::run::progress::Progress;
use crate::teacher::Scorer;
use crate::train::decision_weights::weigh_decisions;
use crate::train::gradient::gradient;
use crate::train::history_loss::HistoryLoss;
use crate::train::history_targets::HistoryTargets;
use crate::train::micro_batch::{MicroBatcher, MicroBatches};
use crate::train::trainable_model::TrainableModel;
use crate::train::validation::{Validation, ValidationReport};
use crate::train::{Best, Log, TrainingClock};
use crate::{Error, Result};

/// The result of a training.
#[derive(Debug, Clone, Serialize)]
pub struct SftSummary {
    /// Steps taken.
    pub steps: u64,
    /// The best validation.
    #[serde(serialize_with = "as_ndcg")]
    pub best: Option<Best>,
    /// The last validation.
    pub validation: Option<ValidationReport>,
    /// Tokens that the steps have read, padding left out.
    pub tokens: u64,
    /// Tokens per second over this process's steps, validations left out.
    pub tokens_per_second: f64,
    /// The most main memory that this process has held, in bytes.
    pub peak_memory_bytes: u64,
}

/// Its score by its name.
fn as_ndcg<S: Serializer>(best: &Option<Best>, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    best.map(|Best { score, step }| json!({ "ndcg": score, "step": step })).serialize(serializer)
}

/// A line of metrics.jsonl: one step.
#[derive(Debug, Serialize)]
struct Step {
    step: u64,
    /// Passes over the data, with the part of the one at hand.
    epoch: f64,
    /// Seconds since the training began, resumed parts added up.
    seconds: f64,
    /// Mean over the samples of the step, in nats per token; of the answers, and by its weight of the histories.
    loss: f64,
    lr: f64,
    /// Before clipping.
    grad_norm: f64,
    tokens_per_second: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_bytes: Option<u64>,
}

/// A line of metrics.jsonl: a validation.
#[derive(Debug, Serialize)]
struct Validated<'a> {
    step: u64,
    epoch: f64,
    seconds: f64,
    validation: &'a ValidationReport,
}

/// A training in progress.
pub struct SftTrainer<'a, S> {
    builder: &'a ExampleBuilder<'a, S>,
    dataset: &'a Dataset,
    config: &'a SftConfig,
    log: Log<'a>,
    trainable: TrainableModel,
    grammar: Grammar,
    history_loss: HistoryLoss,
    validation: Validation,
    adamw: AdamW,
    state: SftState,
    batch_plan: BatchPlan,
    micro_batcher: MicroBatcher,
    clock: TrainingClock,
    last_report: Option<ValidationReport>,
}

impl<'a, S: Scorer> SftTrainer<'a, S> {
    /// A training of `trainable` from its first step on. What an earlier training left in `run` is dropped.
    ///
    /// # Errors
    /// Settings that make no sense, a data set that cannot be learnt from, a tokenizer that cannot write its titles.
    pub fn fresh(
        builder: &'a ExampleBuilder<'a, S>,
        dataset: &'a Dataset,
        config: &'a SftConfig,
        run: &'a mut RunFolder,
        trainable: TrainableModel,
    ) -> Result<Self> {
        let last = run.checkpoint(LAST);
        if last.exists() {
            std::fs::remove_file(&last).map_err(Error::io(&last, "remove"))?;
        }
        trainable.remove_stale(run.path())?;
        let adamw = AdamW::new(config.optimiser);
        Self::at(builder, dataset, config, Log::open(run, None)?, (trainable, adamw, SftState::default()))
    }

    /// The training that `run` holds, from its last checkpoint on; the same as if it had never stopped. `trainable` is as it was before
    /// the first step.
    ///
    /// # Errors
    /// No checkpoint, or one of other settings (only `epochs` and `steps` may differ) or of another catalogue.
    pub fn resume(
        builder: &'a ExampleBuilder<'a, S>,
        dataset: &'a Dataset,
        config: &'a SftConfig,
        run: &'a mut RunFolder,
        mut trainable: TrainableModel,
    ) -> Result<Self> {
        let last = run.checkpoint(LAST);
        let device = trainable.model.llama.device();
        let (llama, adamw, state): (_, _, SftState) =
            checkpoint::read(&last, trainable.model.llama, config, &dataset.catalogue.fingerprint(), &device)?;
        trainable.model.llama = llama;
        run.store_config(config)?;
        Self::at(builder, dataset, config, Log::open(run, Some(state.step))?, (trainable, adamw, state))
    }

    fn at(
        builder: &'a ExampleBuilder<'a, S>,
        dataset: &'a Dataset,
        config: &'a SftConfig,
        log: Log<'a>,
        (trainable, adamw, mut state): (TrainableModel, AdamW, SftState),
    ) -> Result<Self> {
        config.validate()?;
        let trainable = trainable.with_matmul_precision(config.matmul_precision);
        let grammar = Grammar::of(&trainable.model.codec.tokenizer, &dataset.catalogue)?;
        let history_loss = HistoryLoss::new(&trainable.model.codec, &dataset.catalogue, config.history_weight)?;
        let validation = Validation::new(builder, dataset, &config.data.tasks, &config.validation)?;
        let places = builder.epoch(ExampleSplit::Training, 0)?.len();
        let batch_plan =
            BatchPlan { places, batch: config.batch, gradient_accumulation_steps: config.gradient_accumulation_steps };
        let clock = TrainingClock::after(state.seconds);
        let llama = &trainable.model.llama;
        let memory = config.memory(llama.config().clone(), ComputeDevice::of(&llama.device()))?;
        let micro_batcher = match config.micro_batch {
            Some(samples) => MicroBatcher::fixed(memory, samples),
            None => MicroBatcher::fitting(memory, state.memory_budget(&llama.device())),
        };
        let last_report = None;
        Ok(Self {
            builder,
            dataset,
            config,
            log,
            trainable,
            grammar,
            history_loss,
            validation,
            adamw,
            state,
            batch_plan,
            micro_batcher,
            clock,
            last_report,
        })
    }

    /// The steps of the whole training.
    pub fn steps(&self) -> u64 {
        self.config.steps.unwrap_or(u64::from(self.config.epochs) * self.batch_plan.steps())
    }

    /// Trains to the end; the best model is in the run folder then. After each step `stop` is asked whether to save and end early.
    ///
    /// # Errors
    /// A loss that is NaN or infinite, a device or a disk that fails; [`Error::Interrupted`] where `stop` said so.
    pub fn run(mut self, stop: impl Fn() -> bool) -> Result<SftSummary> {
        let bar = Progress::start("sft", self.steps(), "steps");
        bar.resume_at(self.state.step);
        while self.state.step < self.steps() {
            let epoch = self.builder.epoch(ExampleSplit::Training, self.state.step / self.batch_plan.steps())?;
            let window = self.state.step % self.batch_plan.steps() / WINDOW;
            let places = self.batch_plan.places(window);
            self.builder.stream(&epoch, places.start, |examples| self.epoch(examples, &bar, &stop))?;
        }
        bar.finish();
        Ok(SftSummary {
            steps: self.state.step,
            best: self.state.best,
            validation: self.last_report,
            tokens: self.state.position.tokens,
            tokens_per_second: self.clock.tokens_per_second(),
            peak_memory_bytes: self.clock.memory.peak,
        })
    }

    /// The rest of the epoch at hand, whose `examples` begin with those of the window at hand.
    fn epoch(
        &mut self,
        examples: &mut dyn Iterator<Item = Result<(usize, Example)>>,
        bar: &Progress,
        stop: &impl Fn() -> bool,
    ) -> Result<()> {
        let mut examples = examples.peekable();
        let (epoch, first) = (self.state.step / self.batch_plan.steps(), self.state.step % self.batch_plan.steps());
        for window in first / WINDOW..self.batch_plan.steps().div_ceil(WINDOW) {
            let end = self.batch_plan.places(window).end;
            let mut found = Vec::new();
            while let Some(next) = examples.next_if(|next| next.as_ref().map_or(true, |(place, _)| *place < end)) {
                found.push(next?.1);
            }
            let weighted = self.weighted_examples(&found)?;
            let lengths: Vec<usize> = weighted.iter().map(|example| example.tokens.len()).collect();
            let steps = self.batch_plan.batches(window, &lengths, self.config.seed, epoch);
            for batches in steps.into_iter().skip(first.saturating_sub(window * WINDOW) as usize) {
                if self.state.step == self.steps() {
                    return Ok(());
                }
                let pick = |batch: &Vec<usize>| batch.iter().map(|&at| weighted[at].clone()).collect();
                self.step(&batches.iter().map(pick).collect::<Vec<Vec<WeightedExample>>>(), bar)?;
                self.after_step(stop(), bar)?;
            }
        }
        Ok(())
    }

    fn weighted_examples(&self, examples: &[Example]) -> Result<Vec<WeightedExample>> {
        let most = self.config.max_tokens.min(self.trainable.model.llama.config().max_positions);
        let weigh = |example| {
            let sample = sample(&self.trainable.model.codec, &self.grammar, example, most)?;
            let (answer, forced) = (sample.scored.start, self.config.forced_token_weight);
            let (mut weighted, told) = self.history_loss.example(sample, told_history(example));
            if forced != 1.0 && !example.items.is_empty() {
                weigh_decisions(&mut weighted, answer, &example.items, &self.grammar, forced)?;
            }
            Ok((weighted, (told_history(example), told)))
        };
        let weighed = examples.par_iter().map(weigh).collect::<Result<Vec<_>>>()?;
        let (mut weighted, told): (Vec<_>, Vec<_>) = weighed.into_iter().unzip();
        let part = self.config.history_soft_targets;
        if part > 0.0 {
            let (teacher, titles) = (self.builder.teacher(), self.history_loss.titles());
            HistoryTargets { teacher, titles, part }.soften(&mut weighted, &told)?;
        }
        Ok(weighted)
    }

    /// One step of the optimiser: the gradients of all batches, each in the part that its samples have in the step.
    fn step(&mut self, batches: &[Vec<WeightedExample>], bar: &Progress) -> Result<()> {
        let start = Instant::now();
        let lr = self.config.schedule.rate(self.state.step, self.steps());
        self.state.step += 1;
        // A window may have fewer examples than batches, where the catalogue has little to ask for.
        if batches.is_empty() {
            return Ok(());
        }
        let (stage, llama) = (self.stage(), self.trainable.model.llama.clone());
        let mut micro_batcher = self.micro_batcher.clone();
        let options = |first| ForwardOptions { dropout: self.dropout(first), ..ForwardOptions::default() };
        let recompute = self.config.activation_checkpointing;
        let compute = |split: &MicroBatches<WeightedExample>| gradient(&llama, split, recompute, options);
        let tokens = |example: &WeightedExample| example.tokens.len();
        let (gradients, loss) = micro_batcher.compute(&stage, batches, tokens, &llama.device(), compute)?;
        self.micro_batcher = micro_batcher;
        let (llama, grad_norm) = guard(&stage, || Ok::<_, Error>(self.adamw.step(llama, gradients, lr)))?;
        self.trainable.model.llama = llama;
        if !(loss.is_finite() && grad_norm.is_finite()) {
            return Err(Error::Failed(format!(
                "step {}: the loss or its gradient is NaN or infinite\n  next: train again with a lower --lr",
                self.state.step
            )));
        }

        let tokens = batches.iter().flatten().map(|example| example.tokens.len() as u64).sum::<u64>();
        self.state.position.tokens += tokens;
        let tokens_per_second = self.clock.step(tokens, start);
        self.state.seconds = self.clock.seconds();
        self.log.record(
            "train",
            &Step {
                step: self.state.step,
                epoch: self.epochs(),
                seconds: self.state.seconds,
                loss,
                lr,
                grad_norm,
                tokens_per_second,
                memory_bytes: self.clock.memory.now(),
            },
        )?;
        bar.set_message(format!("loss {loss:.3}, {tokens_per_second:.0} tokens/s"));
        Ok(())
    }

    /// The current step in words, for error messages.
    fn stage(&self) -> String {
        format!("step {} of {} of {}", self.state.step, self.steps(), self.log.run().path().display())
    }

    /// Passes over the data so far.
    fn epochs(&self) -> f64 {
        self.state.step as f64 / self.batch_plan.steps() as f64
    }

    /// The dropout of a micro-batch of this step whose first sample has the number `first_sample`.
    fn dropout(&self, first_sample: usize) -> Option<Dropout> {
        let p = if self.config.full { 0.0 } else { self.config.lora.dropout };
        let seed = self.config.seed.rotate_left(40) ^ (self.state.step << 16);
        (p > 0.0).then_some(Dropout { p, seed, first_sample })
    }

    /// Validates, saves a checkpoint or ends the training, as the step demands.
    fn after_step(&mut self, stop: bool, bar: &Progress) -> Result<()> {
        let step = self.state.step;
        let every = self.config.validation.every.unwrap_or(self.batch_plan.steps());
        let is_validated = step.is_multiple_of(every) || step == self.steps();
        if is_validated {
            bar.set_message("validating");
            guard(&format!("validation after {}", self.stage()), || self.validate())?;
        }
        if is_validated || stop || step.is_multiple_of(self.config.save_every) {
            guard(&format!("saving {}", self.stage()), || self.save())?;
        }
        bar.set_position(step);
        if stop && step < self.steps() {
            return Err(Error::Interrupted(format!(
                " after step {step} of {}; saved to {}\n  next: go on with --resume",
                self.steps(),
                self.log.run().path().display()
            )));
        }
        Ok(())
    }

    fn save(&self) -> Result<()> {
        let (llama, path) = (&self.trainable.model.llama, self.log.run().checkpoint(LAST));
        checkpoint::write(&path, llama, &self.adamw, &self.state, self.config, &self.dataset.catalogue.fingerprint())
    }

    fn validate(&mut self) -> Result<()> {
        let step = self.state.step;
        let report = self.validation.ask(&self.trainable.model, &self.grammar, &self.dataset.catalogue)?;
        let ndcg = report.ndcg();
        if self.state.best.is_none_or(|best| ndcg >= best.score) {
            self.trainable.write(self.log.run().path())?;
            self.state.best = Some(Best { score: ndcg, step });
        }
        self.state.seconds = self.clock.seconds();
        let (epoch, seconds) = (self.epochs(), self.state.seconds);
        self.log.record("", &Validated { step, epoch, seconds, validation: &report })?;
        for (name, sample) in report.samples() {
            self.log.text(step, &format!("lists/{name}"), sample)?;
        }
        self.last_report = Some(report);
        Ok(())
    }
}

/// The items of the history that the prompt of `example` tells; none where it tells none.
fn told_history(example: &Example) -> &[ItemId] {
    example.request.as_ref().map_or(&[], |request| recent(&request.history))
}
