//! The training itself: rollouts, the teacher's targets on them, steps of the optimiser, and evaluations in between; from the first
//! iteration or from where an earlier run was stopped.

use std::time::Instant;

use burn::module::Module;
use serde::Serialize;
use tiller_kernels::device::guard;
use tiller_models::language_model::Backend;
use tiller_models::llama::Llama;
use tiller_models::memory::ComputeDevice;
use tiller_models::optim::AdamW;
use tiller_models::train::{ForwardOptions, WeightedExample};

use super::config::DistillConfig;
use super::context::DistillContext;
use super::examples::{DistillExample, Policies, examples};
use super::state::{DistillPosition, DistillState};
use crate::constrain::Grammar;
use crate::data::rng::SeededRng;
use crate::evaluate::{Measures, MetricMeans};
use crate::ppo::policy_eval::{PolicyEval, PolicyEvalReport, answers, measures};
use crate::ppo::prompts::PromptEncoder;
use crate::ppo::rollout::{self, Prompt, Rollout, Sampler};
use crate::ppo::sample_log::SampleLog;
use crate::ppo::summary::{PolicySummary, ValidationRecord};
use crate::reward::compute_rewards;
use crate::run::checkpoint::{self, LAST};
use crate::run::folder::RunFolder;
use crate::run::progress::Progress;
use crate::teacher::Scorer;
use crate::train::gradient::gradient;
use crate::train::micro_batch::{MicroBatcher, MicroBatches};
use crate::train::{Best, Log, TrainableModel, TrainingClock};
use crate::{Error, Result};

/// A line of metrics.jsonl: one iteration.
#[derive(Debug, Serialize)]
struct Iteration {
    step: u64,
    /// Passes over the prompts, with the part of the one at hand.
    epoch: f64,
    seconds: f64,
    lr: f64,
    /// Tokens of answers, from their sampling to the end of learning.
    tokens_per_second: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_bytes: Option<u64>,
    #[serde(flatten)]
    update: StepStats,
    /// The mean list reward.
    reward: f64,
    /// The part of the answers that the teacher followed to the end of their list.
    whole: f64,
    /// The measures of the sampled lists.
    lists: MetricMeans,
}

/// The figures of an iteration's steps, as means over them.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct StepStats {
    /// KL(target ‖ policy) at the tokens of the answers, by their weights, in nats.
    loss: f64,
    /// The loss of the supervised examples, by its weight; none where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    ptx_loss: Option<f64>,
    /// Before clipping.
    grad_norm: f64,
}

/// A distillation in progress.
pub struct DistillTrainer<'a, S> {
    context: DistillContext<'a, S>,
    grammar: Grammar,
    policy_eval: PolicyEval,
    log: Log<'a>,
    samples: SampleLog,
    trainable: TrainableModel,
    /// The policy as it was before the first step, where it has a part in the targets.
    reference: Option<Llama>,
    /// The generator of the policy's answers.
    backend: Backend,
    adamw: AdamW,
    state: DistillState,
    micro_batcher: MicroBatcher,
    clock: TrainingClock,
    before: Option<PolicyEvalReport>,
    after: Option<PolicyEvalReport>,
}

impl<'a, S: Scorer> DistillTrainer<'a, S> {
    /// A distillation of `trainable` from its first iteration on. What an earlier training left in `run` is dropped.
    ///
    /// # Errors
    /// Settings that make no sense, a tokenizer that cannot write the titles, a data set that has nothing to ask for.
    pub fn fresh(context: DistillContext<'a, S>, run: &'a mut RunFolder, trainable: TrainableModel) -> Result<Self> {
        let last = run.checkpoint(LAST);
        if last.exists() {
            std::fs::remove_file(&last).map_err(Error::io(&last, "remove"))?;
        }
        trainable.remove_stale(run.path())?;
        let (reference, adamw) = (reference(context.config, &trainable), AdamW::new(context.config.optimiser));
        Self::at(context, run, None, (trainable, reference, adamw, DistillState::default()))
    }

