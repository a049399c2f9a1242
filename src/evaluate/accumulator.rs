//! Sums of metrics per user, from which means with confidence intervals are made.

use std::collections::BTreeMap;

use super::bootstrap::{Bootstrap, ConfidenceInterval};
use super::measure::Measures;
use crate::task::Metric;

/// The metrics of one system's lists in one task, summed for each user.
#[derive(Debug, Clone)]
pub struct Accumulator {
    users: usize,
    /// For each metric, the sum over the user's lists and their number, `[users]`.
    sums: BTreeMap<Metric, Vec<(f64, u32)>>,
}

impl Accumulator {
    /// An empty accumulator of `users`.
    pub fn new(users: usize) -> Self {
        Self { users, sums: BTreeMap::new() }
    }

    /// Adds a list of a user, in the given metrics.
    pub fn add(&mut self, user: usize, measures: &Measures, metrics: &[Metric]) {
        for &metric in metrics {
            if let Some(figure) = measures.value(metric) {
                let sums = self.sums.entry(metric).or_insert_with(|| vec![(0.0, 0); self.users]);
                sums[user].0 += figure;
                sums[user].1 += 1;
            }
        }
    }

    /// The number of users with a list.
    pub fn answered(&self) -> usize {
        let most = |sums: &Vec<(f64, u32)>| sums.iter().filter(|(_, count)| *count > 0).count();
        self.sums.values().map(most).max().unwrap_or(0)
    }

    /// Each user's mean over the lists, NaN where there is none; `None` where no list has the metric.
    pub fn figures(&self, metric: Metric) -> Option<Vec<f64>> {
        let mean = |&(sum, count): &(f64, u32)| if count == 0 { f64::NAN } else { sum / count as f64 };
        self.sums.get(&metric).map(|sums| sums.iter().map(mean).collect())
    }

    /// The confidence intervals of all metrics.
    pub fn intervals(&self, bootstrap: &Bootstrap) -> BTreeMap<Metric, ConfidenceInterval> {
        let interval = |metric: &Metric| Some((*metric, bootstrap.interval(&self.figures(*metric)?)?));
        self.sums.keys().filter_map(interval).collect()
    }
}
