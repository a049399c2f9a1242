//! Log-probabilities of sampled tokens.

use super::Allowed;

/// The log-probability of a sampled token under the model alone, without the logits mask.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TokenLogprob {
    /// The log-probability of the token among all tokens, in nats.
    pub log_prob: f64,
    /// The token with the largest logit; the lowest id among equals.
    pub argmax_token: u32,
    /// The total probability of the tokens that were allowed.
    pub allowed_prob: f64,
}

impl TokenLogprob {
    /// Computes the softmax of `logits`, `[vocab_size]`. A logit of NaN has probability 0.
    pub fn of(logits: &[f32], token: u32, allowed: Allowed) -> Self {
        let logit = |token: u32| f64::from(logits[token as usize]);
        let better = |best, token| if logit(token) > logit(best) || logit(best).is_nan() { token } else { best };
        let argmax_token = (0..logits.len() as u32).reduce(better).unwrap_or(0);
        let highest = logit(argmax_token);
        if !highest.is_finite() {
            return TokenLogprob { log_prob: f64::NEG_INFINITY, argmax_token, allowed_prob: 1.0 };
        }
        let mass = |tokens: &mut dyn Iterator<Item = u32>| -> f64 {
            tokens.map(|token| (logit(token) - highest).exp()).filter(|mass| !mass.is_nan()).sum()
        };
        let all = mass(&mut (0..logits.len() as u32));
        let allowed_prob = match allowed {
            Allowed::OneOf(tokens) => mass(&mut tokens.iter().copied()) / all,
            Allowed::Any | Allowed::Forced(_) => 1.0,
        };
        TokenLogprob { log_prob: logit(token) - highest - all.ln(), argmax_token, allowed_prob }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logprob_is_the_softmax_of_the_logits() {
        let logits = [1.0f32, 3.0, f32::NEG_INFINITY, 3.0].map(|share| if share > 0.0 { share.ln() } else { share });
        let found = TokenLogprob::of(&logits, 0, Allowed::OneOf(&[0, 2, 3]));
        assert!(
            (found.log_prob - (1f64 / 7.0).ln()).abs() < 1e-6 && (found.allowed_prob - 4.0 / 7.0).abs() < 1e-6,
            "{found:?}"
        );
        assert_eq!(found.argmax_token, 1);
        assert_eq!(TokenLogprob::of(&logits, 0, Allowed::Any).allowed_prob, 1.0);
        let nothing = TokenLogprob::of(&[f32::NAN; 2], 1, Allowed::OneOf(&[1]));
        assert_eq!((nothing.log_prob, nothing.allowed_prob), (f64::NEG_INFINITY, 1.0));
        assert_eq!(TokenLogprob::of(&[f32::NAN, 1.0], 1, Allowed::Any).argmax_token, 1);
    }
}
