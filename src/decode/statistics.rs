//! What guidance did to the model's own wishes.

use serde::Serialize;

/// What the constraint did to the model's own wishes.
///
/// Counted at the choices alone: a forced token is never scored, so nobody knows what the model would have said there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Statistics {
    /// Calls of the model.
    pub steps: usize,
    /// Tokens that had no alternative.
    pub forced: usize,
    /// Tokens that were chosen among several allowed ones.
    pub choices: usize,
    /// Choices at which the model's likeliest token was not allowed.
    pub changed: usize,
    /// Probability that the model gave to tokens that were not allowed, summed over the choices.
    pub removed_mass: f64,
}

impl Statistics {
    /// Notes one choice.
    pub(super) fn count(&mut self, logits: &[f32], allowed: &[u32]) {
        let vocabulary = 0..logits.len() as u32;
        let wish = likeliest(logits, vocabulary.clone());
        self.steps += 1;
        self.choices += 1;
        self.changed += usize::from(allowed.binary_search(&wish).is_err());

        let highest = f64::from(logit(logits, wish));
        let mass = |tokens: &mut dyn Iterator<Item = u32>| -> f64 {
            tokens.map(|token| (f64::from(logit(logits, token)) - highest).exp()).sum()
        };
        let (all, kept) = (mass(&mut vocabulary.clone()), mass(&mut allowed.iter().copied()));
        if highest.is_finite() {
            self.removed_mass += (1.0 - kept / all).max(0.0);
        }
    }

    /// The mean probability that was removed at a choice; 0 without choices.
    pub fn mean_removed_mass(&self) -> f64 {
        self.removed_mass / self.choices.max(1) as f64
    }
}

/// The token of the highest logit, the first of equal ones.
pub(super) fn likeliest(logits: &[f32], tokens: impl IntoIterator<Item = u32>) -> u32 {
    let better = |best, token| if logit(logits, token) > logit(logits, best) { token } else { best };
    tokens.into_iter().reduce(better).unwrap_or(0)
}

/// A token's logit; what is no number has no chance.
pub(super) fn logit(logits: &[f32], token: u32) -> f32 {
    let logit = logits[token as usize];
    if logit.is_nan() { f32::NEG_INFINITY } else { logit }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG_HALF: f32 = -std::f32::consts::LN_2;

    #[test]
    fn the_removed_mass_is_what_the_model_gave_to_other_tokens() {
        // Probabilities 1/2, 1/4, 1/8, 1/8.
        let logits = [LOG_HALF, 2.0 * LOG_HALF, 3.0 * LOG_HALF, 3.0 * LOG_HALF].map(|logit| logit + 10.0);
        let mut statistics = Statistics::default();
        statistics.count(&logits, &[1, 3]);
        statistics.count(&logits, &[0, 1, 2]);
        assert_eq!((statistics.steps, statistics.choices, statistics.changed), (2, 2, 1));
        assert!((statistics.removed_mass - (0.625 + 0.125)).abs() < 1e-6);
        assert!((statistics.mean_removed_mass() - 0.375).abs() < 1e-6);
    }
}
