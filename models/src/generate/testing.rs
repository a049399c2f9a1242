//! Constraints for the tests of this crate.

use super::{Allowed, DraftTokens, LogitBias, TokenConstraint, TokenLogprob};
use crate::Result;

/// A constraint to a short list, with a forced token after each choice, that drafts the choices to come.
#[derive(Debug, Clone)]
pub(crate) struct Drafting {
    /// The expected choices, from the first one on.
    expected: Vec<u32>,
    /// The number of choices in a draft.
    ahead: usize,
    needs_logits: bool,
    /// The bias of every choice.
    logit_bias: Option<LogitBias>,
    made: Vec<u32>,
    /// The number of steps: each asks for one draft.
    pub steps: usize,
}

const LIST: [u32; 5] = [2, 7, 11, 30, 38];

impl Drafting {
    pub fn new(expected: Vec<u32>, ahead: usize, needs_logits: bool) -> Self {
        Self { expected, ahead, needs_logits, logit_bias: None, made: Vec::new(), steps: 0 }
    }

    /// Returns the constraint with a bias for each token of the list.
    pub fn biased(self, weight: f32, biases: [f32; 5]) -> Self {
        Self { logit_bias: Some(LogitBias { weight, biases: biases.to_vec() }), ..self }
    }
}

impl TokenConstraint for Drafting {
    fn allowed(&self) -> Allowed<'_> {
        if self.made.len() % 2 == 1 { Allowed::Forced(&[1]) } else { Allowed::OneOf(&LIST) }
    }

    fn accept(&mut self, token: u32, logprob: Option<&TokenLogprob>) -> Result<()> {
        assert_eq!(logprob.is_some(), self.needs_logits && self.made.len().is_multiple_of(2));
        self.made.push(token);
        Ok(())
    }

    fn needs_logits(&self) -> bool {
        self.needs_logits
    }

    fn logit_bias(&self) -> Option<LogitBias> {
        self.logit_bias.clone()
    }

    fn draft(&mut self) -> Vec<DraftTokens> {
        self.steps += 1;
        let ahead = self.expected[self.made.len() / 2..].iter().take(self.ahead);
        let logit_bias = self.logit_bias.clone();
        let choice = |tokens| DraftTokens { allowed: Some(LIST.to_vec()), logit_bias: logit_bias.clone(), tokens };
        ahead.map(|token| choice(vec![*token, 1])).chain([choice(Vec::new())]).collect()
    }
}
