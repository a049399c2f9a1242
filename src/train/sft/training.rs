//! The training itself, from a fresh student or from where an earlier run was stopped.

use std::time::Instant;

use indicatif::ProgressBar;
use rayon::prelude::*;
use serde::Serialize;
use tiller_kernels::device::guard;
use tiller_models::lora::Dropout;
use tiller_models::optim::AdamW;
use tiller_models::train::{Forward, Lesson};

use super::batches::{Cut, WINDOW};
use super::config::SftConfig;
use super::position::{Best, Position};
use crate::data::Dataset;
use crate::data::split::recent;
use crate::decode::Grammar;
use crate::instruct::{Example, Instructor, Part};
use crate::run::checkpoint::{self, LAST};
use crate::run::folder::RunFolder;
use crate::run::progress;
use crate::teacher::Scorer;
use crate::train::gradient::gradient;
use crate::train::lesson::Histories;
use crate::train::room::Room;
use crate::train::sample::sample;
use crate::train::student::Student;
use crate::train::validation::{Report, Validation};
use crate::train::{Log, Memory};
use crate::{Error, Result};

/// How a training ended.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Steps taken.
    pub steps: u64,
    /// The best validation.
    pub best: Option<Best>,
    /// What the last validation found.
    pub validation: Option<Report>,
    /// Tokens that the steps have read, padding left out.
    pub tokens: u64,
    /// Tokens per second over this process's steps, validations left out.
    pub tokens_per_second: f64,
    /// The most main memory that this process has held, in bytes.
    pub peak_memory_bytes: u64,
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
    validation: &'a Report,
}

/// A training in progress.
pub struct Training<'a, S> {
    instructor: &'a Instructor<'a, S>,
    dataset: &'a Dataset,
    config: &'a SftConfig,
    log: Log<'a>,
    student: Student,
    grammar: Grammar,
    histories: Histories,
    validation: Validation,
    adamw: AdamW,
    position: Position,
    cut: Cut,
    room: Room,
    clock: Clock,
    last_report: Option<Report>,
}

/// Where the time of this process goes.
struct Clock {
    started: Instant,
    /// Seconds that earlier processes of this training have taken.
    before: f64,
    /// Tokens and seconds of this process's steps.
    trained: (u64, f64),
    memory: Memory,
}

impl<'a, S: Scorer> Training<'a, S> {
    /// A training of `student` from its first step on. What an earlier training left in `run` is dropped.
    ///
    /// # Errors
    /// Settings that make no sense, a data set that cannot be learnt from, a tokenizer that cannot write its titles.
    pub fn fresh(
        instructor: &'a Instructor<'a, S>,
        dataset: &'a Dataset,
        config: &'a SftConfig,
        run: &'a mut RunFolder,
        student: Student,
    ) -> Result<Self> {
        let last = run.checkpoint(LAST);
        if last.exists() {
            std::fs::remove_file(&last).map_err(Error::io(&last, "remove"))?;
        }
        student.forget(run.path())?;
        let adamw = AdamW::new(config.optimiser);
        Self::at(instructor, dataset, config, Log::open(run, None)?, (student, adamw, Position::default()))
    }

    /// The training that `run` holds, from its last checkpoint on; the same as if it had never stopped. `student` is as it was before
    /// the first step.
    ///
    /// # Errors
    /// No checkpoint, or one of other settings (only `epochs` and `steps` may differ) or of another catalogue.
    pub fn resume(
        instructor: &'a Instructor<'a, S>,
        dataset: &'a Dataset,
        config: &'a SftConfig,
        run: &'a mut RunFolder,
        mut student: Student,
    ) -> Result<Self> {
        let last = run.checkpoint(LAST);
        let device = student.model.llama.device();
        let (llama, adamw, position): (_, _, Position) =
            checkpoint::read(&last, student.model.llama, config, &dataset.catalogue, &device)?;
        student.model.llama = llama;
        run.store_config(config)?;
        Self::at(instructor, dataset, config, Log::open(run, Some(position.step))?, (student, adamw, position))
    }

