//! The reference: any language model driven through an automaton, one sequence at a time.
//!
//! The engine's batched loop has to produce what this produces. [`Pace::Jump`] asks the model only where there is a choice;
//! [`Pace::Step`] asks it before every token, masks its answer and so arrives at the same list.

use rand::{Rng, RngExt};
use tiller_models::generate::{Allowed, LogitBias, TokenLogprob};

use super::automaton::{Automaton, NextTokens};
use super::guide::TeacherGuide;
use super::statistics::ConstraintStats;
use crate::data::ItemId;
use crate::{Error, Result};

/// The treatment of forced tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// One call of the model per token: plain masked decoding.
    Step,
    /// One call of the model per choice: forced tokens are appended at once.
    Jump,
}

/// The choice of a token among the allowed ones.
#[derive(Debug)]
pub enum Picker<'a, R> {
    /// The likeliest; the lowest token of equally likely ones.
    Greedy,
    /// One drawn from the model's probabilities at a temperature above 0, renormalised over the allowed tokens.
    Sample {
        /// Divides the logits.
        temperature: f32,
        /// The source of randomness; one draw per choice.
        rng: &'a mut R,
    },
}

/// A list and how it came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// All tokens from the first line start to the end of the sequence.
    pub tokens: Vec<u32>,
    /// The items of the list.
    pub items: Vec<ItemId>,
    /// The effect of the constraint.
    pub statistics: ConstraintStats,
}

/// Writes one list behind `prompt`, under a guide where there is one. `logits` gives the model's logits `[vocabulary]` for the token after a context.
///
/// # Errors
/// A model whose vocabulary lacks an allowed token.
pub fn decode<R: Rng>(
    mut automaton: Automaton,
    prompt: &[u32],
    pace: Pace,
    guide: Option<&TeacherGuide>,
    mut picker: Picker<R>,
    mut logits: impl FnMut(&[u32]) -> Vec<f32>,
) -> Result<Decoded> {
    let mut context = prompt.to_vec();
    let mut statistics = ConstraintStats::default();
    loop {
        let next = match automaton.allowed() {
            NextTokens::Done => break,
            NextTokens::Forced(run) => {
                let run = match pace {
                    Pace::Jump => run.to_vec(),
                    Pace::Step => {
                        // The answer is masked down to one token, whatever it is.
                        logits(&context);
                        statistics.steps += 1;
                        run[..1].to_vec()
                    }
                };
                statistics.forced += run.len();
                run
            }
            NextTokens::Choice(allowed) => {
                let logits = logits(&context);
                check_vocabulary(&logits, allowed)?;
                let token = picker.pick(&scores(&automaton, guide, &logits, allowed), allowed);
                let logprob = TokenLogprob::of(&logits, token, Allowed::OneOf(allowed));
                statistics.count(Some(&logprob), allowed);
                statistics.steps += 1;
                vec![token]
            }
        };
        for &token in &next {
            automaton.advance(token)?;
        }
        context.extend(next);
    }
    let tokens = context.split_off(prompt.len());
    Ok(Decoded { tokens, items: automaton.items().to_vec(), statistics })
}

/// The logits, with the scores of guided decoding in place of those of the allowed tokens.
fn scores(automaton: &Automaton, guide: Option<&TeacherGuide>, logits: &[f32], allowed: &[u32]) -> Vec<f32> {
    let mut scores = logits.to_vec();
    if let Some(LogitBias { weight, biases }) = guide.and_then(|guide| guide.logit_bias(automaton)) {
        for (&token, bias) in allowed.iter().zip(biases) {
            scores[token as usize] = weight * scores[token as usize] + bias;
        }
    }
    scores
}

impl<R: Rng> Picker<'_, R> {
    /// One of the allowed tokens, which ascend and are not empty.
    fn pick(&mut self, logits: &[f32], allowed: &[u32]) -> u32 {
        match self {
            Picker::Greedy => likeliest(logits, allowed.iter().copied()),
            Picker::Sample { temperature, rng } => {
                let scaled = |&token: &u32| f64::from(logit(logits, token)) / f64::from(*temperature);
                let highest = allowed.iter().map(scaled).fold(f64::NEG_INFINITY, f64::max);
                if highest == f64::NEG_INFINITY {
                    // Every allowed token has probability 0: draw uniformly.
                    return allowed[rng.random_range(..allowed.len())];
                }
                let weights: Vec<f64> = allowed.iter().map(|token| (scaled(token) - highest).exp()).collect();
                let mut rest = rng.random::<f64>() * weights.iter().sum::<f64>();
                let drawn = weights.iter().position(|weight| {
                    rest -= weight;
                    rest < 0.0
                });
                drawn.map_or_else(|| likeliest(logits, allowed.iter().copied()), |at| allowed[at])
            }
        }
    }
}

/// The token of the highest logit, the first of equal ones.
fn likeliest(logits: &[f32], tokens: impl IntoIterator<Item = u32>) -> u32 {
    let better = |best, token| if logit(logits, token) > logit(logits, best) { token } else { best };
    tokens.into_iter().reduce(better).unwrap_or(0)
}

/// A token's logit; NaN counts as −∞.
fn logit(logits: &[f32], token: u32) -> f32 {
    let logit = logits[token as usize];
    if logit.is_nan() { f32::NEG_INFINITY } else { logit }
}

fn check_vocabulary(logits: &[f32], allowed: &[u32]) -> Result<()> {
    match allowed.last() {
        Some(&highest) if highest as usize >= logits.len() => Err(Error::bad_input("the model's logits")
            .expected(format!("more than {highest}, the highest token of the titles"))
            .found(logits.len())
            .next("use the tokenizer that belongs to the model")
            .into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const LOG_HALF: f32 = -std::f32::consts::LN_2;

    #[test]
    fn samples_follow_the_probabilities_of_what_is_allowed() {
        let logits = [0.0, 2.0 * LOG_HALF, 5.0, 0.0];
        for (temperature, expected) in [(1.0, 0.8), (2.0, 2.0 / 3.0), (0.1, 1.0)] {
            let mut rng = ChaCha8Rng::seed_from_u64(3);
            let mut picker = Picker::Sample { temperature, rng: &mut rng };
            let draws = 20_000;
            let zeros = (0..draws).filter(|_| picker.pick(&logits, &[0, 1]) == 0).count();
            assert!((zeros as f64 / f64::from(draws) - expected).abs() < 0.01, "{zeros} at {temperature}");
        }
    }

    #[test]
    fn a_model_whose_logits_are_nan_still_gets_an_allowed_token() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for logits in [[f32::NAN; 3], [f32::NEG_INFINITY; 3], [f32::NAN, 1.0, f32::NEG_INFINITY]] {
            assert_eq!(Picker::<ChaCha8Rng>::Greedy.pick(&logits, &[1, 2]), 1);
            assert!([1, 2].contains(&Picker::Sample { temperature: 1.0, rng: &mut rng }.pick(&logits, &[1, 2])));
        }
        assert!(check_vocabulary(&[0.0; 3], &[1, 3]).is_err());
    }
}
