//! A job whose list is being written by the model: its items are reported as their lines end, and its list when that ends.

use std::time::Instant;

use super::answer::{Answer, AnswerItem, Why};
use super::job_answer::{answer, model_reason};
use super::metrics::Metrics;
use super::queue::{Job, JobEvent};
use super::teacher_view::TeacherView;
use crate::Result;
use crate::constrain::GuideWeight;
use crate::data::Catalogue;
use crate::recommend::answer::{OutputFormat, parse};
use crate::recommend::recommender::{ListReceiver, WrittenList};
use crate::recommend::record::ItemRecord;
use crate::recommend::{PreparedRequest, check};

/// A job in the model's batch.
pub(super) struct ListJob<'a> {
    job: Job,
    /// The teacher's scores of all items after the job's history.
    scores: Option<Vec<f32>>,
    /// The format of the answer.
    format: OutputFormat,
    catalogue: &'a Catalogue,
    metrics: &'a Metrics,
    /// True where the model has learnt from a feedback.
    is_taught: bool,
    start: Instant,
    /// The text so far.
    text: String,
    /// The number of its items that were reported.
    reported: usize,
}

impl<'a> ListJob<'a> {
    /// A job that joins the batch.
    pub(super) fn new(
        job: Job,
        scores: Option<Vec<f32>>,
        format: OutputFormat,
        catalogue: &'a Catalogue,
        metrics: &'a Metrics,
        is_taught: bool,
    ) -> Self {
        let (start, text, reported) = (Instant::now(), String::new(), 0);
        Self { job, scores, format, catalogue, metrics, is_taught, start, text, reported }
    }

    fn answer(&self, WrittenList { list, traces, prompt_tokens }: WrittenList) -> Answer {
        let history = &self.job.prepared.request().history;
        let view = self.scores.as_deref().map(|scores| TeacherView::new(scores, history));
        let lines = list.items.iter().zip(traces.iter().map(Some).chain(std::iter::repeat(None)));
        let reasons: Vec<Why> =
            lines.map(|(item, trace)| model_reason(item, trace, view.as_ref(), &self.job)).collect();
        let answer = answer(&self.job, &list, reasons, self.catalogue);
        Answer { taught: self.is_taught, prompt_tokens, ..answer }
    }
}

impl ListReceiver for ListJob<'_> {
    fn prepared(&self) -> &PreparedRequest {
        &self.job.prepared
    }

    fn guide(&self) -> Option<(GuideWeight, &[f32])> {
        self.job.writing.guide.zip(self.scores.as_deref())
    }

    fn streams(&self) -> bool {
        self.job.streams
    }

    fn text(&mut self, piece: &str) {
        self.text.push_str(piece);
        if let Some(end) = self.text.rfind('\n').filter(|_| piece.contains('\n')) {
            let catalogue = self.catalogue;
            let titles = parse(&self.text[..=end], self.format, catalogue);
            let items = check(titles, self.job.prepared.compiled(), catalogue);
            for item in items.iter().skip(self.reported) {
                self.job.reporter.report(JobEvent::Item(AnswerItem::new(ItemRecord::new(item, catalogue), catalogue)));
            }
            self.reported = items.len();
        }
    }

    fn is_cancelled(&self) -> bool {
        self.job.reporter.is_cancelled()
    }

    fn end(&mut self, list: Result<WrittenList>) {
        match list {
            Ok(list) if self.is_cancelled() => self.metrics.cancelled(list.list.tokens),
            Ok(list) => {
                self.metrics.list(&self.job, list.list.tokens, self.start.elapsed());
                self.job.reporter.report(JobEvent::Done(Box::new(self.answer(list))));
            }
            Err(error) => {
                self.metrics.failed();
                self.job.reporter.report(JobEvent::Failed(error));
            }
        }
    }
}
