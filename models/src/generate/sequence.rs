//! The state of one sequence during generation.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::continuous::LiveSequence;
use super::draft::{DraftTokens, drafted, truncate};
use super::held_constraint::HeldConstraint;
use super::logits::Logits;
use super::{Allowed, GenerateOptions, LogitBias, TokenConstraint, TokenLogprob, Unconstrained};
use crate::{Error, Result};

/// One sequence, its constraint and its random numbers.
pub(crate) struct SequenceState<'a> {
    /// Its place in the order of prompts, or of arrivals.
    pub(crate) number: usize,
    constraint: HeldConstraint<'a>,
    stop_ids: &'a [u32],
    options: GenerateOptions,
    rng: ChaCha8Rng,
    /// The new tokens.
    tokens: Vec<u32>,
    /// Tokens that the model has not read yet.
    unread: Vec<u32>,
    /// Set once nothing may follow any more.
    pub(crate) is_done: bool,
    /// Set once the receiver has its tokens, or an error.
    has_ended: bool,
}

/// The tokens that the model reads in one step, and the choices behind them.
#[derive(Debug, Default)]
pub(crate) struct SequenceStep {
    /// Tokens that are certain.
    known: Vec<u32>,
    /// The choices behind them; none once the sequence is done.
    pub(crate) choices: Vec<DraftTokens>,
}

impl SequenceStep {
    /// All tokens to be read.
    pub(crate) fn tokens(&self) -> Vec<u32> {
        self.known.iter().chain(self.choices.iter().flat_map(|choice| &choice.tokens)).copied().collect()
    }

    /// The index within the step of the token before each choice.
    pub(crate) fn choice_positions(&self) -> impl Iterator<Item = usize> {
        self.choices.iter().scan(self.known.len(), |end, choice| {
            let position = *end - 1;
            *end += choice.tokens.len();
            Some(position)
        })
    }

    /// The number of drafted tokens.
    pub(crate) fn drafted(&self) -> usize {
        drafted(&self.choices)
    }
}

