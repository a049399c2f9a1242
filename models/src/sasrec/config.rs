//! The sizes of a SASRec.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Epsilon of every layer norm (method §2.1).
pub(super) const LAYER_NORM_EPSILON: f64 = 1e-12;
/// Standard deviation of the initial weights (method §2.1).
pub(super) const INITIAL_DEVIATION: f32 = 0.02;

/// The sizes of a [`super::SasRec`]; the defaults are the paper's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SasRecConfig {
    /// Width of item and user vectors.
    pub d_model: usize,
    /// Number of transformer layers.
    pub n_layers: usize,
    /// Attention heads; they share `d_model` evenly.
    pub n_heads: usize,
    /// Width inside the feed-forward network.
    pub d_ff: usize,
    /// Items of history that the model sees.
    pub length: usize,
    /// Dropout rate of the input, the attention and both branches of a layer, while training.
    pub dropout: f64,
}

impl Default for SasRecConfig {
    fn default() -> Self {
        Self { d_model: 128, n_layers: 2, n_heads: 2, d_ff: 256, length: 10, dropout: 0.5 }
    }
}

impl SasRecConfig {
    /// Checks that a model of these sizes can be built.
    ///
    /// # Errors
    /// A size of zero, heads that do not divide `d_model`, a dropout rate outside [0, 1).
    pub fn validate(&self) -> Result<()> {
        let sizes = [
            ("d_model", self.d_model),
            ("n_layers", self.n_layers),
            ("n_heads", self.n_heads),
            ("d_ff", self.d_ff),
            ("length", self.length),
        ];
        for (key, size) in sizes {
            // The bound keeps every product of two sizes far from overflow.
            if !(1..=65_536).contains(&size) {
                return Err(bad(key, "a size from 1 to 65536", size));
            }
        }
        if !self.d_model.is_multiple_of(self.n_heads) {
            return Err(bad("n_heads", &format!("a divisor of d_model {}", self.d_model), self.n_heads));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(bad("dropout", "a rate of at least 0 and below 1", self.dropout));
        }
        Ok(())
    }

    /// The number of weights of a valid model for `n_items`.
    pub fn n_weights(&self, n_items: usize) -> usize {
        let Self { d_model, d_ff, n_layers, length, .. } = *self;
        let norm = 2 * d_model;
        let attention = 4 * (d_model + 1) * d_model;
        let feed_forward = (d_model + 1) * d_ff + (d_ff + 1) * d_model;
        (n_items + length) * d_model + norm + n_layers * (attention + norm + feed_forward + norm)
    }
}

fn bad(key: &str, expected: &str, found: impl std::fmt::Display) -> Error {
    Error::bad_input(format!("model.{key}")).expected(expected).found(found).next("see the run's config.toml").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_sizes_are_refused_by_name() {
        let good = SasRecConfig::default();
        assert!(good.validate().is_ok());
        let cases = [
            ("d_model", SasRecConfig { d_model: 0, ..good.clone() }),
            ("n_heads", SasRecConfig { n_heads: 3, ..good.clone() }),
            ("length", SasRecConfig { length: usize::MAX, ..good.clone() }),
            ("dropout", SasRecConfig { dropout: 1.0, ..good.clone() }),
            ("dropout", SasRecConfig { dropout: f64::NAN, ..good }),
        ];
        for (key, config) in cases {
            let error = config.validate().unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
    }
}