    fn at(
        instructor: &'a Instructor<'a, S>,
        dataset: &'a Dataset,
        config: &'a SftConfig,
        log: Log<'a>,
        (student, adamw, position): (Student, AdamW, Position),
    ) -> Result<Self> {
        config.validate()?;
        let grammar = Grammar::of(&student.model.words.tokenizer, &dataset.catalogue)?;
        let histories = Histories::new(&student.model.words, &dataset.catalogue, config.history_weight)?;
        let validation = Validation::new(instructor, dataset, &config.data.tasks, &config.validation)?;
        let places = instructor.epoch(Part::Training, 0)?.len();
        let cut = Cut { places, batch: config.batch, accumulate: config.accumulate };
        let clock =
            Clock { started: Instant::now(), before: position.seconds, trained: (0, 0.0), memory: Memory::default() };
        let last_report = None;
        Ok(Self {
            instructor,
            dataset,
            config,
            log,
            student,
            grammar,
            histories,
            validation,
            adamw,
            position,
            cut,
            room: Room::new(config.batch),
            clock,
            last_report,
        })
    }

    /// The steps of the whole training.
    pub fn steps(&self) -> u64 {
        self.config.steps.unwrap_or(u64::from(self.config.epochs) * self.cut.steps())
    }

    /// Trains to the end; the best model is in the run folder then. After each step `stop` is asked whether to save and end early.
    ///
    /// # Errors
    /// A loss that is no number any more, a device or a disk that fails; [`Error::Interrupted`] where `stop` said so.
    pub fn run(mut self, stop: impl Fn() -> bool) -> Result<Summary> {
        let bar = progress::bar("sft", self.steps(), "steps");
        bar.set_position(self.position.step);
        bar.reset_eta();
        while self.position.step < self.steps() {
            let epoch = self.instructor.epoch(Part::Training, self.position.step / self.cut.steps())?;
            let window = self.position.step % self.cut.steps() / WINDOW;
            let places = self.cut.places(window);
            epoch.ahead(places.start, |examples| self.epoch(examples, &bar, &stop))?;
        }
        bar.finish_and_clear();
        let (tokens, seconds) = self.clock.trained;
        Ok(Summary {
            steps: self.position.step,
            best: self.position.best,
            validation: self.last_report,
            tokens: self.position.tokens,
            tokens_per_second: if tokens == 0 { 0.0 } else { tokens as f64 / seconds },
            peak_memory_bytes: self.clock.memory.peak,
        })
    }

    /// The rest of the epoch at hand, whose `examples` begin with those of the window at hand.
    fn epoch(
        &mut self,
        examples: &mut dyn Iterator<Item = Result<(usize, Example)>>,
        bar: &ProgressBar,
        stop: &impl Fn() -> bool,
    ) -> Result<()> {
        let mut examples = examples.peekable();
        let (epoch, first) = (self.position.step / self.cut.steps(), self.position.step % self.cut.steps());
        for window in first / WINDOW..self.cut.steps().div_ceil(WINDOW) {
            let end = self.cut.places(window).end;
            let mut found = Vec::new();
            while let Some(next) = examples.next_if(|next| next.as_ref().map_or(true, |(place, _)| *place < end)) {
                found.push(next?.1);
            }
            let lessons = self.lessons(&found)?;
            let lengths: Vec<usize> = lessons.iter().map(|lesson| lesson.tokens.len()).collect();
            let steps = self.cut.batches(window, &lengths, self.config.seed, epoch);
            for batches in steps.into_iter().skip(first.saturating_sub(window * WINDOW) as usize) {
                if self.position.step == self.steps() {
                    return Ok(());
                }
                let pick = |batch: &Vec<usize>| batch.iter().map(|&at| lessons[at].clone()).collect();
                self.step(&batches.iter().map(pick).collect::<Vec<Vec<Lesson>>>(), bar)?;
                self.after_step(stop(), bar)?;
            }
        }
        Ok(())
    }

    fn lessons(&self, examples: &[Example]) -> Result<Vec<Lesson>> {
        let most = self.config.max_tokens.min(self.student.model.llama.config().max_positions);
        let lesson = |example: &Example| {
            let sample = sample(&self.student.model.words, &self.grammar, example, most)?;
            let history = example.request.as_ref().map_or(&[][..], |request| recent(&request.history));
            Ok(self.histories.lesson(sample, history))
        };
        examples.par_iter().map(lesson).collect()
    }