    /// The distillation that `run` holds, from its last checkpoint on; the same as if it had never stopped. `trainable` is as it was
    /// before the first step.
    ///
    /// # Errors
    /// No checkpoint, or one of other settings (only `iterations` may differ) or of another catalogue.
    pub fn resume(
        context: DistillContext<'a, S>,
        run: &'a mut RunFolder,
        mut trainable: TrainableModel,
    ) -> Result<Self> {
        let (config, catalogue) = (context.config, context.dataset.catalogue.fingerprint());
        let (last, device) = (run.checkpoint(LAST), trainable.model.llama.device());
        let reference = reference(config, &trainable);
        let (llama, adamw, state): (_, _, DistillState) =
            checkpoint::read(&last, trainable.model.llama, config, &catalogue, &device)?;
        trainable.model.llama = llama;
        run.store_config(config)?;
        let last = Some(state.step);
        Self::at(context, run, last, (trainable, reference, adamw, state))
    }

    fn at(
        context: DistillContext<'a, S>,
        run: &'a mut RunFolder,
        last: Option<u64>,
        (trainable, reference, adamw, mut state): (TrainableModel, Option<Llama>, AdamW, DistillState),
    ) -> Result<Self> {
        let DistillContext { builder, dataset, config, .. } = &context;
        config.validate()?;
        let trainable = trainable.with_matmul_precision(config.matmul_precision);
        let (model, catalogue) = (&trainable.model, &dataset.catalogue);
        let grammar = Grammar::of(&model.codec.tokenizer, catalogue)?;
        let encoder = PromptEncoder { model, grammar: &grammar, catalogue, max_tokens: config.max_tokens };
        let policy_eval = PolicyEval::new(builder, dataset, &encoder, (&config.tasks, &config.validation))?;
        let samples = SampleLog::open(run.path(), last)?;
        let log = Log::open(run, last)?;
        let device = model.llama.device();
        let memory = config.memory(model.llama.config().clone(), ComputeDevice::of(&device))?;
        let micro_batcher = match config.batch {
            Some(answers) => MicroBatcher::fixed(memory, answers),
            None => MicroBatcher::fitting(memory, state.memory_budget(&device)),
        };
        let (backend, clock) = (rollout::backend(&model.llama)?, TrainingClock::after(state.seconds));
        let (before, after) = (None, None);
        Ok(Self {
            context,
            grammar,
            policy_eval,
            log,
            samples,
            trainable,
            reference,
            backend,
            adamw,
            state,
            micro_batcher,
            clock,
            before,
            after,
        })
    }

    /// Distils to the end; the best model is in the run folder then. After each step `stop` is asked whether to end early.
    ///
    /// # Errors
    /// A loss that is NaN or infinite, a device or a disk that fails; [`Error::Interrupted`] where `stop` said so. The run folder then
    /// has the state after the last whole iteration.
    pub fn run(mut self, stop: impl Fn() -> bool) -> Result<PolicySummary> {
        let config = self.context.config;
        let bar = Progress::start("distill", config.iterations, "iterations");
        bar.resume_at(self.state.step);
        if self.state.step == 0 {
            self.evaluate(&bar)?;
            self.save()?;
        }
        while self.state.step < config.iterations {
            guard(&self.stage(), || self.iteration(&bar, &stop))?;
            let iteration = self.state.step;
            if iteration.is_multiple_of(config.validation.every) || iteration == config.iterations {
                self.evaluate(&bar)?;
            }
            self.save()?;
            bar.set_position(iteration);
        }
        bar.finish();
        Ok(PolicySummary {
            iterations: self.state.step,
            best: self.state.best,
            before: self.before,
            after: self.after,
            tokens_per_second: self.clock.tokens_per_second(),
            peak_memory_bytes: self.clock.memory.peak,
        })
    }

