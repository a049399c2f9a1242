//! A row of a generation: one sequence in the making, its constraint and its chances.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::answers::Logits;
use super::constraint::{Allowed, TokenConstraint, TokenLogprob};
use super::draft::{DraftTokens, drafted, shorten};
use super::options::GenerateOptions;
use crate::{Error, Result};

/// One sequence in the making.
pub(crate) struct SequenceState<'a, G> {
    constraint: &'a mut G,
    stop: &'a [u32],
    options: &'a GenerateOptions,
    rng: ChaCha8Rng,
    /// The new tokens.
    pub tokens: Vec<u32>,
    /// Tokens that the model has not read yet.
    unread: Vec<u32>,
    /// Whether nothing may follow any more.
    pub done: bool,
}

/// What the model reads of a row in one step, and what it is asked.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// Tokens that are certain.
    known: Vec<u32>,
    /// The choices behind them; none once the row is done.
    pub drafts: Vec<DraftTokens>,
}

impl Asked {
    /// All tokens to be read.
    pub fn tokens(&self) -> Vec<u32> {
        self.known.iter().chain(self.drafts.iter().flat_map(|draft_tokens| &draft_tokens.tokens)).copied().collect()
    }

    /// The token, by its number in the step, that each choice stands behind.
    pub fn places(&self) -> impl Iterator<Item = usize> {
        self.drafts.iter().scan(self.known.len(), |end, draft_tokens| {
            let place = *end - 1;
            *end += draft_tokens.tokens.len();
            Some(place)
        })
    }

    /// How many of the tokens are guesses.
    pub fn drafted(&self) -> usize {
        drafted(&self.drafts)
    }
}

impl<'a, G: TokenConstraint> SequenceState<'a, G> {
    pub fn new(
        prompt: &[u32],
        constraint: &'a mut G,
        stop: &'a [u32],
        place: u64,
        options: &'a GenerateOptions,
    ) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
        rng.set_stream(constraint.stream().unwrap_or(place));
        let done = options.max_new_tokens == 0;
        Self { constraint, stop, options, rng, tokens: Vec::new(), unread: prompt.to_vec(), done }
    }

    /// For how many further tokens anything may follow, whatever they are.
    pub fn lookahead(&self) -> usize {
        // A stop token ends a row, which is no reason to wait: what was computed behind it is dropped.
        self.constraint.lookahead()
    }

    /// How many tokens it may still gain.
    pub fn room(&self) -> usize {
        self.options.max_new_tokens - self.tokens.len()
    }

    /// The uniform number in [0, 1) that decides the next choice.
    pub fn chance(&mut self) -> f64 {
        self.rng.random()
    }

    /// The numbers that will decide the choices behind the next one, if they come to be made.
    pub fn chances_ahead(&self) -> impl Iterator<Item = f64> {
        let mut rng = self.rng.clone();
        std::iter::repeat_with(move || rng.random())
    }

    /// Whether the constraint gets to know what the model said of all tokens where these might have followed; nothing for all.
    pub fn wants_to_know(&self, list: Option<&[u32]>) -> bool {
        list.is_none() || self.constraint.needs_logits()
    }

    /// The choices of the next step: the one that is next, and those behind it that a draft of at most `most` tokens leads to.
    pub fn questions(&mut self, most: usize) -> Vec<DraftTokens> {
        let mut draft = self.constraint.draft();
        shorten(&mut draft, most.min(self.room()));
        // Behind a draft there is a question, unless it ends the row.
        if let Some(DraftTokens { tokens: run, .. }) = draft.last_mut()
            && run.last().is_some_and(|token| !self.stop.contains(token))
        {
            run.clear();
        }
        if draft.is_empty() {
            let list = match self.constraint.allowed() {
                Allowed::OneOf(tokens) => Some(tokens.to_vec()),
                Allowed::Any | Allowed::Forced(_) => None,
            };
            draft.push(DraftTokens { allowed: list, tokens: Vec::new() });
        }
        draft
    }

    /// Appends all that follows without a choice, and says it.
    pub fn follow(&mut self, say: &mut dyn FnMut(u32)) -> Result<()> {
        while !self.done {
            let Allowed::Forced(run) = self.constraint.allowed() else { break };
            let Some(&token) = run.first() else {
                self.done = true;
                break;
            };
            self.append(token, None)?;
            say(token);
        }
        Ok(())
    }

    /// Chooses the next token by what the model says of it, and appends it.
    pub fn choose(&mut self, logits: Logits) -> Result<u32> {
        let not_numbers = || Error::Failed("the model's logits are not numbers; its weights may be damaged".into());
        let uniform = self.chance();
        let next = self.constraint.allowed();
        let (token, list) = match next {
            Allowed::OneOf(tokens) => {
                let at = self.options.sampling.pick(&logits.of(tokens)?, uniform).ok_or_else(not_numbers)?;
                (tokens[at as usize], Some(tokens))
            }
            Allowed::Any | Allowed::Forced(_) => {
                (self.options.sampling.pick(logits.all()?, uniform).ok_or_else(not_numbers)?, None)
            }
        };
        let logprob = if self.wants_to_know(list) { Some(TokenLogprob::of(logits.all()?, token, next)) } else { None };
        self.append(token, logprob.as_ref())?;
        Ok(token)
    }

    /// Appends a token and tells the constraint.
    pub fn append(&mut self, token: u32, logprob: Option<&TokenLogprob>) -> Result<()> {
        self.constraint.accept(token, logprob)?;
        self.tokens.push(token);
        self.unread.push(token);
        self.done = self.stop.contains(&token) || self.tokens.len() >= self.options.max_new_tokens;
        Ok(())
    }

    /// What the model shall read next, and what it shall be asked; nothing once the row is done.
    pub fn ask(&mut self) -> Asked {
        let known = std::mem::take(&mut self.unread);
        if self.done { Asked::default() } else { Asked { known, drafts: self.questions(usize::MAX) } }
    }

    /// Takes the tokens that the model has read already off those that it shall read, as far as they are the ones of `run`; says how many.
    pub fn confirm(&mut self, run: &[u32]) -> usize {
        let same = self.unread.iter().zip(run).take_while(|(token, draft_tokens)| token == draft_tokens).count();
        self.unread.drain(..same);
        same
    }
}
