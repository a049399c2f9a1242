//! The training of a teacher (method §2.2), from fresh weights or from where an earlier run was stopped.

use std::time::Instant;

use burn::tensor::Device;
use serde::Serialize;
use tiller_kernels::device::guard;
use tiller_models::optim::{AdamW, AdamWConfig};
use tiller_models::sasrec::SasRec;

use super::checkpoint::{BEST, LAST, TeacherCheckpoint, TeacherState, write_best, write_last};
use super::config::TeacherConfig;
use super::evaluate::{AtK, evaluate};
use super::examples::TeacherExamples;
use super::model::Teacher;
use super::schedule::{PlateauSchedule, ValidationOutcome};
use crate::data::Dataset;
use crate::data::split::Split;
use crate::run::folder::RunFolder;
use crate::run::progress::Progress;
use crate::{Error, Result};

/// The K of the NDCG@K that chooses the best model.
const DECIDING_K: usize = 10;

/// The outcome of a training.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TeacherSummary {
    /// Epochs completed.
    pub epochs: u32,
    /// Epochs before the best validation.
    pub best_epoch: u32,
    /// The best validation NDCG@10.
    pub best_ndcg: f64,
    /// Training examples per epoch.
    pub examples: usize,
    /// Examples per second over this process's steps, validation left out.
    pub examples_per_second: f64,
}

/// A line of metrics.jsonl, written before each epoch.
#[derive(Debug, Serialize)]
struct EpochLine {
    /// Epochs completed.
    epoch: u32,
    /// The mean loss of the epoch just completed, in nats.
    loss: Option<f64>,
    /// The learning rate of the epoch to come.
    lr: f64,
    /// The figures on the validation split.
    validation: Vec<AtK>,
    /// Seconds since this process began to train.
    seconds: f64,
}

/// A training in progress.
pub struct TeacherTrainer<'a> {
    dataset: &'a Dataset,
    config: &'a TeacherConfig,
    run: &'a mut RunFolder,
    examples: TeacherExamples,
    model: SasRec,
    adam: AdamW,
    state: TeacherState,
    started: Instant,
    /// Examples and seconds of this process's steps.
    trained: (usize, f64),
}

impl<'a> TeacherTrainer<'a> {
    /// A training with fresh weights.
    ///
    /// # Errors
    /// Settings that make no sense, or a data set without training examples.
    pub fn fresh(
        dataset: &'a Dataset,
        config: &'a TeacherConfig,
        run: &'a mut RunFolder,
        device: &Device,
    ) -> Result<Self> {
        config.validate()?;
        let model = SasRec::new(&config.model, dataset.catalogue.len(), config.seed, device)?;
        let state = TeacherState { epoch: 0, step: 0, loss: 0.0, schedule: PlateauSchedule::new(config) };
        Self::at(dataset, config, run, (model, AdamW::new(AdamWConfig::adam()), state))
    }

    /// Resumes the training of `run` from its last checkpoint, bit for bit as if it had never stopped.
    ///
    /// # Errors
    /// No checkpoint, or one of other settings (only `epochs` and `patience` may differ) or of another catalogue.
    pub fn resume(
        dataset: &'a Dataset,
        config: &'a TeacherConfig,
        run: &'a mut RunFolder,
        device: &Device,
    ) -> Result<Self> {
        config.validate()?;
        let checkpoint = TeacherCheckpoint::read(&run.checkpoint(LAST), &dataset.catalogue)?;
        let TeacherConfig { epochs, patience, .. } = *config;
        if (TeacherConfig { epochs, patience, ..checkpoint.config.clone() }) != *config {
            return Err(Error::bad_input("--resume")
                .expected("the settings of the run (epochs and patience may differ)")
                .found("others")
                .next(format!("compare with {}", run.path().join("config.toml").display()))
                .into());
        }
        let training = checkpoint.training(device)?;
        run.store_config(config)?;
        let TeacherState { epoch, step, .. } = training.2;
        // What was logged after the checkpoint will be logged again.
        run.retain_metrics(|line| line["epoch"].as_u64().is_some_and(|e| e < u64::from(epoch) + u64::from(step > 0)))?;
        Self::at(dataset, config, run, training)
    }

    fn at(
        dataset: &'a Dataset,
        config: &'a TeacherConfig,
        run: &'a mut RunFolder,
        (model, adam, state): (SasRec, AdamW, TeacherState),
    ) -> Result<Self> {
        let examples = TeacherExamples::of(dataset);
        if examples.is_empty() {
            return Err(Error::bad_input(&dataset.name)
                .expected("users with at least three items")
                .found("none")
                .next("import with --min-user 3 or more")
                .into());
        }
        let (started, trained) = (Instant::now(), (0, 0.0));
        Ok(Self { dataset, config, run, examples, model, adam, state, started, trained })
    }

