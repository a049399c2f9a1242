//! The queue of requests on their way to the batcher: bounded, in order of arrival, and without those whose clients are gone.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::answer::{Answer, AnswerItem, Recommends};
use super::ticket::{Reporter, Ticket, ticket};
use crate::Error;
use crate::constrain::{GuideWeight, Mode};
use crate::recommend::PreparedRequest;
use crate::train::teach::{Feedback, TeachStep, TeachSummary};

/// The most requests that wait (429).
pub const MAX_QUEUE: usize = 256;

/// The most teachings that wait (429).
const MAX_TEACHINGS: usize = 4;

/// A request on its way to the batcher.
pub struct Job {
    /// The request.
    pub prepared: PreparedRequest,
    /// The user's key.
    pub user: Option<String>,
    /// The way the list is written.
    pub writing: Writing,
    /// True where the client reads the items while the list is being written.
    pub streams: bool,
    /// The way back to the client.
    pub reporter: Reporter<JobEvent>,
}

/// The way a list is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Writing {
    /// The writer of the list.
    pub by: Recommends,
    /// The constraint mode.
    pub decode: Mode,
    /// The model's part in the choices, where the teacher guides.
    pub guide: Option<GuideWeight>,
}

/// A report about a job. There are at most as many as the list has items, and one.
pub enum JobEvent {
    /// An item was written. Only those jobs report them that stream.
    Item(AnswerItem),
    /// The list is complete.
    Done(Box<Answer>),
    /// The list cannot be written.
    Failed(Error),
}

impl Job {
    /// A job and its ticket.
    pub fn new(prepared: PreparedRequest, user: Option<String>, writing: Writing) -> (Self, Ticket<JobEvent>) {
        let (reporter, ticket) = ticket();
        (Self { prepared, user, writing, streams: false, reporter }, ticket)
    }

    /// Returns the job with its items reported as they are written, or not.
    pub fn streaming(self, streams: bool) -> Self {
        Self { streams, ..self }
    }
}

/// A change of the resident model.
pub enum Teaching {
    /// Some steps of learning from a feedback.
    Teach(Feedback, u64, Reporter<TeachEvent>),
    /// The way back to the model as it was loaded.
    Undo(Reporter<TeachEvent>),
}

/// A report about a teaching.
pub enum TeachEvent {
    /// A step begins.
    Step(TeachStep),
    /// The model has learnt.
    Taught(TeachSummary),
    /// The model is as it was loaded.
    Undone,
    /// The model stays as it is.
    Failed(Error),
}

/// The batcher's next piece of work.
pub enum QueuedWork {
    /// Lists, which wait in the queue.
    Lists,
    /// A teaching.
    Teaching(Teaching),
}

/// Work that waits.
#[derive(Default)]
pub struct Queue {
    state: Mutex<QueueState>,
    changed: Condvar,
}

#[derive(Default)]
struct QueueState {
    waiting: VecDeque<Job>,
    teachings: VecDeque<Teaching>,
    is_closed: bool,
}

impl Queue {
    /// Adds jobs that belong together: all or none.
    ///
    /// # Errors
    /// The jobs, where there is no room or the queue is closed.
    pub fn push(&self, jobs: Vec<Job>) -> Result<(), Vec<Job>> {
        let mut state = self.lock();
        state.waiting.retain(|job| !job.reporter.is_cancelled());
        if state.is_closed || state.waiting.len() + jobs.len() > MAX_QUEUE {
            return Err(jobs);
        }
        state.waiting.extend(jobs);
        self.changed.notify_one();
        Ok(())
    }

    /// Adds a teaching. It comes before the lists that wait.
    ///
    /// # Errors
    /// The teaching, where there is no room or the queue is closed.
    pub fn push_teaching(&self, teaching: Teaching) -> Result<(), Teaching> {
        let mut state = self.lock();
        if state.is_closed || state.teachings.len() >= MAX_TEACHINGS {
            return Err(teaching);
        }
        state.teachings.push_back(teaching);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for work: a teaching, or jobs to [take](Queue::take); `None` once the queue is closed.
    pub fn next(&self) -> Option<QueuedWork> {
        let mut state = self.lock();
        loop {
            if let Some(teaching) = state.teachings.pop_front() {
                return Some(QueuedWork::Teaching(teaching));
            }
            state.waiting.retain(|job| !job.reporter.is_cancelled());
            if !state.waiting.is_empty() {
                return Some(QueuedWork::Lists);
            }
            if state.is_closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes up to `most` of the jobs that wait for lists by this writer, in their order. A teaching that waits comes before all of them:
    /// nothing joins a batch any more, so that it ends.
    pub fn take(&self, by: Recommends, most: usize) -> Vec<Job> {
        let mut state = self.lock();
        state.waiting.retain(|job| !job.reporter.is_cancelled());
        let (mut taken, mut at) = (Vec::new(), 0);
        while state.teachings.is_empty() && taken.len() < most && at < state.waiting.len() {
            if state.waiting[at].writing.by == by {
                taken.extend(state.waiting.remove(at));
            } else {
                at += 1;
            }
        }
        taken
    }

    /// Takes no more work; what waits is dropped, which the clients see.
    pub fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        state.waiting.clear();
        state.teachings.clear();
        self.changed.notify_all();
    }

    /// The number of jobs that wait.
    pub fn len(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Returns true where nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recommend::testing::catalogue;
    use crate::request::Request;

    fn job(by: Recommends) -> (Job, Ticket<JobEvent>) {
        let request = Request { k: 1, ..Request::default() };
        let prepared = PreparedRequest::new(request, Mode::Strict, &catalogue()).unwrap();
        Job::new(prepared, None, Writing { by, decode: Mode::Strict, guide: None })
    }

    #[test]
    fn jobs_are_taken_in_order_by_writer_without_those_of_clients_that_are_gone() {
        let queue = Queue::default();
        let (mut jobs, mut tickets) = (Vec::new(), Vec::new());
        for by in [Recommends::Model, Recommends::Teacher, Recommends::Model, Recommends::Model] {
            let (job, ticket) = job(by);
            jobs.push(job);
            tickets.push(ticket);
        }
        jobs[2].user = Some("third".to_owned());
        assert!(queue.push(jobs).is_ok());
        assert_eq!(queue.take(Recommends::Model, 0).len(), 0);
        assert_eq!(queue.take(Recommends::Model, 1).len(), 1);
        tickets.pop();
        assert_eq!(queue.take(Recommends::Teacher, 9).len(), 1);
        let rest = queue.take(Recommends::Model, 9);
        assert_eq!(rest.iter().map(|job| job.user.as_deref()).collect::<Vec<_>>(), [Some("third")]);
        assert!(queue.is_empty());
    }

    #[test]
    fn a_teaching_is_not_starved_by_lists() {
        let queue = Queue::default();
        let (job, _ticket) = job(Recommends::Model);
        assert!(queue.push(vec![job]).is_ok());
        let (reporter, _undone) = ticket();
        assert!(queue.push_teaching(Teaching::Undo(reporter)).is_ok());
        assert!(queue.take(Recommends::Model, 9).is_empty(), "nothing joins while a teaching waits");
        assert!(matches!(queue.next(), Some(QueuedWork::Teaching(_))));
        assert!(matches!(queue.next(), Some(QueuedWork::Lists)));
        assert_eq!(queue.take(Recommends::Model, 9).len(), 1);
        queue.close();
        assert!(queue.next().is_none());
    }
}
