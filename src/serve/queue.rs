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
    /// The way back to the client.
    pub reporter: Reporter<JobEvent>,
}

/// The way a list is written. Lists of one way form a batch.
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
    /// An item was written.
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
        (Self { prepared, user, writing, reporter }, ticket)
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
    /// Lists of one batch.
    Lists(Vec<Job>),
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

    /// Waits for work: a teaching, or the oldest job and those that join it, `most` at most; `None` once the queue is closed.
    pub fn next(&self, most: usize) -> Option<QueuedWork> {
        let mut state = self.lock();
        loop {
            if let Some(teaching) = state.teachings.pop_front() {
                return Some(QueuedWork::Teaching(teaching));
            }
            state.waiting.retain(|job| !job.reporter.is_cancelled());
            if let Some(first) = state.waiting.pop_front() {
                let mut batch = vec![first];
                let mut at = 0;
                while batch.len() < most && at < state.waiting.len() {
                    if state.waiting[at].writing == batch[0].writing {
                        batch.extend(state.waiting.remove(at));
                    } else {
                        at += 1;
                    }
                }
                return Some(QueuedWork::Lists(batch));
            }
            if state.is_closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
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
