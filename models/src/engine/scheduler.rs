//! Continuous batching: sequences join and leave the running batch step by step. Prompts are prefilled in chunks beside the sequences
//! that are already decoding, and steps are submitted ahead of the host as far as the constraints allow.

use std::collections::{HashSet, VecDeque};
use std::ops::ControlFlow;

use tiller_kernels::decode::{ListBias, LogitsRequest, SampledToken, TokenSource, TokenSpan};

use super::Engine;
use super::executor::PendingStep;
use super::paged_kv_cache::{PagedKvCache, PrefixKey, prefix_keys};
use super::sequence::Sequence;
use crate::generate::request::check_tokens;
use crate::generate::sequence::{SequenceState, not_numbers};
use crate::generate::{DraftTokens, GenerateRequest, Generator, LogitBias, OnToken, Sampling, TokenLogprob};
use crate::llama::{Llama, LlamaConfig};
use crate::{Error, Result};

/// The largest batch of an engine that grows; further prompts wait until others end.
const MAX_BATCH: usize = 64;

/// The batch of an engine that grows, for a number of prompts.
pub(crate) fn max_batch(prompts: usize) -> usize {
    prompts.clamp(1, MAX_BATCH)
}

/// Up to [`EngineOptions::max_batch`](super::EngineOptions) sequences run in one batch; the next prompt joins where one ends. Prompts
/// with a common prefix share its part of the cache.
impl Generator for Engine {
    fn config(&self) -> &LlamaConfig {
        &self.config
    }

    fn load_adapter(&mut self, llama: &Llama) -> Result<()> {
        self.load_adapters(&[llama])
    }

    fn run(&mut self, request: GenerateRequest) -> Result<Vec<Vec<u32>>> {
        let longest = request.longest();
        let GenerateRequest { prompts, options, mut constraints, adapters, stop_ids, on_token } = request;
        self.check_adapters(adapters)?;
        self.make_room(max_batch(prompts.len()), longest)?;
        let mut unconstrained = Vec::new();
        let states = SequenceState::of_prompts(prompts, &mut constraints, &mut unconstrained, stop_ids, options);
        let first_adapter = self.first_adapter();
        let adapter_of = |number: usize| adapters.get(number).copied().unwrap_or(first_adapter);
        let waiting = states.into_iter().zip(prompts).enumerate();
        let mut scheduler = BatchScheduler {
            engine: self,
            sampling: options.sampling,
            waiting: waiting
                .map(|(number, (state, prompt))| Waiting { prompt, adapter: adapter_of(number), state })
                .collect(),
            admitted: 0,
            running: Vec::new(),
            prefilling: HashSet::new(),
            in_flight: VecDeque::new(),
            done: vec![Vec::new(); prompts.len()],
        };
        let ended = match on_token {
            Some(on_token) => scheduler.run(on_token),
            None => scheduler.run(&mut |_, _| ControlFlow::Continue(())),
        };
        // However it ended: the pages go back to the cache, and the tokens so far are the answer.
        while !scheduler.running.is_empty() {
            scheduler.retire(0);
        }
        let done = std::mem::take(&mut scheduler.done);
        ended.map(|()| done)
    }
}

impl Engine {
    /// Reserves memory for a batch of sequences of at most `longest` tokens, where the engine grows.
    ///
    /// # Errors
    /// Sequences longer than the reserved length of an engine that does not grow; as [`Engine::reserve`].
    pub(super) fn make_room(&mut self, batch: usize, longest: usize) -> Result<()> {
        if self.options.grows {
            self.reserve(batch, longest)?;
        }
        if longest > self.options.max_tokens {
            return Err(Error::bad_input("the engine")
                .expected(format!("sequences of at most {} tokens, its reserved length", self.options.max_tokens))
                .found(format!("{longest} tokens"))
                .next("reserve memory for longer sequences, shorten the prompts, or ask for fewer new tokens")
                .into());
        }
        Ok(())
    }

