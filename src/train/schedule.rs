//! The learning rate of every step: a linear warm-up, then a power of what is left of the training (method §5).

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::run::config::out_of_range;

/// The rise and fall of the learning rate; the defaults are the paper's, but for the rate itself, which depends on the model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LrSchedule {
    /// The highest rate, that of the last step of the warm-up.
    pub lr: f64,
    /// The share of all steps over which the rate rises from 0.
    pub warmup_ratio: f64,
    /// The power of the decay; 1 is linear, 0 keeps the rate.
    pub poly_power: f64,
    /// The rate that the decay tends to.
    pub min_lr: f64,
}

impl Default for LrSchedule {
    fn default() -> Self {
        Self { lr: 1e-3, warmup_ratio: 0.0125, poly_power: 2.0, min_lr: 1e-7 }
    }
}

impl LrSchedule {
    /// The rate of step `step` of `steps`, counted from 0.
    pub fn rate(&self, step: u64, steps: u64) -> f64 {
        let warmup = (self.warmup_ratio * steps as f64).round();
        let step = step as f64;
        if step < warmup {
            return self.lr * (step + 1.0) / warmup;
        }
        let left = 1.0 - (step - warmup) / (steps as f64 - warmup).max(1.0);
        self.min_lr + (self.lr - self.min_lr) * left.max(0.0).powf(self.poly_power)
    }

    /// Checks that the settings make sense.
    ///
    /// # Errors
    /// The key that does not, as it stands in the table `table`.
    pub fn validate(&self, table: &str) -> Result<()> {
        let within = |key: &str, expected: &str, value: f64, holds: bool| {
            if holds { Ok(()) } else { Err(out_of_range(&format!("{table}.{key}"), expected, value)) }
        };
        within("lr", "a positive number", self.lr, self.lr > 0.0 && self.lr.is_finite())?;
        within("warmup_ratio", "a share from 0 to 1", self.warmup_ratio, (0.0..=1.0).contains(&self.warmup_ratio))?;
        within(
            "poly_power",
            "a number of at least 0",
            self.poly_power,
            self.poly_power >= 0.0 && self.poly_power.is_finite(),
        )?;
        within("min_lr", "a number from 0 to the rate itself", self.min_lr, (0.0..=self.lr).contains(&self.min_lr))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_in_a_line_and_falls_by_its_power() {
        let schedule = LrSchedule { lr: 1.0, warmup_ratio: 0.2, poly_power: 2.0, min_lr: 0.1 };
        let rates: Vec<f64> = (0..10).map(|step| schedule.rate(step, 10)).collect();
        assert_eq!(rates[..2], [0.5, 1.0]);
        for (after, rate) in rates[2..].iter().enumerate() {
            let left = 1.0 - after as f64 / 8.0;
            assert!((rate - (0.1 + 0.9 * left * left)).abs() < 1e-12, "{rates:?}");
        }
        assert_eq!(schedule.rate(10, 10), 0.1, "the end rate is that of the step that does not come");
        assert_eq!(schedule.rate(99, 10), 0.1);
    }

    #[test]
    fn without_warm_up_and_decay_the_rate_stays() {
        let flat = LrSchedule { lr: 0.5, warmup_ratio: 0.0, poly_power: 0.0, min_lr: 0.0 };
        assert!((0..7).all(|step| flat.rate(step, 7) == 0.5));
    }

    #[test]
    fn settings_that_make_no_sense_are_refused_by_name() {
        let good = LrSchedule::default();
        assert!(good.validate("schedule").is_ok());
        for (key, bad) in [
            ("lr", LrSchedule { lr: 0.0, ..good }),
            ("warmup_ratio", LrSchedule { warmup_ratio: 1.5, ..good }),
            ("poly_power", LrSchedule { poly_power: f64::NAN, ..good }),
            ("min_lr", LrSchedule { min_lr: 1.0, ..good }),
        ] {
            let error = bad.validate("schedule").unwrap_err();
            assert!(error.to_string().starts_with(&format!("schedule.{key}")), "{error}");
            assert_eq!(error.exit_code(), 2);
        }
    }
}
