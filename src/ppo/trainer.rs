//! The training itself: rollouts, rewards, learning, and evaluations in between; from a fresh policy or from where an earlier run was stopped.

use std::time::Instant;

use burn::module::Module;
use serde::Serialize;
use tiller_kernels::device::guard;
use tiller_models::language_model::{Backend, LanguageModel};
use tiller_models::llama::Llama;
use tiller_models::memory::ComputeDevice;
use tiller_models::optim::AdamW;
use tiller_models::train::Sample;

use super::config::PpoConfig;
use super::experience::{ScoredRollouts, sample};
use super::memory::PpoMemory;
use super::objective::Objective;
use super::policy::{Policy, log_probs, values};
use super::policy_eval::{PolicyEval, PolicyEvalReport, answers, measures};
use super::prompts::PromptEncoder;
use super::rollout::{self, Prompt, Rollout, RolloutConfig, Sampler};
use super::sample_log::SampleLog;
use super::state::{PpoPosition, PpoState};
use super::summary::{PolicySummary, ValidationRecord};
use super::update::{PpoUpdater, UpdateStats};
use crate::constrain::Grammar;
use crate::data::Dataset;
use crate::evaluate::{Measures, MetricMeans};
use crate::instruct::ExampleBuilder;
use crate::reward::{Rewards, compute_rewards};
use crate::run::checkpoint::{self, LAST};
use crate::run::folder::RunFolder;
use crate::run::progress::Progress;
use crate::teacher::Scorer;
use crate::train::trainable_model::ADAPTER;
use crate::train::{Best, Log, TrainingClock};
use crate::{Error, Result};

/// A line of metrics.jsonl: one iteration.
#[derive(Debug, Serialize)]
struct Iteration {
    step: u64,
    /// Passes over the questions, with the part of the one at hand.
    epoch: f64,
    seconds: f64,
    lr: f64,
    /// Tokens of answers, from their sampling to the end of learning.
    tokens_per_second: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_bytes: Option<u64>,
    #[serde(flatten)]
    update: UpdateStats,
    #[serde(flatten)]
    objective: Objective,
    /// The measures of the sampled lists.
    lists: MetricMeans,
}

/// The inputs of a training.
pub struct TrainContext<'a, S> {
    /// The source of the prompts.
    pub builder: &'a ExampleBuilder<'a, S>,
    /// The ranking of items.
    pub teacher: &'a S,
    /// The data set of both.
    pub dataset: &'a Dataset,
    /// The reference policy, with its tokenizer and its template.
    pub model: LanguageModel,
    /// The settings.
    pub config: &'a PpoConfig,
}

impl<S> TrainContext<'_, S> {
    fn sampler<'s>(&'s self, grammar: &'s Grammar, config: &'s RolloutConfig) -> Sampler<'s> {
        let (tokenizer, catalogue) = (&self.model.codec.tokenizer, &self.dataset.catalogue);
        Sampler { tokenizer, grammar, catalogue, config }
    }
}

/// A training in progress.
pub struct PpoTrainer<'a, S> {
    context: TrainContext<'a, S>,
    grammar: Grammar,
    policy_eval: PolicyEval,
    log: Log<'a>,
    samples: SampleLog,
    policy: Policy,
    /// The generator of the actor's answers.
    backend: Backend,
    adamw: AdamW,
    state: PpoState,
    clock: TrainingClock,
    before: Option<PolicyEvalReport>,
    after: Option<PolicyEvalReport>,
}

impl<'a, S: Scorer> PpoTrainer<'a, S> {
    /// A training of a policy that answers as the model does.
    ///
    /// # Errors
    /// Settings that make no sense, a tokenizer that cannot write the titles, a data set that has nothing to ask for.
    pub fn fresh(context: TrainContext<'a, S>, run: &'a mut RunFolder) -> Result<Self> {
        let last = run.checkpoint(LAST);
        if last.exists() {
            std::fs::remove_file(&last).map_err(Error::io(&last, "remove"))?;
        }
        let policy = Policy::fresh(&context.model.llama, context.config)?;
        let adamw = AdamW::new(context.config.optimiser);
        Self::at(context, run, None, (policy, adamw, PpoState::default()))
    }

    /// The training that `run` holds, from its last checkpoint on; the same as if it had never stopped.
    ///
    /// # Errors
    /// No checkpoint, or one of other settings (only `iterations` may differ) or of another catalogue.
    pub fn resume(context: TrainContext<'a, S>, run: &'a mut RunFolder) -> Result<Self> {
        let fresh = Policy::fresh(&context.model.llama, context.config)?;
        let device = fresh.actor.device();
        let last = run.checkpoint(LAST);
        let (policy, adamw, state): (_, _, PpoState) =
            checkpoint::read(&last, fresh, context.config, &context.dataset.catalogue.fingerprint(), &device)?;
        run.store_config(context.config)?;
        Self::at(context, run, Some(state.step), (policy, adamw, state))
    }

