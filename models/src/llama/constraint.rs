//! Steering a generation: which tokens may follow in a row, and which follow without being asked for.

use super::draft::DraftTokens;
use crate::Result;

/// What may follow in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowed<'a> {
    /// Whatever the model likes.
    Any,
    /// One of these tokens, in ascending order.
    OneOf(&'a [u32]),
    /// All of these tokens, in this order: they are appended unasked, and the model reads them together with its next
    /// question ("jump-forward"). An empty run ends the row.
    Forced(&'a [u32]),
}

/// What the model said of all tokens where one was chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TokenLogprob {
    /// The log-probability of the token that was chosen, among all.
    pub log_prob: f64,
    /// The likeliest token of all; the lowest id among equals.
    pub argmax_token: u32,
    /// The probability of all tokens that might follow.
    pub allowed_prob: f64,
}

impl TokenLogprob {
    /// What `logits`, `[vocab_size]`, say of a token and of those that might follow. What is no number has no chance.
    pub fn of(logits: &[f32], token: u32, next: Allowed) -> Self {
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
        let allowed_prob = match next {
            Allowed::OneOf(tokens) => mass(&mut tokens.iter().copied()) / all,
            Allowed::Any | Allowed::Forced(_) => 1.0,
        };
        TokenLogprob { log_prob: logit(token) - highest - all.ln(), argmax_token, allowed_prob }
    }
}

/// What steers one row.
pub trait TokenConstraint {
    /// What may follow now.
    fn allowed(&self) -> Allowed<'_>;

    /// A token was appended. Where it was chosen among all, or the constraint [listens](TokenConstraint::needs_logits), it gets to know what the model
    /// said of it; not where the token was the next of a run.
    ///
    /// # Errors
    /// A token that may not follow.
    fn accept(&mut self, token: u32, logprob: Option<&TokenLogprob>) -> Result<()>;

    /// Whether it wants to know what the model said of all tokens where only some may follow. That costs the whole output projection,
    /// where otherwise only the rows of the allowed tokens are computed.
    fn needs_logits(&self) -> bool {
        false
    }

    /// For how many further tokens anything may follow for certain, whatever they are: so many steps may run without waiting for the
    /// tokens to be seen.
    fn lookahead(&self) -> usize {
        0
    }

    /// What is expected to follow, the choice that is next at first; nothing where nobody expects anything. Asked once for each step: the
    /// model reads it ahead, and what it does not choose itself is dropped again.
    fn draft(&mut self) -> Vec<DraftTokens> {
        Vec::new()
    }

    /// Which stream of random numbers the row draws from, so that what is drawn does not depend on who else is in the batch; the row's place
    /// in the batch where it is all the same.
    fn stream(&self) -> Option<u64> {
        None
    }
}

/// No guidance at all.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unconstrained {
    /// The stream of random numbers, as [`TokenConstraint::stream`] says.
    pub stream: Option<u64>,
}

impl TokenConstraint for Unconstrained {
    fn allowed(&self) -> Allowed<'_> {
        Allowed::Any
    }

    fn accept(&mut self, _token: u32, _logprob: Option<&TokenLogprob>) -> Result<()> {
        Ok(())
    }

    fn lookahead(&self) -> usize {
        usize::MAX
    }

    fn stream(&self) -> Option<u64> {
        self.stream
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_the_softmax_of_the_logits() {
        let logits = [1.0f32, 3.0, f32::NEG_INFINITY, 3.0].map(|share| if share > 0.0 { share.ln() } else { share });
        let logprob = TokenLogprob::of(&logits, 0, Allowed::OneOf(&[0, 2, 3]));
        assert!(
            (logprob.log_prob - (1f64 / 7.0).ln()).abs() < 1e-6 && (logprob.allowed_prob - 4.0 / 7.0).abs() < 1e-6,
            "{logprob:?}"
        );
        assert_eq!(logprob.argmax_token, 1);
        assert_eq!(TokenLogprob::of(&logits, 0, Allowed::Any).allowed_prob, 1.0);
        let nothing = TokenLogprob::of(&[f32::NAN; 2], 1, Allowed::OneOf(&[1]));
        assert_eq!((nothing.log_prob, nothing.allowed_prob), (f64::NEG_INFINITY, 1.0));
        assert_eq!(TokenLogprob::of(&[f32::NAN, 1.0], 1, Allowed::Any).argmax_token, 1);
    }
}
