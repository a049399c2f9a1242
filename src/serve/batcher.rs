//! The batcher: one thread that owns the resident model and teacher, and answers the jobs of all clients.
//!
//! The model writes one continuous batch. Jobs join it while it runs, as many as there is room for, and each is answered when its own list
//! ends; those of clients that are gone end with their next token. A teaching waits for the end of the batch, which nothing joins then. Between
//! two of its steps, the lists that wait are answered by the model as it is.

use tiller_models::generate::{ContinuousBatch, GenerateOptions, Sampling, SequenceSource};
use tiller_models::language_model::InferenceModel;

use super::job_source::{JobSource, ModelRecommenders};
use super::metrics::Metrics;
use super::queue::{Queue, QueuedWork};
use super::student::Student;
use crate::constrain::Mode;
use crate::data::Catalogue;
use crate::recommend::answer::OutputFormat;
use crate::recommend::recommender::Recommender;
use crate::teacher::Teacher;
use crate::{Error, Result};

/// The resident model and teacher; at least one of them.
pub struct Writers<'a> {
    catalogue: &'a Catalogue,
    teacher: Option<&'a Teacher>,
    model: Option<(&'a InferenceModel, ModelRecommenders<'a>)>,
    student: Option<Student<'a>>,
}

/// Greedy decoding. The length of each list follows from its request.
const GREEDY: GenerateOptions = GenerateOptions { max_new_tokens: 0, sampling: Sampling::Greedy, seed: 0 };

impl<'a> Writers<'a> {
    /// The writers of lists over `catalogue`. `format` is that of the model's unconstrained answers.
    ///
    /// # Errors
    /// Neither of the two, a catalogue whose titles the model's tokenizer cannot write.
    pub fn new(
        catalogue: &'a Catalogue,
        teacher: Option<&'a Teacher>,
        model: Option<(&'a InferenceModel, OutputFormat)>,
    ) -> Result<Self> {
        if teacher.is_none() && model.is_none() {
            return Err(Error::bad_input("the server")
                .expected("a teacher or a language model")
                .found("neither")
                .next("train a teacher with `tiller sasrec train DIR`, or name a model with --model")
                .into());
        }
        let with_recommenders = |(model, format)| {
            let of_mode = |mode| Recommender::new(model, catalogue, format, GREEDY, mode);
            let (free, constrained) = (of_mode(Mode::Free)?, of_mode(Mode::Strict)?);
            Ok::<_, Error>((model, ModelRecommenders { free, constrained, format }))
        };
        Ok(Self { catalogue, teacher, model: model.map(with_recommenders).transpose()?, student: None })
    }

    /// The writers with a model that can be taught.
    pub fn teachable(self, student: Student<'a>) -> Self {
        Self { student: Some(student), ..self }
    }

    /// Works until the queue is closed, with up to `most` lists of the model at once.
    pub fn run(&self, queue: &Queue, metrics: &Metrics, most: usize) {
        while let Some(work) = queue.next() {
            match (work, &self.student) {
                (QueuedWork::Lists, _) => self.write(queue, metrics, most, usize::MAX),
                (QueuedWork::Teaching(teaching), Some(student)) => {
                    student.learn(teaching, metrics, &mut || self.write(queue, metrics, most, queue.len()));
                }
                (QueuedWork::Teaching(_), None) => {}
            }
        }
    }

    /// Answers the jobs that wait and those that arrive meanwhile, up to `left` of the model, until none is left or a teaching waits.
    fn write(&self, queue: &Queue, metrics: &Metrics, most: usize, left: usize) {
        let mut source = JobSource {
            queue,
            metrics,
            catalogue: self.catalogue,
            teacher: self.teacher,
            model: self.model.as_ref().map(|(_, recommenders)| recommenders),
            is_taught: self.student.as_ref().is_some_and(Student::is_taught),
            most,
            left,
        };
        match &self.model {
            Some((model, _)) => {
                // An error of the whole batch was reported for each of its lists.
                let _ = model.run_continuous(ContinuousBatch::new(&mut source, most));
            }
            None => drop(source.next(most)),
        }
    }
}
