//! The learning rate of every step: a linear warm-up, then a power of what is left of the training (method §5).

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::run::config::out_of_range;

/// How the learning rate rises and falls; the defaults are the method's, but for the rate itself (B30: a matter of the model).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Schedule {
    /// The highest rate, that of the last step of the warm-up.
    pub lr: f64,
    /// The share of all steps over which the rate rises from 0.
    pub warm_up: f64,
    /// The power of the decay; 1 is linear, 0 keeps the rate.
    pub power: f64,
    /// The rate that the decay tends to.
    pub end: f64,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { lr: 1e-3, warm_up: 0.0125, power: 2.0, end: 1e-7 }
    }
}

impl Schedule {
    /// The rate of step `step` of `steps`, counted from 0.
    pub fn rate(&self, step: u64, steps: u64) -> f64 {
        let warm_up = (self.warm_up * steps as f64).round();
        let step = step as f64;
        if step < warm_up {
            return self.lr * (step + 1.0) / warm_up;
        }
        let left = 1.0 - (step - warm_up) / (steps as f64 - warm_up).max(1.0);
        self.end + (self.lr - self.end) * left.max(0.0).powf(self.power)
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
        within("warm_up", "a share from 0 to 1", self.warm_up, (0.0..=1.0).contains(&self.warm_up))?;
        within("power", "a number of at least 0", self.power, self.power >= 0.0 && self.power.is_finite())?;
        within("end", "a number from 0 to the rate itself", self.end, (0.0..=self.lr).contains(&self.end))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_in_a_line_and_falls_by_its_power() {
        let schedule = Schedule { lr: 1.0, warm_up: 0.2, power: 2.0, end: 0.1 };
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
        let flat = Schedule { lr: 0.5, warm_up: 0.0, power: 0.0, end: 0.0 };
        assert!((0..7).all(|step| flat.rate(step, 7) == 0.5));
    }

    #[test]
    fn settings_that_make_no_sense_are_refused_by_name() {
        let good = Schedule::default();
        assert!(good.validate("schedule").is_ok());
        for (key, bad) in [
            ("lr", Schedule { lr: 0.0, ..good }),
            ("warm_up", Schedule { warm_up: 1.5, ..good }),
            ("power", Schedule { power: f64::NAN, ..good }),
            ("end", Schedule { end: 1.0, ..good }),
        ] {
            let error = bad.validate("schedule").unwrap_err();
            assert!(error.to_string().starts_with(&format!("schedule.{key}")), "{error}");
            assert_eq!(error.exit_code(), 2);
        }
    }
}
