//! The batcher: one thread that owns the resident model and teacher, and answers the jobs of all clients in batches.
//!
//! Jobs that wait while a batch is written form the next one, as many as there is room for. A list of the engine leaves its batch when
//! it ends; those of clients that are gone end with their next token.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use tiller_models::generate::{GenerateOptions, Sampling};
use tiller_models::language_model::InferenceModel;

use super::answer::{Answer, AnswerItem, Recommends, Wanted, Why, counts_for};
use super::metrics::Metrics;
use super::queue::{Job, JobEvent, Queue, QueuedWork, Writing};
use super::student::Student;
use super::teacher_view::TeacherView;
use crate::constrain::Mode;
use crate::data::{Catalogue, ItemId};
use crate::recommend::answer::{OutputFormat, parse};
use crate::recommend::recommender::{List, Recommender, enough_tokens};
use crate::recommend::record::{ItemRecord, ListRecord};
use crate::recommend::watched::{LineTrace, Watcher};
use crate::recommend::{CheckedItem, PreparedRequest, check};
use crate::teacher::{Scorer, Teacher};
use crate::{Error, Result};

/// The resident model and teacher; at least one of them.
pub struct Writers<'a> {
    catalogue: &'a Catalogue,
    teacher: Option<&'a Teacher>,
    model: Option<ModelWriter<'a>>,
    student: Option<Student<'a>>,
}

/// A language model, free and constrained.
struct ModelWriter<'a> {
    model: &'a InferenceModel,
    format: OutputFormat,
    constrained: Recommender<'a>,
}

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
        let writer = |(model, format)| {
            let constrained = Recommender::new(model, catalogue, format, options(1), Mode::Strict)?;
            Ok::<_, Error>(ModelWriter { model, format, constrained })
        };
        Ok(Self { catalogue, teacher, model: model.map(writer).transpose()?, student: None })
    }

    /// The writers with a model that can be taught.
    pub fn teachable(self, student: Student<'a>) -> Self {
        Self { student: Some(student), ..self }
    }

    /// Works until the queue is closed, with `most` jobs in a batch.
    pub fn run(&self, queue: &Queue, metrics: &Metrics, most: usize) {
        while let Some(work) = queue.next(most) {
            match (work, &self.student) {
                (QueuedWork::Lists(jobs), _) => self.write(&jobs, metrics),
                (QueuedWork::Teaching(teaching), Some(student)) => student.learn(teaching, metrics),
                (QueuedWork::Teaching(_), None) => {}
            }
        }
    }

    /// Answers the jobs of a batch.
    fn write(&self, jobs: &[Job], metrics: &Metrics) {
        metrics.batch_begins(jobs.len());
        let start = Instant::now();
        let answers = match (jobs[0].writing.by, &self.model, self.teacher) {
            (Recommends::Model, Some(writer), _) => self.by_model(writer, jobs),
            (Recommends::Teacher, _, Some(teacher)) => self.by_teacher(teacher, jobs),
            _ => Err(Error::Failed("a request for a writer that is not there".into())),
        };
        match answers {
            Ok(answers) => {
                for (job, answer) in jobs.iter().zip(answers) {
                    metrics.list(job, answer.as_ref().ok().map(|answer| answer.record.tokens), start.elapsed());
                    let done = |answer| JobEvent::Done(Box::new(answer));
                    job.reporter.report(answer.map_or_else(JobEvent::Failed, done));
                }
            }
            Err(error) => {
                let words = error.to_string();
                jobs.iter().for_each(|job| job.reporter.report(JobEvent::Failed(Error::Failed(words.clone()))));
            }
        }
        metrics.batch_ends();
    }

    /// The teacher's lists.
    fn by_teacher(&self, teacher: &Teacher, jobs: &[Job]) -> Result<Vec<Result<Answer>>> {
        let (start, catalogue) = (Instant::now(), self.catalogue);
        let histories: Vec<&[ItemId]> = jobs.iter().map(|job| job.prepared.request().history.as_slice()).collect();
        teacher.answer(&histories, |at, scores| {
            let (job, view) = (&jobs[at], TeacherView::new(scores, histories[at]));
            let feasible = job.prepared.feasible();
            let feasible = feasible.ok_or_else(|| Error::Failed("a teacher's list without a proof".into()))?;
            let items = view.list(feasible);
            let wanted = view.wanted(&items, |item| catalogue.title(item).to_owned());
            let why = |(&item, wanted): (&ItemId, Option<Wanted>)| Why {
                rank: Some(view.rank(item)),
                probability: Some(view.probability(item)),
                wanted,
                counts_for: counts_for(item, job.prepared.compiled()),
            };
            let reasons = items.iter().zip(wanted).map(why).collect();
            let titles = items.iter().map(|&item| catalogue.title(item));
            let items = check(titles, job.prepared.compiled(), catalogue);
            let seconds = start.elapsed().as_secs_f64();
            let list = List { items, text: String::new(), tokens: 0, guidance: None, log_probs: None, seconds };
            let answer = answer(job, &list, reasons, catalogue);
            answer.record.items.iter().for_each(|item| job.reporter.report(JobEvent::Item(item.clone())));
            Ok(answer)
        })
    }

    /// The model's lists. A job whose prompt is too long fails alone.
    fn by_model(&self, writer: &ModelWriter<'a>, jobs: &[Job]) -> Result<Vec<Result<Answer>>> {
        let decode = jobs[0].writing.decode;
        let recommender = self.recommender(writer, jobs)?;
        // Tokens of each prompt.
        let prompts: Vec<Result<usize>> =
            jobs.iter().map(|job| recommender.prompt(&job.prepared).map(|tokens| tokens.len())).collect();
        let fitting: Vec<&Job> =
            jobs.iter().zip(&prompts).filter(|(_, fits)| fits.is_ok()).map(|(job, _)| job).collect();
        let prepared: Vec<&PreparedRequest> = fitting.iter().map(|job| &job.prepared).collect();
        let live = fitting.iter().map(|job| LiveJob { job, written: Mutex::default() }).collect();
        let format = if decode == Mode::Free { writer.format } else { OutputFormat::Strict };
        let watcher = JobWatcher { format, catalogue: self.catalogue, jobs: live };
        let lists = recommender.recommend_watched(&prepared, &watcher)?;
        let reasons = self.model_reasons(&fitting, &lists)?;
        let mut written = fitting.iter().zip(lists).zip(reasons);
        let taught = self.student.as_ref().is_some_and(Student::is_taught);
        let mut next = |prompt_tokens: usize| {
            let ((job, (list, _)), reasons) = written.next().ok_or_else(|| Error::Failed("no answer".into()))?;
            Ok(Answer { taught, prompt_tokens, ..answer(job, &list, reasons, self.catalogue) })
        };
        Ok(prompts.into_iter().map(|prompt| prompt.and_then(&mut next)).collect())
    }

    /// The recommender of a batch.
    fn recommender(&self, writer: &ModelWriter<'a>, jobs: &[Job]) -> Result<Recommender<'a>> {
        let Writing { decode, guide, .. } = jobs[0].writing;
        if decode == Mode::Free {
            let longest = jobs.iter().map(|job| job.prepared.request().k).max().unwrap_or(0);
            return Recommender::new(writer.model, self.catalogue, writer.format, options(longest), Mode::Free);
        }
        let recommender = writer.constrained.clone().in_mode(decode);
        Ok(match (guide, self.teacher) {
            (Some(weight), Some(teacher)) => recommender.guided_by(teacher, weight),
            _ => recommender,
        })
    }

    /// Why the items of the model's lists are there. The teacher ranks them, if there is one.
    fn model_reasons(&self, jobs: &[&Job], lists: &[(List, Vec<LineTrace>)]) -> Result<Vec<Vec<Why>>> {
        let reasons = |at: usize, view: Option<TeacherView>| -> Vec<Why> {
            let (list, traces) = &lists[at];
            let lines = list.items.iter().zip(traces.iter().map(Some).chain(std::iter::repeat(None)));
            lines.map(|(item, trace)| model_reason(item, trace, view.as_ref(), jobs[at])).collect()
        };
        let Some(teacher) = self.teacher else { return Ok((0..lists.len()).map(|at| reasons(at, None)).collect()) };
        let histories: Vec<&[ItemId]> = jobs.iter().map(|job| job.prepared.request().history.as_slice()).collect();
        teacher.answer(&histories, |at, scores| reasons(at, Some(TeacherView::new(scores, histories[at]))))
    }
}

