//! Sampling of the next token: pure functions of its logits and one uniform number.

use std::cmp::Ordering;

use crate::{Error, Result};

/// The rule that chooses the next token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sampling {
    /// The likeliest token; the lowest id among equals.
    Greedy,
    /// A token drawn from softmax(logits / temperature), restricted to the likeliest ones.
    Random {
        /// Above 0; below 1 sharpens, above 1 flattens.
        temperature: f32,
        /// Only the k likeliest tokens; 0 for all.
        top_k: usize,
        /// Only the likeliest tokens that together have this probability, in (0, 1] (Holtzman et al. 2019, arXiv 1904.09751).
        top_p: f32,
    },
}

impl Sampling {
    /// Checks the ranges given above.
    ///
    /// # Errors
    /// A bad input that names the option.
    pub fn check(&self) -> Result<()> {
        let Self::Random { temperature, top_p, .. } = *self else { return Ok(()) };
        if !(temperature > 0.0 && temperature.is_finite()) {
            let next = "decode greedily instead of at temperature 0";
            return Err(Error::bad_input("temperature")
                .expected("a number above 0")
                .found(temperature)
                .next(next)
                .into());
        }
        if !(top_p > 0.0 && top_p <= 1.0) {
            return Err(Error::bad_input("top-p").expected("a number above 0, at most 1").found(top_p).into());
        }
        Ok(())
    }

    /// Samples the next token from `logits`, `[vocab_size]`, with `uniform` in [0, 1). `None` if the largest logit is not finite.
    pub fn pick(&self, logits: &[f32], uniform: f64) -> Option<u32> {
        let best = argmax(logits)?;
        match *self {
            Self::Greedy => Some(best as u32),
            Self::Random { temperature, top_k, top_p } => {
                let mut candidates = nucleus(probabilities(logits, logits[best], temperature, top_k), top_p);
                // In the order of ids, as the GPU draws.
                candidates.sort_unstable_by_key(|(token, _)| *token);
                Some(draw(&candidates, uniform))
            }
        }
    }
}

/// A token and its probability, up to a common factor.
type Candidate = (u32, f64);

/// The first of the largest logits, if it is a number.
fn argmax(logits: &[f32]) -> Option<usize> {
    let (mut best, mut largest) = (None, f32::NEG_INFINITY);
    for (i, logit) in logits.iter().enumerate() {
        if logit.is_nan() {
            return None;
        }
        if *logit > largest {
            (best, largest) = (Some(i), *logit);
        }
    }
    best.filter(|_| largest.is_finite())
}

/// exp((logit − largest) / temperature) of the `top_k` likeliest tokens.
fn probabilities(logits: &[f32], largest: f32, temperature: f32, top_k: usize) -> Vec<Candidate> {
    let weight = |logit: f32| (f64::from(logit - largest) / f64::from(temperature)).exp();
    let mut candidates: Vec<Candidate> = (0..).zip(logits).map(|(token, logit)| (token, weight(*logit))).collect();
    if (1..candidates.len()).contains(&top_k) {
        candidates.select_nth_unstable_by(top_k - 1, likelier);
        candidates.truncate(top_k);
    }
    candidates
}

/// The smallest set of likeliest tokens whose probabilities sum to `top_p` or more.
fn nucleus(mut candidates: Vec<Candidate>, top_p: f32) -> Vec<Candidate> {
    if top_p >= 1.0 {
        return candidates;
    }
    let total: f64 = candidates.iter().map(|(_, p)| p).sum();
    // Tokens below this share sum to less than 1 − top_p even together: sorting the others is enough, and there are few.
    let share = total * f64::from(1.0 - top_p) / candidates.len() as f64;
    candidates.retain(|(_, p)| *p >= share);
    candidates.sort_unstable_by(likelier);
    let mut sum = 0.0;
    let enough = candidates.iter().position(|(_, p)| {
        sum += p;
        sum >= total * f64::from(top_p)
    });
    candidates.truncate(enough.map_or(candidates.len(), |i| i + 1));
    candidates
}

/// Likelier first; the lower id first among equals, so that the order does not depend on the sort.
fn likelier(a: &Candidate, b: &Candidate) -> Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