    /// One round: answers, what the teacher would have written in their place, and the steps that follow from it.
    fn iteration(&mut self, bar: &Progress, stop: &dyn Fn() -> bool) -> Result<()> {
        let start = Instant::now();
        let DistillContext { builder, teacher, dataset, config } = self.context;
        let iteration = self.state.step;
        let seed = config.seed.rotate_left(32) ^ iteration;
        let (prompts, place) =
            self.state.position.place.next(builder, &config.tasks, &self.encoder(), config.rollout.prompts)?;

        bar.set_message("answering");
        let rollouts = self.answer(&prompts, seed)?;
        let rewards = compute_rewards(&answers(&prompts, &rollouts), teacher, &dataset.catalogue, &config.reward)?;

        bar.set_message("learning");
        let own = (config.constraint_weight > 0.0).then(|| self.trainable.model.llama.valid());
        let (reference, own, micro_batcher) = (self.reference.as_ref(), own.as_ref(), &self.micro_batcher);
        let policies = Policies { reference, own, micro_batcher };
        let mut examples = examples(&self.context, &self.grammar, &prompts, &rollouts, &policies)?;
        let whole = examples.iter().filter(|example| example.is_whole).count() as f64 / rollouts.len() as f64;
        SeededRng::new(seed, ORDER).shuffle(&mut examples);
        let steps = examples.len().div_ceil(config.minibatch);
        let ptx_examples = config.sft_mixin.weighted_examples(builder, &self.encoder(), iteration, steps)?;
        let lr = config.schedule.rate(iteration, config.iterations);
        let (mut trained, mut total) = ((self.trainable.model.llama.clone(), self.adamw.clone()), StepStats::default());
        for (number, minibatch) in examples.chunks(config.minibatch).enumerate() {
            let ptx_examples = ptx_examples.get(number).map(Vec::as_slice);
            total.add(&self.step(&mut trained, minibatch, ptx_examples, lr)?);
            if stop() {
                return Err(self.interrupted());
            }
        }
        (self.trainable.model.llama, self.adamw) = trained;

        let update = total.over(steps);
        let tokens = rollouts.iter().map(|rollout| rollout.tokens.len() as u64).sum();
        let tokens_per_second = self.clock.step(tokens, start);
        bar.set_message(format!("divergence {:.3}", update.loss));
        let sampler = sampler(&self.context, &self.trainable, &self.grammar);
        let measured: Vec<Measures> =
            rollouts.iter().map(|rollout| measures(rollout, &prompts[rollout.prompt], &sampler)).collect();
        let episode = builder.episode(&config.tasks, place.episode)?.len();
        let line = Iteration {
            step: iteration + 1,
            epoch: place.episode as f64 + place.place as f64 / episode as f64,
            seconds: self.clock.seconds(),
            lr,
            tokens_per_second,
            memory_bytes: self.clock.memory.now(),
            update,
            reward: rewards.iter().map(|rewards| rewards.list).sum::<f64>() / rewards.len().max(1) as f64,
            whole,
            lists: MetricMeans::of(&measured),
        };
        self.log.record("train", &line)?;
        self.samples.write(iteration + 1, &prompts, &rollouts, &rewards, &dataset.catalogue)?;
        self.state.step += 1;
        self.state.seconds = line.seconds;
        self.state.position = DistillPosition { epoch: line.epoch, place };
        Ok(())
    }

    /// The policy's own answers.
    fn answer(&mut self, prompts: &[Prompt], seed: u64) -> Result<Vec<Rollout>> {
        let llama = self.policy()?;
        let sampler = sampler(&self.context, &self.trainable, &self.grammar);
        sampler.answers(&llama, self.backend.generator(), prompts, seed)
    }

    /// The policy as it is now, with its generator ready. A generator takes over the weights of an adapter alone.
    fn policy(&mut self) -> Result<Llama> {
        let llama = self.trainable.model.llama.valid();
        if self.trainable.is_full() {
            self.backend = rollout::backend(&llama)?;
        }
        Ok(llama)
    }

    /// One step along the gradient of some answers' divergence and of supervised examples.
    fn step(
        &mut self,
        (llama, adamw): &mut (Llama, AdamW),
        examples: &[DistillExample],
        ptx_examples: Option<&[WeightedExample]>,
        lr: f64,
    ) -> Result<StepStats> {
        let (stage, device) = (self.stage(), llama.device());
        let mut compute = |examples: Vec<WeightedExample>| {
            let compute =
                |split: &MicroBatches<WeightedExample>| gradient(&*llama, split, false, |_| ForwardOptions::default());
            self.micro_batcher.compute(&stage, &[examples], |example| example.tokens.len(), &device, compute)
        };
        let (mut gradients, cross_entropy) = compute(examples.iter().map(|example| example.example.clone()).collect())?;
        let mut ptx_loss = None;
        if let Some(examples) = ptx_examples {
            let (part, loss) = compute(examples.to_vec())?;
            gradients.add(part);
            ptx_loss = Some(loss);
        }
        let entropy = examples.iter().map(|example| example.entropy).sum::<f64>() / examples.len() as f64;
        let (moved, grad_norm) = adamw.step(llama.clone(), gradients, lr);
        *llama = moved;
        if !(cross_entropy.is_finite() && grad_norm.is_finite()) {
            return Err(Error::Failed(format!(
                "iteration {}: the loss or its gradient is NaN or infinite\n  {} keeps the state before it and the best model\n  \
                 next: distil again with a lower --lr",
                self.state.step + 1,
                self.log.run().path().display()
            )));
        }
        Ok(StepStats { loss: cross_entropy - entropy, ptx_loss, grad_norm })
    }

