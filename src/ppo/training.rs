//! The training itself: rollouts, rewards, learning, and audits in between; from a fresh policy or from where an earlier run was stopped.

use std::time::Instant;

use burn::module::Module;
use indicatif::ProgressBar;
use serde::Serialize;
use tiller_kernels::device::guard;
use tiller_models::language_model::{Hand, LanguageModel};
use tiller_models::llama::Llama;
use tiller_models::optim::AdamW;
use tiller_models::train::Sample;

use super::audit::{Audit, Report, answers, measures};
use super::config::PpoConfig;
use super::experience::{Judged, sample};
use super::learn::{Learner, Learnt};
use super::objective::Objective;
use super::policy::{Policy, log_probs, values};
use super::position::{Best, Position};
use super::prompts::Scribe;
use super::rollout::{Prompt, Rollout, Sampler};
use super::samples::Samples;
use crate::data::Dataset;
use crate::decode::Grammar;
use crate::evaluate::{Measures, Summary as Means};
use crate::instruct::Instructor;
use crate::reward::{Rewards, judge};
use crate::run::checkpoint::{self, LAST};
use crate::run::folder::RunFolder;
use crate::run::progress;
use crate::teacher::Scorer;
use crate::train::student::ADAPTER;
use crate::train::{Log, Memory};
use crate::{Error, Result};

/// How a training ended.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Iterations completed.
    pub iterations: u64,
    /// The audit that none has surpassed.
    pub best: Option<Best>,
    /// What the audit found before the first step, where this process made it.
    pub before: Option<Report>,
    /// What it found about the best policy, where this process made it.
    pub after: Option<Report>,
    /// Tokens of answers, per second over this process's iterations, audits left out.
    pub tokens_per_second: f64,
    /// The most main memory that this process has held, in bytes.
    pub peak_memory_bytes: u64,
}

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
    learnt: Learnt,
    #[serde(flatten)]
    objective: Objective,
    /// The measures of the sampled lists.
    lists: Means,
}

/// A line of metrics.jsonl: an audit.
#[derive(Debug, Serialize)]
struct Audited<'a> {
    step: u64,
    epoch: f64,
    seconds: f64,
    reward: f64,
    validation: &'a Report,
}

/// What a training works with.
pub struct Surroundings<'a, S> {
    /// Who makes the questions.
    pub instructor: &'a Instructor<'a, S>,
    /// Who ranks the items.
    pub teacher: &'a S,
    /// The data set of both.
    pub dataset: &'a Dataset,
    /// The reference policy, with its tokenizer and its template.
    pub model: LanguageModel,
    /// The settings.
    pub config: &'a PpoConfig,
}

impl<S> Surroundings<'_, S> {
    fn sampler<'s>(&'s self, grammar: &'s Grammar) -> Sampler<'s> {
        let (tokenizer, catalogue) = (&self.model.words.tokenizer, &self.dataset.catalogue);
        Sampler { tokenizer, grammar, catalogue, config: &self.config.rollout }
    }
}

/// A training in progress.
pub struct Training<'a, S> {
    around: Surroundings<'a, S>,
    grammar: Grammar,
    audit: Audit,
    log: Log<'a>,
    samples: Samples,
    policy: Policy,
    /// What the actor writes with.
    hand: Hand,
    adamw: AdamW,
    position: Position,
    clock: Clock,
    before: Option<Report>,
    after: Option<Report>,
}

/// Where the time of this process goes.
struct Clock {
    started: Instant,
    /// Seconds that earlier processes of this training have taken.
    before: f64,
    /// Tokens and seconds of this process's iterations.
    learnt: (u64, f64),
    memory: Memory,
}

impl Clock {
    fn seconds(&self) -> f64 {
        self.before + self.started.elapsed().as_secs_f64()
    }
}

impl<'a, S: Scorer> Training<'a, S> {
    /// A training of a policy that answers as the model does.
    ///
    /// # Errors
    /// Settings that make no sense, a tokenizer that cannot write the titles, a data set that has nothing to ask for.
    pub fn fresh(around: Surroundings<'a, S>, run: &'a mut RunFolder) -> Result<Self> {
        let last = run.checkpoint(LAST);
        if last.exists() {
            std::fs::remove_file(&last).map_err(Error::io(&last, "remove"))?;
        }
        let policy = Policy::fresh(&around.model.llama, around.config)?;
        let adamw = AdamW::new(around.config.optimiser);
        Self::at(around, run, None, (policy, adamw, Position::default()))
    }