    fn check_adapters(&self, adapters: &[usize]) -> Result<()> {
        match adapters.iter().find(|adapter| **adapter > self.adapters()) {
            None => Ok(()),
            Some(adapter) => Err(Error::bad_input("the generation")
                .expected(format!("adapters from 0 (none) to {}", self.adapters()))
                .found(adapter)
                .next("load the adapter into the engine first")
                .into()),
        }
    }
}

/// The sequences of one request.
struct BatchScheduler<'a, 'p> {
    engine: &'a mut Engine,
    sampling: Sampling,
    /// Sequences without a slot.
    waiting: VecDeque<Waiting<'p>>,
    /// The number of prompts that have had a slot.
    admitted: usize,
    running: Vec<Sequence<'p>>,
    /// Whole pages of prompts in prefill: another sequence that needs them waits instead of computing them again.
    prefilling: HashSet<PrefixKey>,
    /// Steps whose tokens have not come back, oldest first.
    in_flight: VecDeque<StepInFlight>,
    /// The new tokens of every prompt.
    done: Vec<Vec<u32>>,
}

/// A sequence without a slot.
struct Waiting<'p> {
    prompt: &'p [u32],
    adapter: usize,
    state: SequenceState<'p>,
}

/// A submitted step.
struct StepInFlight {
    pending: PendingStep,
    choices: Vec<ChoicesInFlight>,
}

/// The submitted choices of one sequence.
struct ChoicesInFlight {
    /// The number of its prompt.
    number: usize,
    drafts: Vec<DraftTokens>,
    /// The slot of each sampled token, and true if the constraint needs its log-probability.
    slots: Vec<(usize, bool)>,
    /// The uniform number of each choice.
    uniforms: Vec<f64>,
}

/// The part of a sequence in the step being put together.
struct StepPart {
    /// The index of the sequence among the running ones.
    index: usize,
    position: usize,
    tokens: Vec<TokenSource>,
    /// True if the next token is sampled after these.
    samples: bool,
}

impl BatchScheduler<'_, '_> {
    fn run(&mut self, on_token: OnToken) -> Result<()> {
        loop {
            self.admit();
            if self.append_forced(on_token)?.is_break() {
                return Ok(());
            }
            if self.retire_done() {
                continue;
            }
            if self.running.is_empty() {
                return Ok(());
            }
            // A sequence that waits for its token would miss the step: the others wait with it.
            let waits = self.running.iter().any(Sequence::is_waiting);
            let may_submit = self.in_flight.len() < self.engine.options.steps_in_flight.max(1);
            if !waits && may_submit && self.submit_step()? {
                continue;
            }
            if self.finish_step(on_token)?.is_break() {
                return Ok(());
            }
        }
    }

    /// Moves waiting sequences into free slots.
    fn admit(&mut self) {
        while self.running.len() < self.engine.options.max_batch {
            let Some(Waiting { prompt, adapter, state }) = self.waiting.pop_front() else { break };
            let taken: HashSet<usize> = self.running.iter().map(|sequence| sequence.slot).collect();
            let slot = (0..).find(|slot| !taken.contains(slot)).expect("fewer sequences than slots");
            self.running.push(Sequence::new(self.admitted, slot, adapter, prompt, state));
            self.admitted += 1;
        }
    }

    /// Appends the forced tokens of every sequence (jump-forward decoding).
    fn append_forced(&mut self, on_token: OnToken) -> Result<ControlFlow<()>> {
        let mut new = Vec::new();
        for sequence in &mut self.running {
            let (number, before) = (sequence.number, new.len());
            sequence.state.append_forced(&mut |token| new.push((number, token)))?;
            sequence.tokens.extend(new[before..].iter().map(|(_, token)| token));
        }
        Ok(new.into_iter().try_for_each(|(number, token)| on_token(number, token)))
    }