    /// One step of the optimiser: the gradients of all batches, each in the part that its samples have in the step.
    fn step(&mut self, batches: &[Vec<Lesson>], bar: &ProgressBar) -> Result<()> {
        let start = Instant::now();
        let lr = self.config.schedule.rate(self.position.step, self.steps());
        self.position.step += 1;
        // A window may have fewer examples than batches, where the catalogue has little to ask for.
        if batches.is_empty() {
            return Ok(());
        }
        let (stage, llama, mut room) = (self.stage(), self.student.model.llama.clone(), self.room);
        let how = |batch| Forward { dropout: self.dropout(batch), ..Forward::default() };
        let recompute = self.config.activation_checkpointing;
        let compute = |batches: &[Vec<Lesson>]| gradient(&llama, batches, recompute, how);
        let (gradients, loss) = room.compute(&stage, batches, &llama.device(), compute)?;
        self.room = room;
        let (llama, grad_norm) = guard(&stage, || Ok::<_, Error>(self.adamw.step(llama, gradients, lr)))?;
        self.student.model.llama = llama;
        if !(loss.is_finite() && grad_norm.is_finite()) {
            return Err(Error::Failed(format!(
                "step {}: the loss or its gradient is no number any more\n  next: train again with a lower --lr",
                self.position.step
            )));
        }

        let tokens = batches.iter().flatten().map(|lesson| lesson.tokens.len() as u64).sum::<u64>();
        let seconds = start.elapsed().as_secs_f64();
        self.position.tokens += tokens;
        self.clock.trained.0 += tokens;
        self.clock.trained.1 += seconds;
        self.position.seconds = self.clock.seconds();
        let tokens_per_second = tokens as f64 / seconds;
        self.log.record(
            "train",
            &Step {
                step: self.position.step,
                epoch: self.epochs(),
                seconds: self.position.seconds,
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

    /// Where the training is, for whoever hears that it failed there.
    fn stage(&self) -> String {
        format!("step {} of {} of {}", self.position.step, self.steps(), self.log.run().path().display())
    }

    /// Passes over the data so far.
    fn epochs(&self) -> f64 {
        self.position.step as f64 / self.cut.steps() as f64
    }

    /// The dropout of a batch of the step at hand.
    fn dropout(&self, batch: usize) -> Option<Dropout> {
        let p = if self.config.full { 0.0 } else { self.config.lora.dropout };
        let seed = self.config.seed.rotate_left(40) ^ (self.position.step << 16) ^ batch as u64;
        (p > 0.0).then_some(Dropout { p, seed })
    }

    /// What is due behind a step: a validation, a checkpoint, the end.
    fn after_step(&mut self, stop: bool, bar: &ProgressBar) -> Result<()> {
        let step = self.position.step;
        let every = self.config.validation.every.unwrap_or(self.cut.steps());
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
        let (llama, path) = (&self.student.model.llama, self.log.run().checkpoint(LAST));
        checkpoint::write(&path, llama, &self.adamw, &self.position, self.config, &self.dataset.catalogue)
    }

    fn validate(&mut self) -> Result<()> {
        let step = self.position.step;
        let report = self.validation.ask(&self.student.model, &self.grammar, &self.dataset.catalogue)?;
        let ndcg = report.ndcg();
        if self.position.best.is_none_or(|best| ndcg >= best.ndcg) {
            self.student.write(self.log.run().path())?;
            self.position.best = Some(Best { ndcg, step });
        }
        self.position.seconds = self.clock.seconds();
        let (epoch, seconds) = (self.epochs(), self.position.seconds);
        self.log.record("", &Validated { step, epoch, seconds, validation: &report })?;
        for (name, sample) in report.samples() {
            self.log.text(step, &format!("lists/{name}"), sample)?;
        }
        self.last_report = Some(report);
        Ok(())
    }
}

impl Clock {
    fn seconds(&self) -> f64 {
        self.before + self.started.elapsed().as_secs_f64()
    }
}
