//! The settings of a teacher's training.

use serde::{Deserialize, Serialize};
use tiller_models::sasrec::SasRecConfig;

use crate::Result;
use crate::run::config::out_of_range;

/// The settings of `tiller sasrec train`; the defaults are those of method §2.2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TeacherConfig {
    /// The most passes over the training examples.
    pub epochs: u32,
    /// Examples per step.
    pub batch: usize,
    /// The first learning rate.
    pub lr: f64,
    /// Validations in a row without a better NDCG@10 that are tolerated; one more ends the training.
    pub patience: u32,
    /// The seed of the first weights, the order of the examples and the dropout.
    pub seed: u64,
    /// The learning-rate schedule: the rate falls on plateaus.
    pub plateau: Plateau,
    /// The sizes of the model.
    pub model: SasRecConfig,
}

/// The plateau schedule: lowers the learning rate once validation NDCG@10 no longer rises.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plateau {
    /// The factor by which the learning rate falls.
    pub factor: f64,
    /// Validations in a row without a rise that are tolerated.
    pub patience: u32,
    /// The smallest relative rise over the best figure so far that counts.
    pub threshold: f64,
}

impl Default for TeacherConfig {
    fn default() -> Self {
        Self {
            epochs: 100,
            batch: 1024,
            lr: 1e-3,
            patience: 10,
            seed: 2022,
            plateau: Plateau::default(),
            model: SasRecConfig::default(),
        }
    }
}

impl Default for Plateau {
    fn default() -> Self {
        Self { factor: 0.5, patience: 1, threshold: 1e-4 }
    }
}

impl TeacherConfig {
    /// Checks that the settings make sense.
    ///
    /// # Errors
    /// The key that does not.
    pub fn validate(&self) -> Result<()> {
        self.model.validate()?;
        let wrong = |key: &str, expected: &str, found: f64| Err(out_of_range(key, expected, found));
        if self.batch == 0 {
            return wrong("batch", "at least 1", 0.0);
        }
        if !(self.lr > 0.0 && self.lr.is_finite()) {
            return wrong("lr", "a positive number", self.lr);
        }
        if !(self.plateau.factor > 0.0 && self.plateau.factor <= 1.0) {
            return wrong("plateau.factor", "a number above 0 and at most 1", self.plateau.factor);
        }
        if !(self.plateau.threshold >= 0.0 && self.plateau.threshold.is_finite()) {
            return wrong("plateau.threshold", "a number of at least 0", self.plateau.threshold);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_make_no_sense_are_refused_by_name() {
        let good = TeacherConfig::default();
        assert!(good.validate().is_ok());
        let plateau = Plateau { factor: 2.0, ..Plateau::default() };
        let cases = [
            ("batch", TeacherConfig { batch: 0, ..good.clone() }),
            ("lr", TeacherConfig { lr: f64::NAN, ..good.clone() }),
            ("plateau.factor", TeacherConfig { plateau, ..good.clone() }),
            ("model.n_heads", TeacherConfig { model: SasRecConfig { n_heads: 7, ..good.model.clone() }, ..good }),
        ];
        for (key, config) in cases {
            let error = config.validate().unwrap_err();
            assert!(error.to_string().starts_with(key), "{error}");
            assert_eq!(error.exit_code(), 2);
        }
    }

    #[test]
    fn the_stored_configuration_is_read_back() {
        let config = TeacherConfig { epochs: 3, ..TeacherConfig::default() };
        let text = toml::to_string_pretty(&config).unwrap();
        assert_eq!(toml::from_str::<TeacherConfig>(&text).unwrap(), config);
    }
}
