//! Progress reports of long operations. The library reports to an observer; the command line installs one that draws
//! progress bars. Without an observer, reports are dropped.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// A report about a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProgressEvent {
    /// The task starts. `total` counts units of `unit` ("examples", "bytes"); `None` if it is unknown.
    Start {
        /// The name of the task.
        label: &'static str,
        /// The number of units.
        total: Option<u64>,
        /// The name of the units.
        unit: &'static str,
    },
    /// The number of units has become known.
    Total(u64),
    /// The task resumes at a position, in units; earlier units say nothing about its speed.
    Resume(u64),
    /// The task has reached a position, in units.
    Position(u64),
    /// The task has finished this many further units.
    Advance(u64),
    /// The latest figure of the task, such as its loss.
    Message(String),
    /// The task has ended.
    Finish,
}

/// An observer of progress reports.
pub trait ProgressObserver: Send + Sync {
    /// Receives a report of the task with this number.
    fn report(&self, task: u64, event: ProgressEvent);

    /// Receives a message that users should see, such as a retry with a smaller batch.
    fn notice(&self, text: &str);
}

static OBSERVER: OnceLock<Box<dyn ProgressObserver>> = OnceLock::new();
static TASKS: AtomicU64 = AtomicU64::new(0);

/// Installs the observer of this process; the first one stays.
pub fn observe(observer: impl ProgressObserver + 'static) {
    let _ = OBSERVER.set(Box::new(observer));
}

/// Sends a message to the observer.
pub fn notice(text: &str) {
    if let Some(observer) = OBSERVER.get() {
        observer.notice(text);
    }
}

/// A running task; dropping it finishes it.
#[derive(Debug)]
pub struct Progress {
    task: Option<u64>,
}

impl Progress {
    /// Starts a task of `total` units of `unit`.
    pub fn start(label: &'static str, total: u64, unit: &'static str) -> Self {
        Self::begin(label, Some(total), unit)
    }

    /// Starts a task of unknown length.
    pub fn unbounded(label: &'static str) -> Self {
        Self::begin(label, None, "")
    }

    fn begin(label: &'static str, total: Option<u64>, unit: &'static str) -> Self {
        let progress = Self { task: Some(TASKS.fetch_add(1, Ordering::Relaxed)) };
        progress.report(ProgressEvent::Start { label, total, unit });
        progress
    }

    /// A task that reports nothing.
    pub fn silent() -> Self {
        Self { task: None }
    }

    /// Continues an earlier run of the task at `position`.
    pub fn resume_at(&self, position: u64) {
        self.report(ProgressEvent::Resume(position));
    }

    /// Sets the number of units.
    pub fn set_total(&self, total: u64) {
        self.report(ProgressEvent::Total(total));
    }

    /// Sets the position.
    pub fn set_position(&self, position: u64) {
        self.report(ProgressEvent::Position(position));
    }

    /// Adds finished units.
    pub fn advance(&self, count: u64) {
        self.report(ProgressEvent::Advance(count));
    }

    /// Sets the message beside the position.
    pub fn set_message(&self, text: impl Into<String>) {
        self.report(ProgressEvent::Message(text.into()));
    }

    /// Ends the task.
    pub fn finish(self) {}

    fn report(&self, event: ProgressEvent) {
        if let (Some(task), Some(observer)) = (self.task, OBSERVER.get()) {
            observer.report(task, event);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.report(ProgressEvent::Finish);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    type Reports = Arc<Mutex<Vec<(u64, ProgressEvent)>>>;

    /// Keeps the reports, as an observer that other tests of the process may share.
    struct Recorder(Reports);

    impl ProgressObserver for Recorder {
        fn report(&self, task: u64, event: ProgressEvent) {
            self.0.lock().unwrap().push((task, event));
        }

        fn notice(&self, _: &str) {}
    }

    #[test]
    fn an_observer_sees_a_task_from_start_to_finish() {
        let reports = Reports::default();
        observe(Recorder(Arc::clone(&reports)));
        Progress::silent().advance(7);
        let progress = Progress::start("observed", 3, "units");
        progress.advance(1);
        progress.finish();
        let reports = reports.lock().unwrap();
        let start = ProgressEvent::Start { label: "observed", total: Some(3), unit: "units" };
        let task = reports.iter().find(|(_, event)| *event == start).unwrap().0;
        let of_task: Vec<_> = reports.iter().filter(|(other, _)| *other == task).map(|(_, event)| event).collect();
        assert_eq!(of_task, [&start, &ProgressEvent::Advance(1), &ProgressEvent::Finish]);
    }
}
