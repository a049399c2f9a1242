//! Counters of the server in Prometheus's text format.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::answer::Recommends;
use super::queue::Job;

/// The upper ends of the histogram of list times, in seconds.
const BUCKETS: [f64; 8] = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0];

/// The counters.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Responses by route and status.
    responses: Mutex<BTreeMap<(String, u16), u64>>,
    lists: [AtomicU64; 2],
    failed: AtomicU64,
    /// Lists whose clients went away.
    cancelled: AtomicU64,
    tokens: AtomicU64,
    batches: AtomicU64,
    running: AtomicU64,
    /// Requests whose clients went away before their answer.
    abandoned: AtomicU64,
    teachings: AtomicU64,
    /// 1 while the model has learnt from a feedback.
    taught: AtomicU64,
    buckets: [AtomicU64; BUCKETS.len()],
    milliseconds: AtomicU64,
}

impl Metrics {
    /// Counts a response.
    pub fn response(&self, route: &str, status: u16) {
        *self
            .responses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry((route.to_owned(), status))
            .or_default() += 1;
    }

    /// Counts a request whose client went away.
    pub fn abandoned(&self) {
        self.abandoned.fetch_add(1, Relaxed);
    }

    /// Notes that the model has learnt from a feedback, or that it is as it was loaded.
    pub fn teaching(&self, is_taught: bool) {
        self.teachings.fetch_add(u64::from(is_taught), Relaxed);
        self.taught.store(is_taught.into(), Relaxed);
    }

    /// Returns true while the model has learnt from a feedback.
    pub fn is_taught(&self) -> bool {
        self.taught.load(Relaxed) == 1
    }

    /// Notes that lists are being written from now on. A batch begins where there were none.
    pub fn lists_begin(&self, lists: usize) {
        let before = self.running.fetch_add(lists as u64, Relaxed);
        self.batches.fetch_add(u64::from(before == 0 && lists > 0), Relaxed);
    }

    /// Counts the end of a list with its tokens and the time since it began.
    pub fn list(&self, job: &Job, tokens: usize, time: Duration) {
        self.running.fetch_sub(1, Relaxed);
        self.lists[usize::from(job.writing.by == Recommends::Model)].fetch_add(1, Relaxed);
        self.tokens.fetch_add(tokens as u64, Relaxed);
        self.milliseconds.fetch_add(time.as_millis() as u64, Relaxed);
        if let Some(bucket) = BUCKETS.iter().position(|end| time.as_secs_f64() <= *end) {
            self.buckets[bucket].fetch_add(1, Relaxed);
        }
    }

    /// Counts the end of a list that failed.
    pub fn failed(&self) {
        self.running.fetch_sub(1, Relaxed);
        self.failed.fetch_add(1, Relaxed);
    }

    /// Counts the end of a list whose client went away, with its tokens so far.
    pub fn cancelled(&self, tokens: usize) {
        self.running.fetch_sub(1, Relaxed);
        self.cancelled.fetch_add(1, Relaxed);
        self.tokens.fetch_add(tokens as u64, Relaxed);
    }

    /// All counters as text; `queued` requests wait and `connections` are open.
    pub fn text(&self, queued: usize, connections: usize) -> String {
        let mut text = String::new();
        let mut metric = |name: &str, kind: &str, help: &str, values: &[(String, u64)]| {
            let _ = writeln!(text, "# HELP tiller_{name} {help}\n# TYPE tiller_{name} {kind}");
            for (labels, value) in values {
                let _ = writeln!(text, "tiller_{name}{labels} {value}");
            }
        };
        let one = |value: u64| vec![(String::new(), value)];
        let read = |counter: &AtomicU64| counter.load(Relaxed);
        let responses = self.responses.lock().unwrap_or_else(PoisonError::into_inner);
        let label = |((route, status), &count): (&(String, u16), &u64)| {
            (format!("{{route=\"{route}\",status=\"{status}\"}}"), count)
        };
        let responses: Vec<_> = responses.iter().map(label).collect();
        metric("responses_total", "counter", "Responses by route and status.", &responses);
        let lists = ["teacher", "model"].iter().zip(&self.lists);
        let lists: Vec<_> = lists.map(|(by, count)| (format!("{{by=\"{by}\"}}"), read(count))).collect();
        metric("lists_total", "counter", "Lists by their writer.", &lists);
        metric("lists_failed_total", "counter", "Lists that could not be written.", &one(read(&self.failed)));
        metric("lists_cancelled_total", "counter", "Lists whose clients went away.", &one(read(&self.cancelled)));
        metric("tokens_total", "counter", "Generated tokens.", &one(read(&self.tokens)));
        metric(
            "batches_total",
            "counter",
            "Batches. One begins where no list is being written.",
            &one(read(&self.batches)),
        );
        metric("abandoned_total", "counter", "Requests whose clients went away.", &one(read(&self.abandoned)));
        metric(
            "teachings_total",
            "counter",
            "Times that the model learnt from a feedback.",
            &one(read(&self.teachings)),
        );
        metric("taught", "gauge", "1 while the model has learnt from a feedback.", &one(read(&self.taught)));
        metric("lists_running", "gauge", "Lists that are being written.", &one(read(&self.running)));
        metric("lists_waiting", "gauge", "Lists that wait for a place in the batch.", &one(queued as u64));
        metric("connections", "gauge", "Open connections.", &one(connections as u64));
        self.histogram(&mut text);
        text
    }

    fn histogram(&self, text: &mut String) {
        let name = "tiller_list_seconds";
        let _ = writeln!(text, "# HELP {name} The time in which a list was written.\n# TYPE {name} histogram");
        let mut below = 0;
        for (end, count) in BUCKETS.iter().zip(&self.buckets) {
            below += count.load(Relaxed);
            let _ = writeln!(text, "{name}_bucket{{le=\"{end}\"}} {below}");
        }
        let all: u64 = self.lists.iter().map(|count| count.load(Relaxed)).sum();
        let seconds = self.milliseconds.load(Relaxed) as f64 / 1000.0;
        let _ = writeln!(text, "{name}_bucket{{le=\"+Inf\"}} {all}\n{name}_sum {seconds}\n{name}_count {all}");
    }
}