    /// Evaluates the policy, and keeps it where none was better.
    fn evaluate(&mut self, bar: &Progress) -> Result<()> {
        bar.set_message("validating");
        let DistillContext { teacher, config, .. } = self.context;
        let llama = self.policy()?;
        let sampler = sampler(&self.context, &self.trainable, &self.grammar);
        let report = self.policy_eval.of(&llama, self.backend.generator(), &sampler, teacher, &config.reward)?;
        let (reward, step) = (report.reward(), self.state.step);
        self.state.seconds = self.clock.seconds();
        let DistillState { seconds, position: DistillPosition { epoch, .. }, .. } = self.state;
        self.log.record("validation", &ValidationRecord { step, epoch, seconds, reward, validation: &report })?;
        if self.state.best.is_none_or(|best| reward > best.score) {
            self.trainable.write(self.log.run().path())?;
            self.state.best = Some(Best { score: reward, step });
            self.after = Some(report.clone());
        }
        if step == 0 {
            self.before = Some(report);
        }
        Ok(())
    }

    fn encoder(&self) -> PromptEncoder<'_> {
        let (model, catalogue) = (&self.trainable.model, &self.context.dataset.catalogue);
        PromptEncoder { model, grammar: &self.grammar, catalogue, max_tokens: self.context.config.max_tokens }
    }

    fn save(&self) -> Result<()> {
        let (config, catalogue) = (self.context.config, &self.context.dataset.catalogue);
        let (llama, path) = (&self.trainable.model.llama, self.log.run().checkpoint(LAST));
        checkpoint::write(&path, llama, &self.adamw, &self.state, config, &catalogue.fingerprint())
    }

    /// The current iteration in words, for error messages.
    fn stage(&self) -> String {
        format!("iteration {} of {}", self.state.step + 1, self.log.run().path().display())
    }

    fn interrupted(&self) -> Error {
        Error::Interrupted(format!(
            " in iteration {}; saved to {} as it was before\n  next: go on with --resume",
            self.state.step + 1,
            self.log.run().path().display()
        ))
    }
}

/// The reference policy; none where the targets are the teacher's alone.
fn reference(config: &DistillConfig, trainable: &TrainableModel) -> Option<Llama> {
    (f64::from(config.guide_weight) > 0.0).then(|| trainable.model.llama.valid())
}

/// The sampler of the policy's answers.
fn sampler<'s, S>(context: &'s DistillContext<S>, trainable: &'s TrainableModel, grammar: &'s Grammar) -> Sampler<'s> {
    let (tokenizer, catalogue) = (&trainable.model.codec.tokenizer, &context.dataset.catalogue);
    Sampler { tokenizer, grammar, catalogue, config: &context.config.rollout }
}

/// The stream of chance that orders the answers of an iteration.
const ORDER: u64 = 0xd15;

impl StepStats {
    fn add(&mut self, step: &Self) {
        self.loss += step.loss;
        self.grad_norm += step.grad_norm;
        if let Some(loss) = step.ptx_loss {
            *self.ptx_loss.get_or_insert(0.0) += loss;
        }
    }

    /// The means of sums over so many steps.
    fn over(self, steps: usize) -> Self {
        let steps = steps.max(1) as f64;
        Self {
            loss: self.loss / steps,
            ptx_loss: self.ptx_loss.map(|loss| loss / steps),
            grad_norm: self.grad_norm / steps,
        }
    }
}