/// The candidate in whose stretch of the summed probabilities `uniform` falls.
fn draw(candidates: &[Candidate], uniform: f64) -> u32 {
    let total: f64 = candidates.iter().map(|(_, p)| p).sum();
    let mut rest = uniform * total;
    for (token, p) in candidates {
        rest -= p;
        if rest < 0.0 {
            return *token;
        }
    }
    // Rounding may leave a crumb behind the last one.
    candidates.iter().rfind(|(_, p)| *p > 0.0).map_or(0, |(token, _)| *token)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Probabilities found by drawing with 100 000 evenly spaced uniforms.
    fn frequencies(sampling: Sampling, logits: &[f32]) -> Vec<f64> {
        const DRAWS: usize = 100_000;
        let mut counts = vec![0.0; logits.len()];
        for i in 0..DRAWS {
            counts[sampling.pick(logits, (i as f64 + 0.5) / DRAWS as f64).unwrap() as usize] += 1.0 / DRAWS as f64;
        }
        counts
    }

    fn close(found: &[f64], expected: &[f64]) {
        assert!(found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-4), "{found:?} is not {expected:?}");
    }

    /// ln of 0.1, 0.5, 0.1, 0.3.
    fn logits() -> [f32; 4] {
        [0.1f32, 0.5, 0.1, 0.3].map(f32::ln)
    }

    #[test]
    fn greedy_takes_the_first_of_the_largest() {
        assert_eq!(Sampling::Greedy.pick(&[0.0, 3.0, 3.0, -1.0], 0.9), Some(1));
    }

    #[test]
    fn random_draws_follow_the_softmax() {
        let plain = Sampling::Random { temperature: 1.0, top_k: 0, top_p: 1.0 };
        close(&frequencies(plain, &logits()), &[0.1, 0.5, 0.1, 0.3]);
        let sharp = Sampling::Random { temperature: 0.5, top_k: 0, top_p: 1.0 };
        close(&frequencies(sharp, &logits()), &[0.01 / 0.36, 0.25 / 0.36, 0.01 / 0.36, 0.09 / 0.36]);
    }

    #[test]
    fn top_k_keeps_the_k_likeliest() {
        let sampling = Sampling::Random { temperature: 1.0, top_k: 2, top_p: 1.0 };
        close(&frequencies(sampling, &logits()), &[0.0, 0.625, 0.0, 0.375]);
    }

    #[test]
    fn top_p_keeps_the_smallest_set_that_reaches_it() {
        let top = |top_p| Sampling::Random { temperature: 1.0, top_k: 0, top_p };
        close(&frequencies(top(0.4), &logits()), &[0.0, 1.0, 0.0, 0.0]);
        close(&frequencies(top(0.7), &logits()), &[0.0, 0.625, 0.0, 0.375]);
        close(&frequencies(top(0.85), &logits()), &[1.0 / 9.0, 5.0 / 9.0, 0.0, 3.0 / 9.0]);
    }

    #[test]
    fn failed_arithmetic_gives_no_token() {
        let random = Sampling::Random { temperature: 1.0, top_k: 0, top_p: 1.0 };
        for logits in [&[0.0, f32::NAN][..], &[f32::INFINITY, 0.0], &[f32::NEG_INFINITY; 2], &[]] {
            assert_eq!((Sampling::Greedy.pick(logits, 0.5), random.pick(logits, 0.5)), (None, None), "{logits:?}");
        }
    }

    #[test]
    fn impossible_options_are_refused_by_name() {
        for (temperature, top_p, name) in
            [(0.0, 1.0, "temperature"), (f32::NAN, 1.0, "temperature"), (1.0, 1.5, "top-p")]
        {
            let error = Sampling::Random { temperature, top_k: 0, top_p }.check().unwrap_err();
            assert!(error.to_string().starts_with(name), "{error}");
        }
    }

    proptest! {
        #[test]
        fn the_shortcut_of_the_nucleus_changes_nothing(
            weights in prop::collection::vec(1e-6f64..1.0, 1..60), top_p in 0.01f32..0.999,
        ) {
            let candidates: Vec<Candidate> = (0..).zip(weights).collect();
            let mut sorted = candidates.clone();
            sorted.sort_by(likelier);
            let total: f64 = sorted.iter().map(|(_, p)| p).sum();
            let mut sum = 0.0;
            let plain: Vec<Candidate> = sorted
                .into_iter()
                .take_while(|(_, p)| {
                    let before = sum;
                    sum += p;
                    before < total * f64::from(top_p)
                })
                .collect();
            prop_assert_eq!(nucleus(candidates, top_p), plain);
        }

        #[test]
        fn a_draw_is_always_a_likely_token(
            logits in prop::collection::vec(-30f32..30.0, 1..40), k in 1usize..5, uniform in 0f64..1.0,
        ) {
            let sampling = Sampling::Random { temperature: 0.7, top_k: k, top_p: 1.0 };
            let token = sampling.pick(&logits, uniform).unwrap() as usize;
            let larger = logits.iter().filter(|l| **l > logits[token]).count();
            prop_assert!(larger < k);
        }
    }
}
