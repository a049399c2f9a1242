//! The two ends of a task: the batcher reports, a client reads until it goes away.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use axum::response::sse::Event;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_stream::Stream;

/// The batcher's end: reports of type `R`, of which a task has a few.
pub struct Reporter<R> {
    reports: mpsc::UnboundedSender<R>,
    is_cancelled: Arc<AtomicBool>,
}

/// A client's end. The task ends where it is dropped.
pub struct Ticket<R> {
    reports: mpsc::UnboundedReceiver<R>,
    is_cancelled: Arc<AtomicBool>,
}

/// Both ends of a new task.
pub fn ticket<R>() -> (Reporter<R>, Ticket<R>) {
    let (sender, reports) = mpsc::unbounded_channel();
    let is_cancelled = Arc::new(AtomicBool::new(false));
    (Reporter { reports: sender, is_cancelled: is_cancelled.clone() }, Ticket { reports, is_cancelled })
}

impl<R> Reporter<R> {
    /// Reports to the client, if it is still there.
    pub fn report(&self, report: R) {
        let _ = self.reports.send(report);
    }

    /// Returns true once the client is gone.
    pub fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
    }
}

impl<R> Ticket<R> {
    /// The next report; `None` where the batcher is gone.
    pub async fn next(&mut self) -> Option<R> {
        self.reports.recv().await
    }

    /// The reports as server-sent events: what `event` makes of each, up to the one that it calls the last.
    pub fn events<F: FnMut(Option<R>) -> (SentEvent, bool) + Unpin>(self, event: F) -> TicketEvents<R, F> {
        TicketEvents { ticket: self, event, is_done: false }
    }
}

impl<R> Drop for Ticket<R> {
    fn drop(&mut self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }
}

/// A server-sent event, or why its data are no JSON.
pub type SentEvent = Result<Event, axum::Error>;

/// The event `name` with JSON as its data.
pub fn event(name: &str, data: &impl Serialize) -> SentEvent {
    Event::default().event(name).json_data(data)
}

/// The reports of a task as server-sent events.
pub struct TicketEvents<R, F> {
    ticket: Ticket<R>,
    event: F,
    is_done: bool,
}

impl<R, F: FnMut(Option<R>) -> (SentEvent, bool) + Unpin> Stream for TicketEvents<R, F> {
    type Item = SentEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<Option<SentEvent>> {
        if self.is_done {
            return Poll::Ready(None);
        }
        let report = ready!(self.ticket.reports.poll_recv(context));
        let (event, is_last) = (self.event)(report);
        self.is_done = is_last;
        Poll::Ready(Some(event))
    }
}