    fn at(
        context: TrainContext<'a, S>,
        run: &'a mut RunFolder,
        last: Option<u64>,
        (policy, adamw, mut state): (Policy, AdamW, PpoState),
    ) -> Result<Self> {
        state.memory_budget(&context.model.llama.device());
        context.config.validate()?;
        let TrainContext { builder, dataset, model, config, .. } = &context;
        let grammar = Grammar::of(&model.codec.tokenizer, &dataset.catalogue)?;
        let encoder =
            PromptEncoder { model, grammar: &grammar, catalogue: &dataset.catalogue, max_tokens: config.max_tokens };
        let policy_eval = PolicyEval::new(builder, dataset, &encoder, (&config.tasks, &config.validation))?;
        let samples = SampleLog::open(run.path(), last)?;
        let log = Log::open(run, last)?;
        let clock = TrainingClock::after(state.seconds);
        let backend = rollout::backend(&policy.actor)?;
        Ok(Self {
            context,
            grammar,
            policy_eval,
            log,
            samples,
            policy,
            backend,
            adamw,
            state,
            clock,
            before: None,
            after: None,
        })
    }

    /// Trains to the end; the best actor is in the run folder then. Now and then `stop` is asked whether to end early.
    ///
    /// # Errors
    /// A policy that has run away, a device or a disk that fails; [`Error::Interrupted`] where `stop` said so. The run folder then has
    /// the state after the last whole iteration.
    pub fn run(mut self, stop: impl Fn() -> bool) -> Result<PolicySummary> {
        let config = self.context.config;
        let bar = Progress::start("ppo", config.iterations, "iterations");
        bar.resume_at(self.state.step);
        if self.state.step == 0 {
            self.evaluate(&bar)?;
            self.save()?;
        }
        while self.state.step < config.iterations {
            let stage = format!("iteration {} of {}", self.state.step + 1, self.log.run().path().display());
            guard(&stage, || self.iteration(&bar, &stop)).map_err(|error| self.explain(error))?;
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

    /// One round: answers, rewards, what every token earned, and the steps that follow from it.
    fn iteration(&mut self, bar: &Progress, stop: &dyn Fn() -> bool) -> Result<()> {
        let start = Instant::now();
        let TrainContext { builder, teacher, dataset, model, config } = &self.context;
        let iteration = self.state.step;
        let seed = config.seed.rotate_left(32) ^ iteration;
        let encoder = PromptEncoder {
            model,
            grammar: &self.grammar,
            catalogue: &dataset.catalogue,
            max_tokens: config.max_tokens,
        };
        let count = config.rollout.prompts;
        let (prompts, place) = self.state.position.place.next(builder, &config.tasks, &encoder, count)?;

        bar.set_message("answering");
        let rollout = self.rollout(&prompts)?;
        let sampler = self.context.sampler(&self.grammar, &rollout);
        let rollouts = sampler.answers(&self.policy.actor, self.backend.generator(), &prompts, seed)?;
        let rewards = compute_rewards(&answers(&prompts, &rollouts), *teacher, &dataset.catalogue, &config.reward)?;
        if stop() {
            return Err(Error::Interrupted(String::new()));
        }

        bar.set_message("learning");
        let mut scales = self.state.position.scales.clone();
        let scored_rollouts = self.scored_rollouts(&prompts, &rollouts, &rewards)?;
        let trajectories = scored_rollouts.trajectories(&config.reward, &config.learning, &mut scales);
        let objective = Objective::of(&prompts, &rollouts, &rewards, &trajectories, config.learning.kl_coef);
        objective.check(&config.divergence_guard)?;
        let lr = config.schedule.rate(iteration, config.iterations);
        let steps = config.learning.epochs as usize * trajectories.len().div_ceil(config.learning.minibatch);
        let ptx_examples = config.sft_mixin.weighted_examples(builder, &encoder, iteration, steps)?;
        let micro_batcher = self.memory()?.micro_batcher(self.state.memory);
        let updater = PpoUpdater {
            learning: &config.learning,
            divergence_guard: &config.divergence_guard,
            lr,
            ptx_examples: &ptx_examples,
            micro_batcher,
        };
        let mut adamw = self.adamw.clone();
        let (policy, update) = updater.update(self.policy.clone(), &mut adamw, &trajectories, seed, stop)?;

        let tokens = trajectories.iter().map(|trajectory| trajectory.log_probs.len() as u64).sum::<u64>();
        let tokens_per_second = self.clock.step(tokens, start);
        bar.set_message(format!("reward {:.2}, KL {:.3}", objective.reward(), objective.kl()));
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
            objective,
            lists: MetricMeans::of(&measured),
        };
        self.log.record("train", &line)?;
        self.samples.write(iteration + 1, &prompts, &rollouts, &rewards, &dataset.catalogue)?;
        self.state.step += 1;
        self.state.seconds = line.seconds;
        self.state.position = PpoPosition { epoch: line.epoch, place, scales };
        (self.policy, self.adamw) = (policy, adamw);
        Ok(())
    }

    /// The answers with all that is known about their tokens before learning.
    fn scored_rollouts<'b>(
        &self,
        prompts: &'b [Prompt],
        rollouts: &'b [Rollout],
        rewards: &'b [Rewards],
    ) -> Result<ScoredRollouts<'b>> {
        let samples: Vec<Sample> = rollouts.iter().map(|rollout| sample(&prompts[rollout.prompt], rollout)).collect();
        let longest = samples.iter().map(|sample| sample.tokens.len()).max().unwrap_or(1);
        let micro_batcher = self.memory()?.micro_batcher(self.state.memory);
        let batch = micro_batcher.fit(self.context.config.learning.minibatch, longest)?.micro_batch;
        let how = self.policy.how();
        // Tokens were drawn with their log-probabilities at temperature 1.
        let drawn = |rollout: &Rollout| rollout.log_probs.clone().filter(|_| how.temperature == 1.0);
        let drawn: Option<Vec<Vec<f32>>> = rollouts.iter().map(drawn).collect();
        let of = |llama: &Llama| log_probs(llama, &samples, &how, batch);
        Ok(ScoredRollouts {
            prompts,
            rollouts,
            rewards,
            log_probs: drawn.map_or_else(|| of(&self.policy.actor), Ok)?,
            references: of(&self.context.model.llama)?,
            values: self.policy.critic.as_ref().map(|critic| values(critic, &samples, batch)).transpose()?,
        })
    }

    /// Evaluates the policy, and keeps it where none was better.
    fn evaluate(&mut self, bar: &Progress) -> Result<()> {
        bar.set_message("validating");
        let TrainContext { teacher, config, .. } = &self.context;
        let rollout = self.rollout(self.policy_eval.prompts())?;
        let (sampler, actor) = (self.context.sampler(&self.grammar, &rollout), self.policy.actor.valid());
        let report = self.policy_eval.of(&actor, self.backend.generator(), &sampler, *teacher, &config.reward)?;
        let (reward, step) = (report.reward(), self.state.step);
        self.state.seconds = self.clock.seconds();
        let PpoState { seconds, position: PpoPosition { epoch, .. }, .. } = self.state;
        self.log.record("validation", &ValidationRecord { step, epoch, seconds, reward, validation: &report })?;
        if self.state.best.is_none_or(|best| reward > best.score) {
            let mut adapter = self.policy.adapter();
            adapter.base_model = config.model.clone();
            adapter.items = self.context.model.item_tokens()?;
            adapter.write(&self.log.run().path().join(ADAPTER))?;
            self.state.best = Some(Best { score: reward, step });
            self.after = Some(report.clone());
        }
        if step == 0 {
            self.before = Some(report);
        }
        Ok(())
    }

    fn memory(&self) -> Result<PpoMemory<'a>> {
        let llama = &self.context.model.llama;
        PpoMemory::new(llama.config().clone(), self.context.config, ComputeDevice::of(&llama.device()))
    }

    /// The settings of rollouts, with as many answers at once as fit into memory.
    fn rollout(&self, prompts: &[Prompt]) -> Result<RolloutConfig> {
        let config = &self.context.config.rollout;
        let longest = prompts.iter().map(|prompt| prompt.tokens.len() + prompt.max_answer_tokens).max().unwrap_or(1);
        let answers = prompts.len() * config.samples;
        let batch = self.memory()?.rollout_batch(answers, longest, self.state.memory)?;
        Ok(RolloutConfig { batch: Some(batch), ..config.clone() })
    }

    fn save(&self) -> Result<()> {
        let (config, catalogue) = (self.context.config, &self.context.dataset.catalogue);
        let path = self.log.run().checkpoint(LAST);
        checkpoint::write(&path, &self.policy, &self.adamw, &self.state, config, &catalogue.fingerprint())
    }

    /// The error of an iteration, with where it happened, what is kept and what can be done.
    fn explain(&self, error: Error) -> Error {
        let (iteration, run) = (self.state.step, self.log.run().path().display());
        match error {
            Error::Interrupted(_) => Error::Interrupted(format!(
                " in iteration {}; saved to {run} as it was before\n  next: go on with --resume",
                iteration + 1
            )),
            Error::Failed(trouble) => Error::Failed(format!(
                "iteration {}: {trouble}\n  {run} keeps the state before it and the best adapter\n  next: train again with a lower \
                 --lr, or a higher --set learning.kl_coef=…; tune a model longer that was hardly tuned, since the supervised examples change it",
                iteration + 1
            )),
            other => other,
        }
    }
}
