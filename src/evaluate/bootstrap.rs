//! Bootstrap confidence intervals of means over users (Efron 1979).

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::data::rng::SeededRng;

/// A mean with its 95 % confidence interval: the middle 95 % of its values over resampled users.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ConfidenceInterval {
    /// The mean over users.
    pub mean: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// The number of users.
    pub users: usize,
}

/// Resampled users: each replicate draws as many as there are, with replacement. One bootstrap serves all figures, so that their
/// [`differences`] are resampled in pairs.
#[derive(Debug, Clone)]
pub struct Bootstrap {
    users: usize,
    /// The number of times each replicate has drawn each user, `[replicates][users]`.
    drawn: Vec<Vec<u8>>,
}

/// The part of replicates beyond each end of an interval.
const TAIL: f64 = 0.025;

impl Bootstrap {
    /// Draws `replicates` resamples of `users` from a seed.
    pub fn new(users: usize, replicates: usize, seed: u64) -> Self {
        let replicate = |number: u64| {
            let mut rng = SeededRng::new(seed, number);
            let mut drawn = vec![0u8; users];
            for _ in 0..users {
                let count = &mut drawn[rng.below(users as u64) as usize];
                *count = count.saturating_add(1);
            }
            drawn
        };
        Self { users, drawn: (0..replicates as u64).into_par_iter().map(replicate).collect() }
    }

    /// The confidence interval of the mean of one value per user; users whose value is NaN are left out. `None` without any
    /// value.
    ///
    /// # Panics
    /// The number of values is not that of the users.
    pub fn interval(&self, values: &[f64]) -> Option<ConfidenceInterval> {
        assert_eq!(values.len(), self.users, "one value per user");
        let known: Vec<(usize, f64)> =
            (0..).zip(values).filter(|(_, value)| !value.is_nan()).map(|(user, &value)| (user, value)).collect();
        if known.is_empty() {
            return None;
        }
        let mean = known.iter().map(|(_, value)| value).sum::<f64>() / known.len() as f64;
        let resampled = |drawn: &Vec<u8>| {
            let (sum, count) = known.iter().fold((0.0, 0.0), |(sum, count), &(user, value)| {
                let weight = f64::from(drawn[user]);
                (sum + weight * value, count + weight)
            });
            (count > 0.0).then_some(sum / count)
        };
        let mut means: Vec<f64> = self.drawn.par_iter().filter_map(resampled).collect();
        means.sort_by(f64::total_cmp);
        let at = |part: f64| means.get((part * means.len() as f64) as usize).or(means.last()).copied().unwrap_or(mean);
        Some(ConfidenceInterval { mean, low: at(TAIL), high: at(1.0 - TAIL), users: known.len() })
    }
}

/// Each user's difference of two figures, NaN where one is missing. Its interval is that of a paired difference.
pub fn differences(values: &[f64], others: &[f64]) -> Vec<f64> {
    values.iter().zip(others).map(|(value, other)| value - other).collect()
}

/// Each user's mean over the rows (such as tasks) that have a value, NaN where none has; `None` without rows.
pub fn user_means(rows: &[Vec<f64>]) -> Option<Vec<f64>> {
    let users = 0..rows.first()?.len();
    let mean = |user: usize| {
        let values: Vec<f64> = rows.iter().map(|row| row[user]).filter(|value| !value.is_nan()).collect();
        values.iter().sum::<f64>() / values.len() as f64
    };
    Some(users.map(mean).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first `ones` of `users` values are 1.
    fn ones(users: usize, ones: usize) -> Vec<f64> {
        (0..users).map(|user| f64::from(u8::from(user < ones))).collect()
    }

    #[test]
    fn an_interval_is_as_wide_as_the_normal_approximation_says() {
        let interval = Bootstrap::new(400, 1000, 1).interval(&ones(400, 120)).unwrap();
        assert!((interval.mean - 0.3).abs() < 1e-6 && interval.users == 400);
        let width = 1.96 * (0.3f64 * 0.7 / 400.0).sqrt();
        for (end, expected) in [(interval.low, 0.3 - width), (interval.high, 0.3 + width)] {
            assert!((end - expected).abs() < 0.008, "{end} and {expected}");
        }
    }

    #[test]
    fn a_difference_is_resampled_in_pairs() {
        let bootstrap = Bootstrap::new(100, 500, 7);
        let figure = ones(100, 50);
        let shifted: Vec<f64> = figure.iter().map(|value| value + 0.25).collect();
        let difference = bootstrap.interval(&differences(&shifted, &figure)).unwrap();
        assert_eq!((difference.low, difference.mean, difference.high), (0.25, 0.25, 0.25));
    }

    #[test]
    fn users_without_a_value_take_no_part() {
        let mut values = ones(50, 50);
        values[..20].fill(f64::NAN);
        let bootstrap = Bootstrap::new(50, 200, 3);
        let interval = bootstrap.interval(&values).unwrap();
        assert_eq!((interval.mean, interval.low, interval.high, interval.users), (1.0, 1.0, 1.0, 30));
        assert_eq!(bootstrap.interval(&[f64::NAN; 50]), None);
        assert_eq!(bootstrap.interval(&differences(&values, &[f64::NAN; 50])), None);
        assert_eq!(Bootstrap::new(50, 200, 3).interval(&ones(50, 9)), bootstrap.interval(&ones(50, 9)), "by the seed");
    }

    #[test]
    fn a_users_mean_is_over_the_tasks_that_the_user_has() {
        let means = user_means(&[vec![1.0, f64::NAN, f64::NAN], vec![3.0, 2.0, f64::NAN]]).unwrap();
        assert!(means[..2] == [2.0, 2.0] && means[2].is_nan());
        assert_eq!(user_means(&[]), None);
    }
}
