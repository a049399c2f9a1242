//! Statistics of constrained decoding: the effect of the logits mask on the model's own choices.

use serde::{Deserialize, Serialize};
use tiller_models::generate::TokenLogprob;

/// The effect of the constraint on the model's own choices.
///
/// Counted at the choices alone: a forced token is never scored, so nobody knows what the model would have said there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct ConstraintStats {
    /// Calls of the model.
    pub steps: usize,
    /// Tokens that had no alternative.
    pub forced: usize,
    /// Tokens that were chosen among several allowed ones.
    pub choices: usize,
    /// Choices that a draft contained, each with the forced tokens behind it.
    pub drafted: usize,
    /// Drafted choices that the model accepted; each saved a call of the model.
    pub confirmed: usize,
    /// Choices at which the logits of all tokens were computed.
    #[serde(rename = "heard")]
    pub observed: usize,
    /// Of those, choices at which the model's likeliest token was not allowed.
    pub changed: usize,
    /// Probability that the model gave to tokens that were not allowed, summed over the observed choices.
    pub removed_mass: f64,
}

impl ConstraintStats {
    /// Counts one choice among `allowed`, and the model's own choice among all tokens, if it is known.
    pub(super) fn count(&mut self, logprob: Option<&TokenLogprob>, allowed: &[u32]) {
        self.choices += 1;
        if let Some(logprob) = logprob {
            self.observed += 1;
            self.changed += usize::from(allowed.binary_search(&logprob.argmax_token).is_err());
            self.removed_mass += (1.0 - logprob.allowed_prob).max(0.0);
        }
    }

    /// Adds what was counted elsewhere.
    pub fn add(&mut self, other: ConstraintStats) {
        self.steps += other.steps;
        self.forced += other.forced;
        self.choices += other.choices;
        self.drafted += other.drafted;
        self.confirmed += other.confirmed;
        self.observed += other.observed;
        self.changed += other.changed;
        self.removed_mass += other.removed_mass;
    }

    /// The part of the observed choices at which the model's own choice was not allowed; `None` without observations.
    pub fn changed_part(&self) -> Option<f64> {
        (self.observed > 0).then(|| self.changed as f64 / self.observed as f64)
    }

    /// The mean probability that was removed at a choice; 0 without observations.
    pub fn mean_removed_mass(&self) -> f64 {
        self.removed_mass / self.observed.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use tiller_models::generate::Allowed;

    use super::*;

    const LOG_HALF: f32 = -std::f32::consts::LN_2;

    #[test]
    fn the_removed_mass_is_what_the_model_gave_to_other_tokens() {
        // Probabilities 1/2, 1/4, 1/8, 1/8.
        let logits = [LOG_HALF, 2.0 * LOG_HALF, 3.0 * LOG_HALF, 3.0 * LOG_HALF].map(|logit| logit + 10.0);
        let mut statistics = ConstraintStats::default();
        for allowed in [&[1, 3][..], &[0, 1, 2]] {
            statistics.count(Some(&TokenLogprob::of(&logits, 1, Allowed::OneOf(allowed))), allowed);
        }
        statistics.count(None, &[2, 3]);
        assert_eq!((statistics.choices, statistics.observed, statistics.changed), (3, 2, 1));
        assert!((statistics.removed_mass - (0.625 + 0.125)).abs() < 1e-6);
        assert!((statistics.mean_removed_mass() - 0.375).abs() < 1e-6);
    }
}
