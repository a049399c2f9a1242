//! The jobs that wait, as the source of the model's continuous batch.
//!
//! Jobs of every constraint mode and guide join one batch: these are a matter of each sequence. The teacher's lists take no slot, and are
//! answered between two steps of the model.

use tiller_models::generate::{NewSequence, SequenceSource};

use super::answer::Recommends;
use super::list_job::ListJob;
use super::metrics::Metrics;
use super::queue::{Job, Queue};
use super::teacher_lists::{answer_all, fail_all};
use crate::constrain::Mode;
use crate::data::{Catalogue, ItemId};
use crate::recommend::answer::OutputFormat;
use crate::recommend::recommender::Recommender;
use crate::teacher::{Scorer, Teacher};
use crate::{Error, Result};

/// A model's recommenders.
pub(super) struct ModelRecommenders<'a> {
    pub(super) free: Recommender<'a>,
    pub(super) constrained: Recommender<'a>,
    /// The format of unconstrained answers.
    pub(super) format: OutputFormat,
}

/// The jobs that wait.
pub(super) struct JobSource<'s, 'a> {
    pub(super) queue: &'s Queue,
    pub(super) metrics: &'s Metrics,
    pub(super) catalogue: &'s Catalogue,
    pub(super) teacher: Option<&'s Teacher>,
    pub(super) model: Option<&'s ModelRecommenders<'a>>,
    /// True where the model has learnt from a feedback.
    pub(super) is_taught: bool,
    /// The most lists of the teacher at once.
    pub(super) most: usize,
    /// The number of lists of the model that may still begin.
    pub(super) left: usize,
}

impl<'s> SequenceSource<'s> for JobSource<'s, '_> {
    fn next(&mut self, free: usize) -> Vec<NewSequence<'s>> {
        self.answer_by_teacher();
        let jobs = self.queue.take(Recommends::Model, free.min(self.left));
        self.left -= jobs.len();
        if jobs.is_empty() {
            return Vec::new();
        }
        self.metrics.lists_begin(jobs.len());
        match self.model.ok_or_else(no_writer).and_then(|model| Ok((model, self.scores(&jobs)?))) {
            Ok((model, scores)) => {
                jobs.into_iter().zip(scores).filter_map(|(job, scores)| self.join(model, job, scores)).collect()
            }
            Err(error) => {
                fail_all(&jobs, &error, self.metrics);
                Vec::new()
            }
        }
    }
}

impl<'s, 'a> JobSource<'s, 'a> {
    /// Answers the teacher's jobs that wait.
    fn answer_by_teacher(&self) {
        let jobs = self.queue.take(Recommends::Teacher, self.most);
        match self.teacher {
            Some(teacher) => answer_all(teacher, jobs, self.catalogue, self.metrics),
            None => {
                self.metrics.lists_begin(jobs.len());
                fail_all(&jobs, &no_writer(), self.metrics);
            }
        }
    }

    /// For each job, the teacher's scores of all items after its history, if there is a teacher.
    fn scores(&self, jobs: &[Job]) -> Result<Vec<Option<Vec<f32>>>> {
        let Some(teacher) = self.teacher else { return Ok(vec![None; jobs.len()]) };
        let histories: Vec<&[ItemId]> = jobs.iter().map(|job| job.prepared.request().history.as_slice()).collect();
        teacher.answer(&histories, |_, scores| Some(scores.to_vec()))
    }

    /// The sequence of a job; `None` where it cannot begin, which its client knows by then.
    fn join(&self, model: &'s ModelRecommenders<'a>, job: Job, scores: Option<Vec<f32>>) -> Option<NewSequence<'s>> {
        let (recommender, format) = match job.writing.decode {
            Mode::Free => (&model.free, model.format),
            Mode::Catalogue | Mode::Strict => (&model.constrained, OutputFormat::Strict),
        };
        recommender.join(ListJob::new(job, scores, format, self.catalogue, self.metrics, self.is_taught))
    }
}

fn no_writer() -> Error {
    Error::Failed("a request for a writer that is not there".into())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use burn::tensor::Device;
    use tiller_models::generate::{GenerateOptions, Sampling};
    use tiller_models::language_model::{InferenceModel, StorageOptions};
    use tokio::runtime::Builder;

    use super::*;
    use crate::data::Dataset;
    use crate::recommend::PreparedRequest;
    use crate::request::Request;
    use crate::serve::queue::{JobEvent, Writing};

    /// A tiny model of the tests, and its data set.
    const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/v0.1.0");

    #[test]
    fn the_teachers_lists_need_no_place_in_the_batch() {
        let (fixture, device) = (Path::new(FIXTURE), Device::flex());
        let films = Dataset::read(&fixture.join("films")).unwrap();
        let catalogue = &films.catalogue;
        let teacher = Teacher::load(&fixture.join("films/teacher"), &films, &device).unwrap();
        let model = InferenceModel::load(&fixture.join("sft/model"), None, StorageOptions::default(), &device).unwrap();
        let (format, options) =
            (OutputFormat::Strict, GenerateOptions { max_new_tokens: 0, sampling: Sampling::Greedy, seed: 0 });
        let of_mode = |mode| Recommender::new(&model, catalogue, format, options, mode).unwrap();
        let recommenders = ModelRecommenders { free: of_mode(Mode::Free), constrained: of_mode(Mode::Strict), format };
        let (queue, metrics) = (Queue::default(), Metrics::default());
        let (mut jobs, mut tickets) = (Vec::new(), Vec::new());
        for by in [Recommends::Model, Recommends::Teacher, Recommends::Model] {
            let request = Request { k: 3, history: films.users[0].items.clone(), ..Request::default() };
            let prepared = PreparedRequest::new(request, Mode::Strict, catalogue).unwrap();
            let (job, ticket) = Job::new(prepared, None, Writing { by, decode: Mode::Strict, guide: None });
            jobs.push(job.streaming(true));
            tickets.push(ticket);
        }
        assert!(queue.push(jobs).is_ok());
        let mut source = JobSource {
            queue: &queue,
            metrics: &metrics,
            catalogue,
            teacher: Some(&teacher),
            model: Some(&recommenders),
            is_taught: false,
            most: 4,
            left: 1,
        };
        assert!(source.next(0).is_empty());
        assert_eq!(queue.len(), 2);
        let runtime = Builder::new_current_thread().build().unwrap();
        let is_item = |event: Option<JobEvent>| matches!(event, Some(JobEvent::Item(_)));
        assert!((0..3).all(|_| is_item(runtime.block_on(tickets[1].next()))));
        assert!(
            matches!(runtime.block_on(tickets[1].next()), Some(JobEvent::Done(answer)) if answer.record.items.len() == 3)
        );
        let joined = source.next(2);
        assert_eq!((joined.len(), queue.len()), (1, 1), "one may begin");
        let counted = metrics.text(queue.len(), 0);
        for line in ["lists_running 1", "batches_total 2", "lists_total{by=\"teacher\"} 1", "lists_waiting 1"] {
            assert!(counted.contains(&format!("tiller_{line}\n")), "{line}: {counted}");
        }
    }
}
