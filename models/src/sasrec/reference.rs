//! SASRec once more, in f64 and in plain loops over one history without padding: the oracle of the tests.

use std::collections::BTreeMap;

use burn::tensor::TensorData;

use super::{SasRecConfig, SasRecExample};
use crate::archive::NamedTensors;

/// The weights of a model, flat and by name.
pub(super) struct Reference {
    config: SasRecConfig,
    pub(super) weights: BTreeMap<String, Vec<f64>>,
}

impl Reference {
    pub(super) fn new(config: SasRecConfig, weights: NamedTensors) -> Self {
        let wide = |data: TensorData| data.iter::<f64>().collect();
        Self { config, weights: weights.into_iter().map(|(name, data)| (name, wide(data))).collect() }
    }

    /// The scores of all items after `history` (method §2.1).
    pub(super) fn scores(&self, history: &[u32]) -> Vec<f64> {
        let SasRecConfig { d_model, n_layers, length, .. } = self.config;
        let recent = &history[history.len().saturating_sub(length)..];
        // An empty history reads as one place of padding, the zero vector.
        let places = recent.len().max(1);
        let item = |id: u32| self.weights["items"].chunks(d_model).nth(id as usize - 1);
        let mut x: Vec<Vec<f64>> = (0..places)
            .map(|place| {
                let position = &self.weights["positions"][(length - places + place) * d_model..][..d_model];
                let item = recent.get(place).and_then(|&id| item(id));
                self.norm("norm", &add(position, item.unwrap_or(&vec![0.0; d_model])))
            })
            .collect();
        for layer in 0..n_layers {
            x = self.layer(&format!("blocks.{layer}"), &x);
        }
        self.weights["items"].chunks(d_model).map(|item| dot(item, &x[places - 1])).collect()
    }

    /// The mean over examples of logsumexp(scores) - score(target).
    pub(super) fn loss(&self, examples: &[SasRecExample]) -> f64 {
        let loss = |example: &SasRecExample| {
            let scores = self.scores(example.history);
            scores.iter().map(|s| s.exp()).sum::<f64>().ln() - scores[example.target as usize - 1]
        };
        examples.iter().map(loss).sum::<f64>() / examples.len() as f64
    }

    fn layer(&self, at: &str, x: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let head_dim = self.config.d_model / self.config.n_heads;
        let all = |map: &str| x.iter().map(|row| self.linear(&format!("{at}.{map}"), row)).collect::<Vec<_>>();
        let [q, k, v] = ["query", "key", "value"].map(all);
        let attend = |place: usize| -> Vec<f64> {
            let head = |head: usize| {
                let part = |row: &[f64]| row[head * head_dim..][..head_dim].to_vec();
                let score = |key: usize| dot(&part(&q[place]), &part(&k[key])) / (head_dim as f64).sqrt();
                let weights: Vec<f64> = (0..=place).map(|key| score(key).exp()).collect();
                let total: f64 = weights.iter().sum();
                let mean = |column: usize| weights.iter().zip(&v).map(|(w, row)| w / total * part(row)[column]).sum();
                (0..head_dim).map(mean).collect::<Vec<f64>>()
            };
            (0..self.config.n_heads).flat_map(head).collect()
        };
        let place = |place: usize| {
            let branch = self.linear(&format!("{at}.output"), &attend(place));
            let a = self.norm(&format!("{at}.attention_norm"), &add(&x[place], &branch));
            let inner: Vec<f64> = self.linear(&format!("{at}.expand"), &a).into_iter().map(gelu).collect();
            self.norm(&format!("{at}.inner_norm"), &add(&a, &self.linear(&format!("{at}.contract"), &inner)))
        };
        (0..x.len()).map(place).collect()
    }

    fn linear(&self, at: &str, x: &[f64]) -> Vec<f64> {
        let (weight, bias) = (&self.weights[&format!("{at}.weight")], &self.weights[&format!("{at}.bias")]);
        let column = |j: usize| (0..x.len()).map(|i| x[i] * weight[i * bias.len() + j]).sum::<f64>() + bias[j];
        (0..bias.len()).map(column).collect()
    }

    fn norm(&self, at: &str, x: &[f64]) -> Vec<f64> {
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / x.len() as f64;
        let (gamma, beta) = (&self.weights[&format!("{at}.gamma")], &self.weights[&format!("{at}.beta")]);
        let scaled = |i: usize| (x[i] - mean) / (variance + 1e-12).sqrt() * gamma[i] + beta[i];
        (0..x.len()).map(scaled).collect()
    }
}

fn add(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn gelu(x: f64) -> f64 {
    x * 0.5 * (1.0 + erf(x / std::f64::consts::SQRT_2))
}

/// The error function by its Maclaurin series, exact to f64 where |x| < 4; beyond it is ±1 to 1e-8.
fn erf(x: f64) -> f64 {
    if x.abs() > 4.0 {
        return x.signum();
    }
    let (mut term, mut sum) = (x, x);
    for n in 1..120 {
        term *= -x * x / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    sum * 2.0 / std::f64::consts::PI.sqrt()
}
