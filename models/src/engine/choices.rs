//! The choices of a step: what is sampled where, and what becomes of the sampled tokens.

use std::ops::ControlFlow;

use tiller_kernels::decode::{ListBias, LogitsRequest, SampledToken};

use super::executor::PendingStep;
use super::sequence::Sequence;
use crate::generate::request::check_tokens;
use crate::generate::sequence::not_numbers;
use crate::generate::{DraftTokens, LogitBias, OnToken, TokenLogprob};
use crate::{Error, Result};

/// A submitted step.
pub(super) struct StepInFlight {
    pub(super) pending: PendingStep,
    pub(super) choices: Vec<ChoicesInFlight>,
}

/// The submitted choices of one sequence.
pub(super) struct ChoicesInFlight {
    /// The number of the sequence.
    pub(super) number: usize,
    drafts: Vec<DraftTokens>,
    /// The slot of each sampled token, and true if the constraint needs its log-probability.
    slots: Vec<(usize, bool)>,
    /// The uniform number of each choice.
    uniforms: Vec<f64>,
}

impl ChoicesInFlight {
    /// The choices of a sequence. The first token goes to the sequence's own slot, those of a draft to free slots.
    pub(super) fn new(
        sequence: &mut Sequence,
        drafts: Vec<DraftTokens>,
        free_slots: &mut impl Iterator<Item = usize>,
    ) -> Self {
        sequence.in_flight += 1;
        let state = &mut sequence.state;
        let uniforms = std::iter::once(state.next_uniform()).chain(state.uniforms_ahead()).take(drafts.len()).collect();
        let slots = std::iter::once(sequence.slot).chain(free_slots);
        let slot_of = |(choice, slot): (&DraftTokens, usize)| (slot, state.needs_logits(choice.allowed.as_deref()));
        let slots = drafts.iter().zip(slots).map(slot_of).collect();
        Self { number: state.number, drafts, slots, uniforms }
    }

    /// Appends the sampled tokens of a step to their sequence, as far as the draft agrees.
    ///
    /// # Errors
    /// Logits that are not numbers, a token that the constraint does not accept.
    pub(super) fn append_to(
        self,
        sequence: &mut Sequence,
        sampled: &[SampledToken],
        on_token: OnToken,
    ) -> Result<ControlFlow<()>> {
        for (at, (DraftTokens { tokens: drafted, .. }, (slot, has_logprob))) in
            self.drafts.iter().zip(self.slots).enumerate()
        {
            let sampled = sampled[slot];
            if !sampled.finite {
                return Err(not_numbers());
            }
            if sequence.state.is_done {
                break;
            }
            let mut new = vec![sampled.token];
            sequence.state.append(sampled.token, has_logprob.then(|| logprob(&sampled)).as_ref())?;
            if at > 0 {
                // Its uniform number was used before it was drawn.
                sequence.state.next_uniform();
            }
            if !drafted.is_empty() {
                sequence.state.append_forced(&mut |token| new.push(token))?;
            }
            sequence.tokens.extend(&new);
            if new.into_iter().try_for_each(|token| on_token(self.number, token)).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            if !sequence.accept_draft(drafted) {
                break;
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// Refuses choices that a model with this vocabulary cannot make.
pub(super) fn check_choices(choices: &[DraftTokens], vocab_size: usize) -> Result<()> {
    choices.iter().try_for_each(|DraftTokens { allowed, logit_bias, .. }| {
        let list = allowed.as_deref().unwrap_or_default();
        check_tokens(|| Error::bad_input("the constraint"), list, vocab_size)?;
        logit_bias.as_ref().map_or(Ok(()), |bias| bias.check(list.len()))
    })
}

/// The requests for all choices of a step, those for the logits of the whole vocabulary first. `firsts` has the index within the step of
/// the token before the first choice of each sequence.
pub(super) fn logits_requests<'c>(choices: &'c [ChoicesInFlight], firsts: &[usize]) -> Vec<LogitsRequest<'c>> {
    let mut requests = Vec::new();
    for all in [true, false] {
        for (ChoicesInFlight { drafts, slots, uniforms, .. }, first) in choices.iter().zip(firsts) {
            let mut token = *first;
            for ((draft, &(slot, full)), &uniform) in drafts.iter().zip(slots).zip(uniforms) {
                if full == all {
                    let bias = draft.logit_bias.as_ref().map(list_bias);
                    requests.push(LogitsRequest { token, slot, list: draft.allowed.as_deref(), bias, full, uniform });
                }
                token += draft.tokens.len();
            }
        }
    }
    requests
}

/// The bias of a list for the GPU.
fn list_bias(bias: &LogitBias) -> ListBias<'_> {
    ListBias { weight: bias.weight, biases: &bias.biases }
}

fn logprob(sampled: &SampledToken) -> TokenLogprob {
    TokenLogprob {
        log_prob: f64::from(sampled.logit - sampled.log_sum),
        argmax_token: sampled.argmax_token,
        allowed_prob: f64::from(sampled.log_sum_allowed - sampled.log_sum).exp().min(1.0),
    }
}
