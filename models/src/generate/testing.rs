//! Constraints and continuous batches for the tests of this crate.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use super::{
    Allowed, DraftTokens, LiveSequence, LogitBias, NewSequence, SequenceSource, TokenConstraint, TokenLogprob,
};
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

/// The ends of sequences, in their order.
pub(crate) type Ends = Arc<Mutex<Vec<SequenceEnd>>>;

/// The number of a sequence and its tokens.
pub(crate) type SequenceEnd = (usize, Result<Vec<u32>>);

/// A constraint whose sequence records its end, and draws from the random stream of its number.
pub(crate) struct Recorded<C> {
    pub constraint: C,
    pub number: usize,
    pub ends: Ends,
}

impl<C: TokenConstraint> TokenConstraint for Recorded<C> {
    fn allowed(&self) -> Allowed<'_> {
        self.constraint.allowed()
    }

    fn accept(&mut self, token: u32, logprob: Option<&TokenLogprob>) -> Result<()> {
        self.constraint.accept(token, logprob)
    }

    fn needs_logits(&self) -> bool {
        self.constraint.needs_logits()
    }

    fn logit_bias(&self) -> Option<LogitBias> {
        self.constraint.logit_bias()
    }

    fn lookahead(&self) -> usize {
        self.constraint.lookahead()
    }

    fn draft(&mut self) -> Vec<DraftTokens> {
        self.constraint.draft()
    }

    fn stream(&self) -> Option<u64> {
        Some(self.number as u64)
    }
}

impl<C: TokenConstraint> LiveSequence for Recorded<C> {
    fn end(&mut self, tokens: Result<Vec<u32>>) {
        self.ends.lock().unwrap().push((self.number, tokens));
    }
}

/// A source whose sequences arrive one after the other: each from a certain call on, as far as there are free slots.
pub(crate) struct Arriving<'a> {
    /// The sequences in order, each with the number of the call.
    pub waiting: VecDeque<(usize, NewSequence<'a>)>,
    /// The number of calls so far.
    pub calls: usize,
}

impl<'a> SequenceSource<'a> for Arriving<'a> {
    fn next(&mut self, free: usize) -> Vec<NewSequence<'a>> {
        let arrived = self.waiting.iter().take_while(|(call, _)| *call <= self.calls).count();
        self.calls += 1;
        self.waiting.drain(..arrived.min(free)).map(|(_, sequence)| sequence).collect()
    }
}