impl<'a> SequenceState<'a> {
    /// The state of sequence `number` before the first step.
    fn new(
        number: usize,
        prompt: Vec<u32>,
        constraint: HeldConstraint<'a>,
        stop_ids: &'a [u32],
        options: GenerateOptions,
    ) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
        rng.set_stream(constraint.stream().unwrap_or(number as u64));
        let is_done = options.max_new_tokens == 0;
        let tokens = Vec::new();
        Self { number, constraint, stop_ids, options, rng, tokens, unread: prompt, is_done, has_ended: false }
    }

    /// The states of all prompts of a request, whose new tokens go into `tokens`. `unconstrained` holds the constraints of free generation.
    pub(crate) fn of_prompts(
        prompts: &[Vec<u32>],
        tokens: &'a mut [Vec<u32>],
        (constraints, unconstrained): (&'a mut [&mut dyn TokenConstraint], &'a mut Vec<Unconstrained>),
        stop_ids: &'a [u32],
        options: GenerateOptions,
    ) -> Vec<Self> {
        if constraints.is_empty() {
            unconstrained.resize(prompts.len(), Unconstrained::default());
        }
        let free = unconstrained.iter_mut().map(|constraint| constraint as &mut dyn TokenConstraint);
        let given = constraints.iter_mut().map(|constraint| &mut **constraint as &mut dyn TokenConstraint);
        let held = free.chain(given).zip(tokens);
        let held = held.map(|(constraint, tokens)| HeldConstraint::Prompt { constraint, tokens });
        let numbered = prompts.iter().zip(held).enumerate();
        numbered.map(|(number, (prompt, held))| Self::new(number, prompt.clone(), held, stop_ids, options)).collect()
    }

    /// The state of a sequence that joins a continuous batch.
    pub(crate) fn of_live(
        number: usize,
        prompt: Vec<u32>,
        live: Box<dyn LiveSequence + 'a>,
        stop_ids: &'a [u32],
        options: GenerateOptions,
    ) -> Self {
        Self::new(number, prompt, HeldConstraint::Live(live), stop_ids, options)
    }

    /// Ends the sequence: its receiver gets the tokens so far. A second end does nothing.
    pub(crate) fn end(&mut self) {
        if !std::mem::replace(&mut self.has_ended, true) {
            self.is_done = true;
            self.constraint.end(std::mem::take(&mut self.tokens));
        }
    }

    /// Ends a sequence of a continuous batch by an error, unless it has ended before. That of a fixed batch stays as it is.
    pub(crate) fn end_with(&mut self, error: Error) {
        if let HeldConstraint::Live(live) = &mut self.constraint
            && !std::mem::replace(&mut self.has_ended, true)
        {
            self.is_done = true;
            live.end(Err(error));
        }
    }

    /// Ends a sequence by an error that concerns no other.
    ///
    /// # Errors
    /// The error, where the sequence belongs to a fixed batch: it ends the whole batch.
    pub(crate) fn fail(&mut self, error: Error) -> Result<()> {
        match self.constraint {
            HeldConstraint::Prompt { .. } => Err(error),
            HeldConstraint::Live(_) => {
                self.end_with(error);
                Ok(())
            }
        }
    }

    /// The greatest length that the sequence may reach, in tokens.
    pub(crate) fn longest(&self) -> usize {
        self.unread.len() + self.remaining()
    }

    /// The tokens that the model has not read yet.
    pub(crate) fn unread(&self) -> &[u32] {
        &self.unread
    }

    /// The number of further tokens that need not be seen before the next step; see [`TokenConstraint::lookahead`].
    pub(crate) fn lookahead(&self) -> usize {
        // A stop id is no reason to wait: the steps computed after it are discarded.
        self.constraint.lookahead()
    }

    /// The number of tokens that the sequence may still gain.
    pub(crate) fn remaining(&self) -> usize {
        self.options.max_new_tokens - self.tokens.len()
    }

    /// Draws the uniform number in [0, 1) for the next choice.
    pub(crate) fn next_uniform(&mut self) -> f64 {
        self.rng.random()
    }

    /// The uniform numbers of the choices after the next one, without drawing them.
    pub(crate) fn uniforms_ahead(&self) -> impl Iterator<Item = f64> {
        let mut rng = self.rng.clone();
        std::iter::repeat_with(move || rng.random())
    }

    /// Returns true if a choice among `allowed` (`None` for all tokens) needs the logits of the whole vocabulary.
    pub(crate) fn needs_logits(&self, allowed: Option<&[u32]>) -> bool {
        allowed.is_none() || self.constraint.needs_logits()
    }

    /// The choices of the next step: the next one, and those that a draft of at most `max_tokens` tokens leads to.
    pub(crate) fn next_choices(&mut self, max_tokens: usize) -> Vec<DraftTokens> {
        let mut draft = self.constraint.draft();
        // Behind the last choice there is none that would need these tokens read.
        if let Some(DraftTokens { tokens, .. }) = draft.last_mut() {
            tokens.clear();
        }
        truncate(&mut draft, max_tokens.min(self.remaining()));
        if draft.is_empty() {
            let allowed = match self.constraint.allowed() {
                Allowed::OneOf(tokens) => Some(tokens.to_vec()),
                Allowed::Any | Allowed::Forced(_) => None,
            };
            draft.push(DraftTokens { allowed, logit_bias: self.constraint.logit_bias(), tokens: Vec::new() });
        }
        draft
    }

    /// Appends all forced tokens (jump-forward decoding), and hands them to `emit`.
    pub(crate) fn append_forced(&mut self, emit: &mut dyn FnMut(u32)) -> Result<()> {
        while !self.is_done {
            let Allowed::Forced(run) = self.constraint.allowed() else { break };
            let Some(&token) = run.first() else {
                self.is_done = true;
                break;
            };
            self.append(token, None)?;
            emit(token);
        }
        Ok(())
    }

    /// Samples the next token from its logits and the bias of its choice, and appends it.
    pub(crate) fn sample(&mut self, logits: Logits, logit_bias: Option<&LogitBias>) -> Result<u32> {
        let uniform = self.next_uniform();
        let sampling = self.options.sampling;
        let allowed = self.constraint.allowed();
        let (token, list) = match allowed {
            Allowed::OneOf(tokens) => {
                let mut scores = logits.of(tokens)?;
                if let Some(bias) = logit_bias {
                    scores = bias.scores(&scores)?;
                }
                let at = sampling.pick(&scores, uniform).ok_or_else(not_numbers)?;
                (tokens[at as usize], Some(tokens))
            }
            Allowed::Any | Allowed::Forced(_) => (sampling.pick(logits.all()?, uniform).ok_or_else(not_numbers)?, None),
        };
        let logprob = match self.needs_logits(list) {
            true => Some(TokenLogprob::of(logits.all()?, token, allowed)),
            false => None,
        };
        self.append(token, logprob.as_ref())?;
        Ok(token)
    }

    /// Appends a token, and lets the constraint accept it. A token that the constraint chose is no stop: it may be a piece of a title,
    /// and only the constraint knows where its text ends.
    pub(crate) fn append(&mut self, token: u32, logprob: Option<&TokenLogprob>) -> Result<()> {
        let is_stop = self.constraint.allowed() == Allowed::Any && self.stop_ids.contains(&token);
        self.constraint.accept(token, logprob)?;
        self.tokens.push(token);
        self.unread.push(token);
        self.is_done = is_stop || self.tokens.len() >= self.options.max_new_tokens;
        Ok(())
    }

    /// The tokens and choices of the next step; empty once the sequence is done.
    pub(crate) fn next_step(&mut self) -> SequenceStep {
        let known = std::mem::take(&mut self.unread);
        if self.is_done {
            return SequenceStep::default();
        }
        SequenceStep { known, choices: self.next_choices(usize::MAX) }
    }

    /// Drops drafted tokens, which the model has read, from the unread ones as far as they agree. Returns their number.
    pub(crate) fn accept_draft(&mut self, drafted: &[u32]) -> usize {
        let same = self.unread.iter().zip(drafted).take_while(|(token, drafted)| token == drafted).count();
        self.unread.drain(..same);
        same
    }
}

/// The error of logits that are NaN or infinite.
pub(crate) fn not_numbers() -> Error {
    Error::Failed("the model's logits are not numbers; its weights may be damaged".into())
}
