//! The teacher's lists: all that wait at once, each of which is answered within one pass over the histories.

use std::time::Instant;

use super::answer::{Answer, Wanted, Why, counts_for};
use super::job_answer::answer;
use super::metrics::Metrics;
use super::queue::{Job, JobEvent};
use super::teacher_view::TeacherView;
use crate::data::{Catalogue, ItemId};
use crate::recommend::check;
use crate::recommend::recommender::List;
use crate::teacher::{Scorer, Teacher};
use crate::{Error, Result};

/// Answers jobs by the teacher's lists.
pub(super) fn answer_all(teacher: &Teacher, jobs: Vec<Job>, catalogue: &Catalogue, metrics: &Metrics) {
    if jobs.is_empty() {
        return;
    }
    metrics.lists_begin(jobs.len());
    let start = Instant::now();
    match lists(teacher, &jobs, catalogue) {
        Ok(answers) => {
            for (job, answer) in jobs.iter().zip(answers) {
                match answer {
                    Ok(answer) => {
                        metrics.list(job, answer.record.tokens, start.elapsed());
                        job.reporter.report(JobEvent::Done(Box::new(answer)));
                    }
                    Err(error) => {
                        metrics.failed();
                        job.reporter.report(JobEvent::Failed(error));
                    }
                }
            }
        }
        Err(error) => fail_all(&jobs, &error, metrics),
    }
}

/// Reports an error to jobs that began.
pub(super) fn fail_all(jobs: &[Job], error: &Error, metrics: &Metrics) {
    for job in jobs {
        metrics.failed();
        job.reporter.report(JobEvent::Failed(Error::Failed(error.to_string())));
    }
}

fn lists(teacher: &Teacher, jobs: &[Job], catalogue: &Catalogue) -> Result<Vec<Result<Answer>>> {
    let start = Instant::now();
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
        if job.streams {
            answer.record.items.iter().for_each(|item| job.reporter.report(JobEvent::Item(item.clone())));
        }
        Ok(answer)
    })
}
