//! The plateau schedule of the learning rate, and early stopping (method §2.2).

use serde::{Deserialize, Serialize};

use super::config::TeacherConfig;

/// The state that the validations so far have led to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlateauSchedule {
    /// The learning rate now.
    pub lr: f64,
    /// The best validation figure, and the epoch that it was seen before.
    pub best: Option<(f64, u32)>,
    /// Validations in a row that did not beat the best.
    failures: u32,
    /// The plateau's own best, which only rises by more than its threshold, and its failures.
    plateau_best: f64,
    plateau_failures: u32,
}

/// The consequence of a validation for the training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValidationOutcome {
    /// The best figure so far.
    Best,
    /// Not the best, but the training goes on.
    GoOn,
    /// Patience has run out.
    Stop,
}

impl PlateauSchedule {
    /// The state before the first validation.
    pub fn new(config: &TeacherConfig) -> Self {
        Self { lr: config.lr, best: None, failures: 0, plateau_best: f64::NEG_INFINITY, plateau_failures: 0 }
    }

    /// Takes in the validation figure seen before `epoch`; higher is better.
    pub fn observe(&mut self, figure: f64, epoch: u32, config: &TeacherConfig) -> ValidationOutcome {
        self.lower_on_plateau(figure, config);
        if self.best.is_none_or(|(best, _)| figure > best) {
            self.best = Some((figure, epoch));
            self.failures = 0;
            return ValidationOutcome::Best;
        }
        self.failures += 1;
        if self.failures > config.patience { ValidationOutcome::Stop } else { ValidationOutcome::GoOn }
    }

    fn lower_on_plateau(&mut self, figure: f64, config: &TeacherConfig) {
        let plateau = config.plateau;
        if figure > self.plateau_best * (1.0 + plateau.threshold) {
            self.plateau_best = figure;
            self.plateau_failures = 0;
            return;
        }
        self.plateau_failures += 1;
        if self.plateau_failures > plateau.patience {
            self.lr *= plateau.factor;
            self.plateau_failures = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_halves_on_the_second_failure_and_the_eleventh_ends_it() {
        let config = TeacherConfig::default();
        let mut schedule = PlateauSchedule::new(&config);
        assert_eq!(schedule.observe(0.1, 0, &config), ValidationOutcome::Best);
        for failure in 1..=10 {
            assert_eq!(schedule.observe(0.1, failure, &config), ValidationOutcome::GoOn);
            assert_eq!(schedule.lr, 1e-3 * 0.5f64.powi(failure as i32 / 2));
        }
        assert_eq!(schedule.observe(0.09, 11, &config), ValidationOutcome::Stop);
        assert_eq!(schedule.best, Some((0.1, 0)));
    }

    #[test]
    fn a_rise_within_the_threshold_is_the_best_but_still_a_plateau() {
        let config = TeacherConfig::default();
        let mut schedule = PlateauSchedule::new(&config);
        for (epoch, figure) in [0.1, 0.100_005, 0.100_009].into_iter().enumerate() {
            assert_eq!(schedule.observe(figure, epoch as u32, &config), ValidationOutcome::Best);
        }
        assert_eq!(schedule.lr, 5e-4);
    }
}
