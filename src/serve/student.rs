//! The resident model as a student: what it learns from a feedback stays in memory, and is forgotten on request.

use std::cell::{Cell, OnceCell};
use std::ops::ControlFlow;

use burn::tensor::Device;
use tiller_models::language_model::InferenceModel;

use super::metrics::Metrics;
use super::queue::{TeachEvent, Teaching};
use super::ticket::Reporter;
use crate::data::Dataset;
use crate::teacher::Teacher;
use crate::train::teach::{Feedback, FeedbackTrainer, TaughtModel};
use crate::{Error, Result};

/// A model that can be taught by a teacher.
pub struct Student<'a> {
    model: &'a InferenceModel,
    teacher: &'a Teacher,
    dataset: &'a Dataset,
    files: TaughtModel,
    device: Device,
    /// The model in training, from the first teaching on.
    trainer: OnceCell<FeedbackTrainer<'a>>,
    is_taught: Cell<bool>,
}

impl<'a> Student<'a> {
    /// The student `model`, whose `files` are read once more for its first teaching.
    pub fn new(
        model: &'a InferenceModel,
        files: TaughtModel,
        teacher: &'a Teacher,
        dataset: &'a Dataset,
        device: Device,
    ) -> Self {
        Self { model, teacher, dataset, files, device, trainer: OnceCell::new(), is_taught: Cell::new(false) }
    }

    /// Returns true where the model has learnt from a feedback.
    pub fn is_taught(&self) -> bool {
        self.is_taught.get()
    }

    /// Takes a teaching, or takes it back. The model stays as it is where that fails or the client goes away, and meanwhile: `between` is
    /// called in every step.
    pub fn learn(&self, teaching: Teaching, metrics: &Metrics, between: &mut dyn FnMut()) {
        let (reporter, outcome) = match teaching {
            Teaching::Teach(feedback, steps, reporter) => {
                let outcome = self.teach(&feedback, steps, &reporter, between);
                (reporter, outcome)
            }
            Teaching::Undo(reporter) => (reporter, self.undo().map(|()| Some(TeachEvent::Undone))),
        };
        match outcome {
            Ok(Some(event)) => {
                self.is_taught.set(matches!(event, TeachEvent::Taught(_)));
                metrics.teaching(self.is_taught());
                reporter.report(event);
            }
            Ok(None) => {}
            Err(error) => reporter.report(TeachEvent::Failed(error)),
        }
    }

    /// Learns from a feedback; `None` where the client is gone.
    fn teach(
        &self,
        feedback: &Feedback,
        steps: u64,
        reporter: &Reporter<TeachEvent>,
        between: &mut dyn FnMut(),
    ) -> Result<Option<TeachEvent>> {
        let taught = self.trainer()?.teach(feedback, steps, &mut |step| {
            reporter.report(TeachEvent::Step(step));
            between();
            if reporter.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        let Some((llama, summary)) = taught else { return Ok(None) };
        self.model.load_adapter(&llama)?;
        Ok(Some(TeachEvent::Taught(summary)))
    }

    /// Forgets what was learnt.
    fn undo(&self) -> Result<()> {
        match self.trainer.get() {
            Some(trainer) => self.model.load_adapter(trainer.untaught()),
            None => Ok(()),
        }
    }

    fn trainer(&self) -> Result<&FeedbackTrainer<'a>> {
        if let Some(trainer) = self.trainer.get() {
            return Ok(trainer);
        }
        let trainer = FeedbackTrainer::load(&self.files, self.dataset, self.teacher, &self.device)?;
        self.trainer.set(trainer).map_err(|_| Error::Failed("a model was loaded twice for teaching".into()))?;
        self.trainer.get().ok_or_else(|| Error::Failed("no model for teaching".into()))
    }
}
