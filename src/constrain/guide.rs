//! Teacher-guided decoding: at every choice the model and the teacher decide together (method §14.2).
//!
//! The score of a token is w · log p_model + (1 − w) · log p_teacher, where p_teacher is the teacher's mass below the token's child in the
//! trie ([`LeafScores`]). The weight w = 1 is the model alone. w = 0 is the teacher alone: its list is that of
//! [`greedy_fill`](super::greedy_fill()).
//!
//! Greedy decoding takes the mass in the limit of temperature 0, the best score below a child; sampling at temperature T takes the mass at
//! T. At w = 0 a sampled title therefore has the probability that the teacher gives it at T among the titles that may follow.
//!
//! The normaliser of p_model is the same for all tokens of a choice, so the logits themselves do.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tiller_models::generate::{LogitBias, Sampling};

use super::automaton::{Automaton, NextTokens};
use super::leaf_scores::LeafScores;
use crate::Error;

/// The guide weight: the model's part in guided decoding, from 0 (the teacher alone) to 1 (the model alone).
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct GuideWeight(f64);

/// A teacher's part in the choices of one list.
#[derive(Debug, Clone)]
pub struct TeacherGuide {
    scores: LeafScores,
    weight: GuideWeight,
    temperature: f64,
}

impl GuideWeight {
    /// The model alone.
    pub const MODEL_ALONE: Self = Self(1.0);

    /// The mean of several weights; `None` of none.
    pub fn mean(weights: impl Iterator<Item = Self>) -> Option<Self> {
        let weights: Vec<f64> = weights.map(f64::from).collect();
        (!weights.is_empty()).then(|| Self(weights.iter().sum::<f64>() / weights.len() as f64))
    }
}

impl TeacherGuide {
    /// A guide by these scores for decoding with `sampling`.
    pub fn new(scores: LeafScores, weight: GuideWeight, sampling: Sampling) -> Self {
        let temperature = match sampling {
            Sampling::Greedy => 0.0,
            Sampling::Random { temperature, .. } => f64::from(temperature),
        };
        Self { scores, weight, temperature }
    }

    /// The bias of the choice that `automaton` stands before; `None` where there is no choice.
    pub fn logit_bias(&self, automaton: &Automaton) -> Option<LogitBias> {
        if !matches!(automaton.allowed(), NextTokens::Choice(_)) {
            return None;
        }
        let GuideWeight(weight) = self.weight;
        let masses = self.scores.child_log_masses(automaton, self.temperature);
        let biases = masses.into_iter().map(|log_mass| ((1.0 - weight) * log_mass) as f32).collect();
        Some(LogitBias { weight: weight as f32, biases })
    }
}

impl TryFrom<f64> for GuideWeight {
    type Error = Error;

    fn try_from(weight: f64) -> Result<Self, Error> {
        match (0.0..=1.0).contains(&weight) {
            true => Ok(Self(weight)),
            false => Err(Error::bad_input("the guide weight")
                .expected("a number from 0 (the teacher alone) to 1 (the model alone)")
                .found(weight)
                .into()),
        }
    }
}

impl From<GuideWeight> for f64 {
    fn from(GuideWeight(weight): GuideWeight) -> Self {
        weight
    }
}

impl FromStr for GuideWeight {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let weight: f64 = text
            .parse()
            .map_err(|_| Error::bad_input("--guide-weight").expected("auto, or a number from 0 to 1").found(text))?;
        Self::try_from(weight)
    }
}

impl fmt::Display for GuideWeight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Three decimals at most: a mean may have more.
        write!(f, "{}", (self.0 * 1000.0).round() / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_is_a_number_from_0_to_1() {
        for text in ["0", "0.25", "1"] {
            assert_eq!(text.parse::<GuideWeight>().unwrap().to_string(), text);
        }
        for text in ["-0.1", "1.01", "NaN", "much"] {
            assert_eq!(text.parse::<GuideWeight>().unwrap_err().exit_code(), 2, "{text}");
        }
        assert!(serde_json::from_str::<GuideWeight>("1.5").is_err());
    }
}