    /// The training that `run` holds, from its last checkpoint on; the same as if it had never stopped.
    ///
    /// # Errors
    /// No checkpoint, or one of other settings (only `iterations` may differ) or of another catalogue.
    pub fn resume(around: Surroundings<'a, S>, run: &'a mut RunFolder) -> Result<Self> {
        let fresh = Policy::fresh(&around.model.llama, around.config)?;
        let device = fresh.actor.device();
        let last = run.checkpoint(LAST);
        let (policy, adamw, position): (_, _, Position) =
            checkpoint::read(&last, fresh, around.config, &around.dataset.catalogue, &device)?;
        run.store_config(around.config)?;
        Self::at(around, run, Some(position.iteration), (policy, adamw, position))
    }

    fn at(
        around: Surroundings<'a, S>,
        run: &'a mut RunFolder,
        last: Option<u64>,
        (policy, adamw, position): (Policy, AdamW, Position),
    ) -> Result<Self> {
        around.config.validate()?;
        let Surroundings { instructor, dataset, model, config, .. } = &around;
        let grammar = Grammar::of(&model.words.tokenizer, &dataset.catalogue)?;
        let scribe = Scribe { model, grammar: &grammar, max_tokens: config.max_tokens };
        let audit = Audit::new(instructor, dataset, &scribe, config)?;
        let samples = Samples::open(run.path(), last)?;
        let log = Log::open(run, last)?;
        let clock =
            Clock { started: Instant::now(), before: position.seconds, learnt: (0, 0.0), memory: Memory::default() };
        let hand = Hand::default();
        Ok(Self {
            around,
            grammar,
            audit,
            log,
            samples,
            policy,
            hand,
            adamw,
            position,
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
    pub fn run(mut self, stop: impl Fn() -> bool) -> Result<Summary> {
        let config = self.around.config;
        let bar = progress::bar("ppo", config.iterations, "iterations");
        bar.set_position(self.position.iteration);
        bar.reset_eta();
        if self.position.iteration == 0 {
            self.audit(&bar)?;
            self.save()?;
        }
        while self.position.iteration < config.iterations {
            let stage = format!("iteration {} of {}", self.position.iteration + 1, self.log.run().path().display());
            guard(&stage, || self.iteration(&bar, &stop)).map_err(|error| self.explain(error))?;
            let iteration = self.position.iteration;
            if iteration.is_multiple_of(config.validation.every) || iteration == config.iterations {
                self.audit(&bar)?;
            }
            self.save()?;
            bar.set_position(iteration);
        }
        bar.finish_and_clear();
        let (tokens, seconds) = self.clock.learnt;
        Ok(Summary {
            iterations: self.position.iteration,
            best: self.position.best,
            before: self.before,
            after: self.after,
            tokens_per_second: if tokens == 0 { 0.0 } else { tokens as f64 / seconds },
            peak_memory_bytes: self.clock.memory.peak,
        })
    }

    /// One round: answers, rewards, what every token earned, and the steps that follow from it.
    fn iteration(&mut self, bar: &ProgressBar, stop: &dyn Fn() -> bool) -> Result<()> {
        let start = Instant::now();
        let Surroundings { instructor, teacher, dataset, model, config } = &self.around;
        let iteration = self.position.iteration;
        let seed = config.seed.rotate_left(32) ^ iteration;
        let scribe = Scribe { model, grammar: &self.grammar, max_tokens: config.max_tokens };
        let count = config.rollout.prompts;
        let (prompts, place) = self.position.place.next(instructor, &config.practices, &scribe, count)?;

        bar.set_message("answering");
        let sampler = self.around.sampler(&self.grammar);
        let rollouts = sampler.answers(&self.policy.actor, &mut self.hand, &prompts, seed)?;
        let rewards = judge(&answers(&prompts, &rollouts), *teacher, &dataset.catalogue, &config.reward)?;
        if stop() {
            return Err(Error::Interrupted(String::new()));
        }

        bar.set_message("learning");
        let mut scales = self.position.scales.clone();
        let judged = self.judged(&prompts, &rollouts, &rewards)?;
        let trajectories = judged.trajectories(&config.reward, &config.learning, &mut scales);
        let objective = Objective::of(&prompts, &rollouts, &rewards, &trajectories, config.learning.kl);
        objective.check(&config.safety)?;
        let lr = config.schedule.rate(iteration, config.iterations);
        let steps = config.learning.epochs as usize * trajectories.len().div_ceil(config.learning.minibatch);
        let rehearsed = config.rehearsal.lessons(instructor, &scribe, iteration, steps)?;
        let learner = Learner { learning: &config.learning, safety: &config.safety, lr, rehearsed: &rehearsed };
        let mut adamw = self.adamw.clone();
        let (policy, learnt) = learner.learn(self.policy.clone(), &mut adamw, &trajectories, seed, stop)?;

        let tokens = trajectories.iter().map(|trajectory| trajectory.log_probs.len() as u64).sum::<u64>();
        let seconds = start.elapsed().as_secs_f64();
        self.clock.learnt.0 += tokens;
        self.clock.learnt.1 += seconds;
        bar.set_message(format!("reward {:.2}, KL {:.3}", objective.reward(), objective.kl()));
        let measured: Vec<Measures> =
            rollouts.iter().map(|rollout| measures(rollout, &prompts[rollout.prompt], &sampler)).collect();
        let episode = instructor.episode(&config.practices, place.episode)?.len();
        let line = Iteration {
            step: iteration + 1,
            epoch: place.episode as f64 + place.place as f64 / episode as f64,
            seconds: self.clock.seconds(),
            lr,
            tokens_per_second: tokens as f64 / seconds,
            memory_bytes: self.clock.memory.now(),
            learnt,
            objective,
            lists: Means::of(&measured),
        };
        self.log.record("train", &line)?;
        self.samples.write(iteration + 1, &prompts, &rollouts, &rewards, &dataset.catalogue)?;
        let epoch = line.epoch;
        self.position = Position {
            iteration: iteration + 1,
            epoch,
            place,
            scales,
            seconds: line.seconds,
            best: self.position.best,
        };
        (self.policy, self.adamw) = (policy, adamw);
        Ok(())
    }

    /// The answers with all that is known about their tokens before learning.
    fn judged<'b>(&self, prompts: &'b [Prompt], rollouts: &'b [Rollout], rewards: &'b [Rewards]) -> Result<Judged<'b>> {
        let batch = self.around.config.learning.batch;
        let samples: Vec<Sample> = rollouts.iter().map(|rollout| sample(&prompts[rollout.prompt], rollout)).collect();
        let how = self.policy.how();
        // Tokens were drawn with their log-probabilities at temperature 1.
        let drawn = |rollout: &Rollout| rollout.log_probs.clone().filter(|_| how.temperature == 1.0);
        let drawn: Option<Vec<Vec<f32>>> = rollouts.iter().map(drawn).collect();
        let of = |llama: &Llama| log_probs(llama, &samples, &how, batch);
        Ok(Judged {
            prompts,
            rollouts,
            rewards,
            log_probs: drawn.map_or_else(|| of(&self.policy.actor), Ok)?,
            references: of(&self.around.model.llama)?,
            values: self.policy.critic.as_ref().map(|critic| values(critic, &samples, batch)).transpose()?,
        })
    }

    /// Audits the policy, and keeps it where none was better.
    fn audit(&mut self, bar: &ProgressBar) -> Result<()> {
        bar.set_message("validating");
        let Surroundings { teacher, config, .. } = &self.around;
        let (sampler, actor) = (self.around.sampler(&self.grammar), self.policy.actor.valid());
        let report = self.audit.of(&actor, &mut self.hand, &sampler, *teacher, &config.reward)?;
        let (reward, step) = (report.reward(), self.position.iteration);
        self.position.seconds = self.clock.seconds();
        let Position { epoch, seconds, .. } = self.position;
        self.log.record("validation", &Audited { step, epoch, seconds, reward, validation: &report })?;
        if self.position.best.is_none_or(|best| reward > best.reward) {
            let mut adapter = self.policy.adapter();
            adapter.base_model = config.model.clone();
            adapter.write(&self.log.run().path().join(ADAPTER))?;
            self.position.best = Some(Best { reward, iteration: step });
            self.after = Some(report.clone());
        }
        if step == 0 {
            self.before = Some(report);
        }
        Ok(())
    }

    fn save(&self) -> Result<()> {
        let (config, catalogue) = (self.around.config, &self.around.dataset.catalogue);
        let path = self.log.run().checkpoint(LAST);
        checkpoint::write(&path, &self.policy, &self.adamw, &self.position, config, catalogue)
    }

    /// The error of an iteration, with where it happened, what is kept and what can be done.
    fn explain(&self, error: Error) -> Error {
        let (iteration, run) = (self.position.iteration, self.log.run().path().display());
        match error {
            Error::Interrupted(_) => Error::Interrupted(format!(
                " in iteration {}; saved to {run} as it was before\n  next: go on with --resume",
                iteration + 1
            )),
            Error::Failed(trouble) => Error::Failed(format!(
                "iteration {}: {trouble}\n  {run} keeps the state before it and the best adapter\n  next: train again with a lower \
                 --lr, or a higher --set learning.kl=…; tune a model longer that was hardly tuned, since rehearsal changes it",
                iteration + 1
            )),
            other => other,
        }
    }
}