    /// Frees the slots of sequences that are done. Returns true if there were any.
    fn retire_done(&mut self) -> bool {
        let before = self.running.len();
        for i in (0..before).rev().filter(|i| self.running[*i].state.is_done).collect::<Vec<_>>() {
            self.retire(i);
        }
        self.running.len() < before
    }

    /// Frees the slot and the pages of a sequence.
    fn retire(&mut self, i: usize) {
        let sequence = self.running.remove(i);
        let cache = &mut self.engine.cache;
        if sequence.is_started {
            for key in prefix_keys(sequence.adapter, &sequence.tokens) {
                self.prefilling.remove(&key);
            }
            cache.insert_prefix(sequence.adapter, sequence.in_cache(), &sequence.block_table);
        }
        cache.free(sequence.block_table);
        self.done[sequence.number] = sequence.state.tokens;
    }

    /// Submits a step of all sequences that can go on. Returns false if there is none.
    fn submit_step(&mut self) -> Result<bool> {
        let mut budget = self.engine.executor.limits().tokens;
        let mut parts = self.read_tokens(&mut budget);
        if parts.is_empty() {
            return Ok(false);
        }
        let (choices, firsts) = self.draft_tokens(&mut parts, budget);
        let requests = logits_requests(&choices, &firsts, self.engine.config.vocab_size)?;
        let spans: Vec<TokenSpan> = parts
            .iter()
            .map(|StepPart { index, position, tokens, .. }| {
                let Sequence { block_table, adapter, .. } = &self.running[*index];
                TokenSpan { tokens, position: *position, pages: block_table, adapter: *adapter }
            })
            .collect();
        if let Some(pending) = self.engine.executor.step(&spans, &requests, self.sampling) {
            self.in_flight.push_back(StepInFlight { pending, choices });
        }
        for StepPart { index, .. } in parts {
            let sequence = &self.running[index];
            // The tokens read so far can be shared from the next step on.
            self.engine.cache.insert_prefix(sequence.adapter, sequence.in_cache(), &sequence.block_table);
            for key in prefix_keys(sequence.adapter, sequence.in_cache()) {
                self.prefilling.remove(&key);
            }
        }
        Ok(true)
    }

    /// Takes the tokens of a step within the budget: of decoding sequences first, then of prompts (chunked prefill).
    fn read_tokens(&mut self, budget: &mut usize) -> Vec<StepPart> {
        let cache: &mut PagedKvCache = &mut self.engine.cache;
        let mut order: Vec<usize> = (0..self.running.len()).collect();
        order.sort_by_key(|i| self.running[*i].unread() > 1 || !self.running[*i].is_started);
        let mut parts = Vec::new();
        for index in order {
            let sequence = &mut self.running[index];
            if *budget == 0 || sequence.unread() == 0 {
                continue;
            }
            if !sequence.is_started {
                // A prefix that another sequence is prefilling is waited for.
                let missing = cache.first_missing(sequence.adapter, &sequence.tokens);
                if missing.is_some_and(|key| self.prefilling.contains(&key)) {
                    continue;
                }
                sequence.start(cache);
                self.prefilling.extend(prefix_keys(sequence.adapter, &sequence.tokens));
            }
            let position = sequence.position();
            let (tokens, samples) = sequence.read(*budget, cache);
            *budget -= tokens.len();
            parts.push(StepPart { index, position, tokens, samples });
        }
        parts
    }

    /// Adds the drafts of the sequences that sample (speculative decoding), as far as the rest of the budget allows. Returns the choices of
    /// each such sequence, and the index within the step of the token before its first choice.
    fn draft_tokens(&mut self, parts: &mut [StepPart], mut budget: usize) -> (Vec<ChoicesInFlight>, Vec<usize>) {
        let (mut choices, mut firsts) = (Vec::new(), Vec::new());
        let mut sampling = parts.iter().filter(|part| part.samples).count();
        let mut slots = self.engine.options.max_batch..;
        let mut end = 0;
        for StepPart { index, tokens, samples, .. } in parts {
            end += tokens.len();
            if *samples {
                let (sequence, known) = (&mut self.running[*index], tokens.len());
                let drafts = sequence.draft(budget / sampling, tokens, &mut self.engine.cache);
                let drafted = tokens.len() - known;
                (budget, sampling) = (budget - drafted, sampling - 1);
                firsts.push(end - 1);
                choices.push(ChoicesInFlight::new(sequence, drafts, &mut slots));
                end += drafted;
            }
        }
        (choices, firsts)
    }

