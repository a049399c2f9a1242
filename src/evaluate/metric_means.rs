//! Means of metrics over lists.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::measure::Measures;
use crate::task::Metric;

/// The mean of every metric over some lists; of each, over the lists that have it.
///
/// Serialised it is one flat object: `{"lists": 320, "HR": 0.1, …}`, without the metrics that none of the lists has.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MetricMeans {
    lists: usize,
    means: Vec<Mean>,
}

#[derive(Debug, Clone, PartialEq)]
struct Mean {
    metric: Metric,
    mean: f64,
    count: usize,
}

impl MetricMeans {
    /// The means over some lists.
    pub fn of<'a>(measures: impl IntoIterator<Item = &'a Measures>) -> Self {
        let measures: Vec<&Measures> = measures.into_iter().collect();
        let mean = |metric: Metric| {
            let figures: Vec<f64> = measures.iter().filter_map(|measures| measures.value(metric)).collect();
            let count = figures.len();
            (count > 0).then(|| Mean { metric, mean: figures.iter().sum::<f64>() / count as f64, count })
        };
        Self { lists: measures.len(), means: Metric::ALL.into_iter().filter_map(mean).collect() }
    }

    /// The number of lists.
    pub fn lists(&self) -> usize {
        self.lists
    }

    /// The mean of a metric; `None` where no list has it.
    pub fn mean(&self, metric: Metric) -> Option<f64> {
        self.find(metric).map(|mean| mean.mean)
    }

    /// The number of lists that have a metric.
    pub fn count(&self, metric: Metric) -> usize {
        self.find(metric).map_or(0, |mean| mean.count)
    }

    /// The metrics that the lists have, with their means, in the order of [`Metric::ALL`].
    pub fn means(&self) -> impl Iterator<Item = (Metric, f64)> {
        self.means.iter().map(|mean| (mean.metric, mean.mean))
    }

    fn find(&self, metric: Metric) -> Option<&Mean> {
        self.means.iter().find(|mean| mean.metric == metric)
    }
}

impl Serialize for MetricMeans {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.means.len() + 1))?;
        map.serialize_entry("lists", &self.lists)?;
        for Mean { metric, mean, .. } in &self.means {
            map.serialize_entry(metric, mean)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(rank: Option<u32>, cpa: Option<bool>, not_existing: u32) -> Measures {
        Measures {
            rank,
            tcp: None,
            tcp_distinct: None,
            tcp_valid: None,
            cpa,
            cpa_distinct: cpa,
            cpa_valid: cpa,
            correct_count: true,
            repeats: 0,
            not_existing,
            in_history: None,
            not_candidates: None,
            is_empty: false,
            constraints_met: false,
        }
    }

    #[test]
    fn a_mean_is_over_the_lists_that_have_the_metric() {
        let lists =
            [list(Some(0), Some(true), 0), list(Some(2), None, 3), list(None, Some(false), 0), list(None, None, 0)];
        let summary = MetricMeans::of(&lists);
        assert_eq!((summary.mean(Metric::HR), summary.count(Metric::HR)), (Some(0.5), 4));
        assert_eq!(summary.mean(Metric::NDCG), Some((1.0 + 0.5) / 4.0));
        assert_eq!(summary.mean(Metric::MRR), Some((1.0 + 1.0 / 3.0) / 4.0));
        assert_eq!((summary.mean(Metric::CPA), summary.count(Metric::CPA)), (Some(0.5), 2));
        assert_eq!(summary.mean(Metric::NonExist), Some(0.75));
        assert_eq!((summary.mean(Metric::TCP), summary.count(Metric::TCP)), (None, 0));

        let json = serde_json::to_value(&summary).unwrap();
        assert_eq!((json["lists"].as_u64(), json["HR"].as_f64(), json.get("TCP")), (Some(4), Some(0.5), None));
        assert_eq!(serde_json::to_string(&MetricMeans::default()).unwrap(), r#"{"lists":0}"#);
    }
}