    /// Validates and trains in turn until patience or the epochs run out; the best model is in the run folder then.
    /// After each step `stop` is asked whether to save and end early.
    ///
    /// # Errors
    /// A loss that is NaN or infinite, a device or a disk that fails; [`Error::Interrupted`] where `stop` said so.
    pub fn run(mut self, stop: impl Fn() -> bool) -> Result<TeacherSummary> {
        // A checkpoint that an earlier run left here must not be taken for this one's.
        self.save()?;
        let bar = Progress::start("train", u64::from(self.config.epochs) * self.examples.len() as u64, "examples");
        loop {
            let stage = format!("epoch {} of {}", self.state.epoch, self.run.path().display());
            if !guard(&stage, || self.round(&bar, &stop))? {
                break;
            }
        }
        bar.finish();
        let (best_ndcg, best_epoch) = self.state.schedule.best.unwrap_or_default();
        let (examples, seconds) = self.trained;
        Ok(TeacherSummary {
            epochs: self.state.epoch,
            best_epoch,
            best_ndcg,
            examples: self.examples.len(),
            examples_per_second: if examples == 0 { 0.0 } else { examples as f64 / seconds },
        })
    }

    /// Validates, and trains the next epoch; false where training has ended.
    fn round(&mut self, bar: &Progress, stop: &impl Fn() -> bool) -> Result<bool> {
        if self.state.step == 0 && !self.validate(bar)? {
            return Ok(false);
        }
        self.epoch(bar, stop)?;
        self.save()?;
        Ok(true)
    }

    /// Validates the model; false where no epoch is to follow.
    fn validate(&mut self, bar: &Progress) -> Result<bool> {
        let epoch = self.state.epoch;
        let evaluation =
            evaluate(&Teacher::new(self.model.clone()), self.dataset, Split::Validation, &Progress::silent())?;
        let ndcg = evaluation.at(DECIDING_K).map_or(0.0, |figures| figures.ndcg);
        let verdict = self.state.schedule.observe(ndcg, epoch, self.config);
        if verdict == ValidationOutcome::Best {
            write_best(&self.run.checkpoint(BEST), &self.model, self.config, &self.dataset.catalogue)?;
        }
        let loss = (epoch > 0).then_some(self.state.loss / self.examples.len() as f64);
        let lr = self.state.schedule.lr;
        let seconds = self.started.elapsed().as_secs_f64();
        self.run.log(&EpochLine { epoch, loss, lr, validation: evaluation.figures, seconds })?;
        bar.set_message(format!("epoch {epoch} loss {:.3} NDCG@{DECIDING_K} {ndcg:.4}", loss.unwrap_or(f64::NAN)));
        self.state.loss = 0.0;
        Ok(verdict != ValidationOutcome::Stop && epoch < self.config.epochs)
    }

    /// The rest of the epoch at hand.
    fn epoch(&mut self, bar: &Progress, stop: &impl Fn() -> bool) -> Result<()> {
        let TeacherConfig { batch, seed, ref model, .. } = *self.config;
        let examples = self.examples.shuffled(seed, self.state.epoch);
        bar.set_position(self.state.epoch as u64 * examples.len() as u64 + (self.state.step * batch) as u64);
        for (step, examples) in examples.chunks(batch).enumerate().skip(self.state.step) {
            let start = Instant::now();
            let noise = seed.rotate_left(32) ^ u64::from(self.adam.steps());
            let gradient = self.model.gradient(examples, model.dropout, noise);
            if !gradient.loss.is_finite() {
                return Err(Error::Failed(format!(
                    "epoch {} step {step}: the loss is NaN or infinite\n  next: lower the rate with --set lr=…",
                    self.state.epoch
                )));
            }
            self.state.loss += gradient.loss * examples.len() as f64;
            self.model = self.adam.advance(self.model.clone(), gradient.of_weights, self.state.schedule.lr);
            self.state.step = step + 1;
            self.trained.0 += examples.len();
            self.trained.1 += start.elapsed().as_secs_f64();
            bar.advance(examples.len() as u64);
            if stop() {
                self.save()?;
                return Err(Error::Interrupted(format!(
                    " in epoch {}; saved to {}\n  next: go on with --resume",
                    self.state.epoch,
                    self.run.path().display()
                )));
            }
        }
        self.state.epoch += 1;
        self.state.step = 0;
        Ok(())
    }

    fn save(&mut self) -> Result<()> {
        let path = self.run.checkpoint(LAST);
        write_last(&path, &self.model, &self.adam, &self.state, self.config, &self.dataset.catalogue)
    }
}