    /// Waits for the tokens of the oldest step, and appends them to their sequences.
    fn finish_step(&mut self, on_token: OnToken) -> Result<ControlFlow<()>> {
        let StepInFlight { pending, choices } =
            self.in_flight.pop_front().expect("sequences that wait have a step in flight");
        let sampled = self.engine.executor.wait(pending)?;
        for ChoicesInFlight { number, drafts, slots, .. } in choices {
            // A sequence that is done meanwhile has no use for them.
            let Some(sequence) = self.running.iter_mut().find(|sequence| sequence.number == number) else { continue };
            sequence.in_flight -= 1;
            for (at, (DraftTokens { tokens: drafted, .. }, (slot, has_logprob))) in drafts.iter().zip(slots).enumerate()
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
                if new.into_iter().try_for_each(|token| on_token(number, token)).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                if !sequence.accept_draft(drafted) {
                    break;
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

impl ChoicesInFlight {
    /// The choices of a sequence. The first token goes to the sequence's own slot, those of a draft to free slots.
    fn new(sequence: &mut Sequence, drafts: Vec<DraftTokens>, free_slots: &mut impl Iterator<Item = usize>) -> Self {
        sequence.in_flight += 1;
        let state = &mut sequence.state;
        let uniforms = std::iter::once(state.next_uniform()).chain(state.uniforms_ahead()).take(drafts.len()).collect();
        let slots = std::iter::once(sequence.slot).chain(free_slots);
        let slot_of = |(choice, slot): (&DraftTokens, usize)| (slot, state.needs_logits(choice.allowed.as_deref()));
        let slots = drafts.iter().zip(slots).map(slot_of).collect();
        Self { number: sequence.number, drafts, slots, uniforms }
    }
}

/// The requests for all choices of a step, those for the logits of the whole vocabulary first.
fn logits_requests<'c>(
    choices: &'c [ChoicesInFlight],
    firsts: &[usize],
    vocab_size: usize,
) -> Result<Vec<LogitsRequest<'c>>> {
    let mut requests = Vec::new();
    for all in [true, false] {
        for (ChoicesInFlight { drafts, slots, uniforms, .. }, first) in choices.iter().zip(firsts) {
            let mut token = *first;
            for ((draft, &(slot, full)), &uniform) in drafts.iter().zip(slots).zip(uniforms) {
                if full == all {
                    let list = draft.allowed.as_deref();
                    check_tokens(|| Error::bad_input("the constraint"), list.unwrap_or_default(), vocab_size)?;
                    let bias = draft.logit_bias.as_ref().map(|bias| list_bias(bias, list)).transpose()?;
                    requests.push(LogitsRequest { token, slot, list, bias, full, uniform });
                }
                token += draft.tokens.len();
            }
        }
    }
    Ok(requests)
}

/// The bias of a list for the GPU.
fn list_bias<'b>(bias: &'b LogitBias, list: Option<&[u32]>) -> Result<ListBias<'b>> {
    bias.check(list.map_or(0, <[u32]>::len))?;
    Ok(ListBias { weight: bias.weight, biases: &bias.biases })
}

fn logprob(sampled: &SampledToken) -> TokenLogprob {
    TokenLogprob {
        log_prob: f64::from(sampled.logit - sampled.log_sum),
        argmax_token: sampled.argmax_token,
        allowed_prob: f64::from(sampled.log_sum_allowed - sampled.log_sum).exp().min(1.0),
    }
}
