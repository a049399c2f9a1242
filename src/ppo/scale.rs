//! Rewards of many tasks brought to one size.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Added to a variance before its root is taken, so that equal values are not divided by 0.
const EPSILON: f64 = 1e-8;

/// The standard deviation of everything that was ever seen (Welford 1962): a running size by which rewards are divided, their mean
/// staying where it is (method §7.5, `scale_rewards`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct RunningStd {
    count: u64,
    mean: f64,
    /// The sum of squared distances from the mean.
    squares: f64,
}

impl RunningStd {
    /// Takes in a value.
    pub fn see(&mut self, value: f64) {
        self.count += 1;
        let before = value - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (value - self.mean);
    }

    /// The unbiased standard deviation; 1 where nothing has varied yet.
    pub fn deviation(&self) -> f64 {
        match self.count {
            0 | 1 => 1.0,
            _ if self.squares == 0.0 => 1.0,
            count => (self.squares / (count - 1) as f64).sqrt(),
        }
    }
}

/// Divides all values by their common unbiased standard deviation; their mean stays where it is (method §7.6, `whiten_rewards`).
pub fn whiten(rows: &mut [Vec<f64>]) {
    let (_, deviation) = moments(rows);
    rows.iter_mut().flatten().for_each(|value| *value /= deviation);
}

/// Takes the common mean from all values and divides them by their unbiased standard deviation, as advantages are (method §7.6).
pub fn normalize(rows: &mut [Vec<f64>]) {
    let (mean, deviation) = moments(rows);
    rows.iter_mut().flatten().for_each(|value| *value = (*value - mean) / deviation);
}

/// Lets `scale` bring rows to one size among those of the same key, so that rows of another kind, whose values vary more, leave them as
/// large as they are.
///
/// # Panics
/// Where there are fewer keys than rows.
pub fn per_group<K: Ord>(rows: &mut [Vec<f64>], keys: &[K], scale: impl Fn(&mut [Vec<f64>])) {
    let mut places: BTreeMap<&K, Vec<usize>> = BTreeMap::new();
    for (place, key) in (0..rows.len()).map(|place| (place, &keys[place])) {
        places.entry(key).or_default().push(place);
    }
    for places in places.values() {
        let mut from_key: Vec<Vec<f64>> = places.iter().map(|&place| std::mem::take(&mut rows[place])).collect();
        scale(&mut from_key);
        places.iter().zip(from_key).for_each(|(&place, row)| rows[place] = row);
    }
}

/// Mean and unbiased standard deviation over all values; 0 and 1 where there are fewer than two.
fn moments(rows: &[Vec<f64>]) -> (f64, f64) {
    let count = rows.iter().map(Vec::len).sum::<usize>();
    if count < 2 {
        return (0.0, 1.0);
    }
    let mean = rows.iter().flatten().sum::<f64>() / count as f64;
    let squares: f64 = rows.iter().flatten().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (count - 1) as f64 + EPSILON).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: &[Vec<f64>], expected: &[&[f64]]) {
        assert_eq!(
            found.iter().map(Vec::len).collect::<Vec<_>>(),
            expected.iter().map(|e| e.len()).collect::<Vec<_>>()
        );
        let pairs = found.iter().flatten().zip(expected.iter().copied().flatten());
        pairs.for_each(|(f, e)| assert!((f - e).abs() < 1e-7, "{found:?} is not {expected:?}"));
    }

    #[test]
    fn whitening_and_normalizing_by_hand() {
        // Mean 3, squares 4 + 1 + 1 + 4 = 10, over three: 10/3.
        let rows = || vec![vec![1.0, 2.0], vec![4.0, 5.0]];
        let deviation = (10.0f64 / 3.0).sqrt();
        let mut whitened = rows();
        whiten(&mut whitened);
        close(&whitened, &[&[1.0 / deviation, 2.0 / deviation], &[4.0 / deviation, 5.0 / deviation]]);
        let mut normalized = rows();
        normalize(&mut normalized);
        close(&normalized, &[&[-2.0 / deviation, -1.0 / deviation], &[1.0 / deviation, 2.0 / deviation]]);
    }

    #[test]
    fn equal_values_stay_finite_and_a_single_one_stays_as_it_is() {
        let mut equal = vec![vec![2.0], vec![2.0, 2.0]];
        normalize(&mut equal);
        close(&equal, &[&[0.0], &[0.0, 0.0]]);
        let mut single = vec![vec![], vec![3.0]];
        whiten(&mut single);
        close(&single, &[&[], &[3.0]]);
    }

    #[test]
    fn rows_of_a_key_are_scaled_among_themselves() {
        let rows = || vec![vec![1.0, 2.0], vec![100.0, 300.0], vec![4.0, 5.0], vec![200.0]];
        let (mut all, mut small, mut large) =
            (rows(), vec![rows()[0].clone(), rows()[2].clone()], vec![rows()[1].clone(), rows()[3].clone()]);
        per_group(&mut all, &["small", "large", "small", "large"], normalize);
        normalize(&mut small);
        normalize(&mut large);
        assert_eq!(all, [small[0].clone(), large[0].clone(), small[1].clone(), large[1].clone()]);
        close(&large, &[&[-1.0, 1.0], &[0.0]]);
    }

    #[test]
    fn the_running_deviation_is_that_of_all_values_at_once() {
        let values = [3.0, -1.0, 4.5, 0.0, 2.0];
        let mut running_std = RunningStd::default();
        assert_eq!(running_std.deviation(), 1.0);
        for (seen, value) in values.into_iter().enumerate() {
            running_std.see(value);
            let (_, expected) = moments(&[values[..=seen].to_vec()]);
            assert!((running_std.deviation() - expected).abs() < 1e-8);
        }
        let stored: RunningStd = serde_json::from_str(&serde_json::to_string(&running_std).unwrap()).unwrap();
        assert_eq!(stored, running_std);
    }
}