/// The answer to a job, with a reason for each item.
fn answer(job: &Job, list: &List, reasons: Vec<Why>, catalogue: &Catalogue) -> Answer {
    let Writing { by, decode, guide } = job.writing;
    let record = ListRecord::new(job.user.as_deref(), &job.prepared, decode, list, catalogue);
    let record = ListRecord { guide_weight: guide, ..record };
    let mut reasons = reasons.into_iter();
    let with_reasons = |item| AnswerItem { why: reasons.next(), ..AnswerItem::new(item, catalogue) };
    Answer { record: record.map_items(with_reasons), by, taught: false, prompt_tokens: 0 }
}

/// Why an item of the model's list is there.
fn model_reason(item: &CheckedItem, trace: Option<&LineTrace>, view: Option<&TeacherView>, job: &Job) -> Why {
    let trace = trace.filter(|trace| trace.choices > 0);
    let changed = trace.and_then(|trace| trace.changed.as_ref());
    Why {
        rank: view.zip(item.item).map(|(view, item)| view.rank(item)),
        probability: trace.map(|trace| trace.log_prob.exp()),
        wanted: changed.map(|changed| Wanted { title: changed.wanted.clone(), probability: changed.removed }),
        counts_for: item.item.map(|item| counts_for(item, job.prepared.compiled())).unwrap_or_default(),
    }
}

/// Greedy decoding of a list of `k` items.
fn options(k: u32) -> GenerateOptions {
    GenerateOptions { max_new_tokens: enough_tokens(k), sampling: Sampling::Greedy, seed: 0 }
}

/// Reports the items of a batch as their lines end.
struct JobWatcher<'a> {
    /// The format of the answers.
    format: OutputFormat,
    catalogue: &'a Catalogue,
    jobs: Vec<LiveJob<'a>>,
}

/// A job that is being written.
struct LiveJob<'a> {
    job: &'a Job,
    /// The text so far, and the number of its items that were reported.
    written: Mutex<(String, usize)>,
}

impl Watcher for JobWatcher<'_> {
    fn text(&self, number: usize, piece: &str) {
        let LiveJob { job, written } = &self.jobs[number];
        let mut written = written.lock().unwrap_or_else(PoisonError::into_inner);
        let (text, reported) = &mut *written;
        text.push_str(piece);
        if let Some(end) = text.rfind('\n').filter(|_| piece.contains('\n')) {
            let catalogue = self.catalogue;
            let items = check(parse(&text[..=end], self.format, catalogue), job.prepared.compiled(), catalogue);
            for item in items.iter().skip(*reported) {
                job.reporter.report(JobEvent::Item(AnswerItem::new(ItemRecord::new(item, catalogue), catalogue)));
            }
            *reported = items.len();
        }
    }

    fn is_cancelled(&self, number: usize) -> bool {
        self.jobs[number].job.reporter.is_cancelled()
    }
}
