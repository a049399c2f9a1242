//! The queue of requests on their way to the batcher: bounded, in order of arrival, and without those whose clients are gone.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::mpsc;

use super::answer::{Answer, AnswerItem, Recommends};
use crate::Error;
use crate::constrain::{GuideWeight, Mode};
use crate::recommend::PreparedRequest;

/// The most requests that wait (429).
pub const MAX_QUEUE: usize = 256;

/// A request on its way to the batcher.
pub struct Job {
    /// The request.
    pub prepared: PreparedRequest,
    /// The user's key.
    pub user: Option<String>,
    /// The way the list is written.
    pub writing: Writing,
    events: mpsc::UnboundedSender<JobEvent>,
    is_cancelled: Arc<AtomicBool>,
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

/// A client's side of a job. The job ends where it is dropped.
pub struct Ticket {
    events: mpsc::UnboundedReceiver<JobEvent>,
    is_cancelled: Arc<AtomicBool>,
}

impl Job {
    /// A job and its ticket.
    pub fn new(prepared: PreparedRequest, user: Option<String>, writing: Writing) -> (Self, Ticket) {
        let (sender, events) = mpsc::unbounded_channel();
        let is_cancelled = Arc::new(AtomicBool::new(false));
        let ticket = Ticket { events, is_cancelled: is_cancelled.clone() };
        (Self { prepared, user, writing, events: sender, is_cancelled }, ticket)
    }

    /// Returns true once the client is gone.
    pub fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
    }

    /// Reports to the client, if it is still there.
    pub fn report(&self, event: JobEvent) {
        let _ = self.events.send(event);
    }
}

impl Ticket {
    /// The next report; `None` where the batcher is gone.
    pub async fn next(&mut self) -> Option<JobEvent> {
        self.events.recv().await
    }

    /// The next report, polled; `None` where the batcher is gone.
    pub fn poll_next(&mut self, context: &mut Context) -> Poll<Option<JobEvent>> {
        self.events.poll_recv(context)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }
}

/// Jobs that wait.
#[derive(Default)]
pub struct Queue {
    state: Mutex<QueueState>,
    changed: Condvar,
}

#[derive(Default)]
struct QueueState {
    waiting: VecDeque<Job>,
    is_closed: bool,
}

impl Queue {
    /// Adds jobs that belong together: all or none.
    ///
    /// # Errors
    /// The jobs, where there is no room or the queue is closed.
    pub fn push(&self, jobs: Vec<Job>) -> Result<(), Vec<Job>> {
        let mut state = self.lock();
        state.waiting.retain(|job| !job.is_cancelled());
        if state.is_closed || state.waiting.len() + jobs.len() > MAX_QUEUE {
            return Err(jobs);
        }
        state.waiting.extend(jobs);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for jobs. Takes the oldest and those that join it, `most` at most; `None` once the queue is closed.
    pub fn next_batch(&self, most: usize) -> Option<Vec<Job>> {
        let mut state = self.lock();
        loop {
            state.waiting.retain(|job| !job.is_cancelled());
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
                return Some(batch);
            }
            if state.is_closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes no more jobs; those that wait are dropped, which their clients see.
    pub fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        state.waiting.clear();
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
