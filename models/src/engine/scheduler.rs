//! Continuous batching: sequences join and leave the running batch step by step. Prompts are prefilled in chunks beside the sequences
//! that are already decoding, and steps are submitted ahead of the host as far as the constraints allow.

use std::collections::{HashSet, VecDeque};
use std::ops::ControlFlow;

use tiller_kernels::decode::{TokenSource, TokenSpan};

use super::Engine;
use super::choices::{ChoicesInFlight, StepInFlight, check_choices, logits_requests};
use super::paged_kv_cache::{PagedKvCache, PrefixKey, prefix_keys};
use super::sequence::Sequence;
use crate::generate::sequence::SequenceState;
use crate::generate::{OnToken, Sampling};
use crate::{Error, Result};

/// The multiple to which the reserved length of a continuous batch grows, in tokens: memory is seldom reserved anew.
const LENGTH_STEP: usize = 256;

/// The sequences of one batch.
pub(super) struct BatchScheduler<'a, 'p> {
    engine: &'a mut Engine,
    sampling: Sampling,
    /// The largest number of sequences that run at once.
    max_batch: usize,
    /// Sequences without a slot.
    waiting: VecDeque<Waiting<'p>>,
    /// Takes up to so many sequences that have arrived.
    arrivals: &'a mut dyn FnMut(usize) -> Vec<SequenceState<'p>>,
    running: Vec<Sequence<'p>>,
    /// Whole pages of prompts in prefill: another sequence that needs them waits instead of computing them again.
    prefilling: HashSet<PrefixKey>,
    /// Steps whose tokens have not come back, oldest first.
    in_flight: VecDeque<StepInFlight>,
}

/// A sequence without a slot.
pub(super) struct Waiting<'p> {
    pub(super) adapter: usize,
    pub(super) state: SequenceState<'p>,
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

impl<'a, 'p> BatchScheduler<'a, 'p> {
    /// A batch of the sequences in `waiting`, and of those that `arrivals` brings.
    pub(super) fn new(
        engine: &'a mut Engine,
        sampling: Sampling,
        max_batch: usize,
        waiting: VecDeque<Waiting<'p>>,
        arrivals: &'a mut dyn FnMut(usize) -> Vec<SequenceState<'p>>,
    ) -> Self {
        let (running, prefilling, in_flight) = (Vec::new(), HashSet::new(), VecDeque::new());
        Self { engine, sampling, max_batch, waiting, arrivals, running, prefilling, in_flight }
    }

    /// Runs the sequences to their ends. However that ends, their pages go back to the cache, and their receivers have the tokens so far.
    pub(super) fn run(mut self, on_token: OnToken) -> Result<()> {
        let ended = self.continue_all(on_token);
        if let Err(error) = &ended {
            let running = self.running.iter_mut().map(|sequence| &mut sequence.state);
            let states = running.chain(self.waiting.iter_mut().map(|waiting| &mut waiting.state));
            states.for_each(|state| state.end_with(Error::Failed(error.to_string())));
        }
        while !self.running.is_empty() {
            self.retire(0);
        }
        if ended.is_err() {
            // Nobody knows what a step that failed left in the cache.
            self.engine.cache.clear();
        }
        ended
    }

    fn continue_all(&mut self, on_token: OnToken) -> Result<()> {
        loop {
            self.admit()?;
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

    /// Moves sequences that wait into free slots.
    fn admit(&mut self) -> Result<()> {
        let free = self.max_batch.saturating_sub(self.running.len() + self.waiting.len());
        let (arrived, adapter) = ((self.arrivals)(free), self.engine.first_adapter());
        self.waiting.extend(arrived.into_iter().map(|state| Waiting { adapter, state }));
        while self.running.len() < self.max_batch && self.has_room_for_next()? {
            let Some(Waiting { adapter, state }) = self.waiting.pop_front() else { break };
            let taken: HashSet<usize> = self.running.iter().map(|sequence| sequence.slot).collect();
            let slot = (0..).find(|slot| !taken.contains(slot)).expect("fewer sequences than slots");
            self.running.push(Sequence::new(slot, adapter, state));
        }
        Ok(())
    }

    /// Returns true if there is memory for the sequence that waits longest. Memory grows only while nothing runs: the cache is made anew.
    fn has_room_for_next(&mut self) -> Result<bool> {
        let Some(Waiting { state, .. }) = self.waiting.front_mut() else { return Ok(false) };
        let (engine, longest) = (&mut *self.engine, state.longest());
        if state.is_done || engine.has_room(self.max_batch, longest) {
            return Ok(true);
        }
        if !self.running.is_empty() {
            return Ok(false);
        }
        let reserved = match engine.options.grows {
            true => longest.next_multiple_of(LENGTH_STEP).min(engine.config.max_positions),
            false => longest,
        };
        self.in_flight.clear();
        engine.make_room(self.max_batch, reserved).or_else(|error| state.fail(error))?;
        Ok(true)
    }

    /// Appends the forced tokens of every sequence (jump-forward decoding).
    fn append_forced(&mut self, on_token: OnToken) -> Result<ControlFlow<()>> {
        let mut new = Vec::new();
        for sequence in &mut self.running {
            let (number, before) = (sequence.state.number, new.len());
            let appended = sequence.state.append_forced(&mut |token| new.push((number, token)));
            sequence.tokens.extend(new[before..].iter().map(|(_, token)| token));
            appended.or_else(|error| sequence.state.fail(error))?;
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

    /// Frees the slot and the pages of a sequence, and ends it.
    fn retire(&mut self, i: usize) {
        let mut sequence = self.running.remove(i);
        let cache = &mut self.engine.cache;
        if sequence.is_started {
            for key in prefix_keys(sequence.adapter, &sequence.tokens) {
                self.prefilling.remove(&key);
            }
            cache.insert_prefix(sequence.adapter, sequence.in_cache(), &sequence.block_table);
        }
        cache.free(sequence.block_table);
        sequence.state.end();
    }

    /// Submits a step of all sequences that can go on. Returns false if there is none.
    fn submit_step(&mut self) -> Result<bool> {
        let mut budget = self.engine.executor.limits().tokens;
        let mut parts = self.read_tokens(&mut budget);
        if parts.is_empty() {
            return Ok(false);
        }
        let (choices, firsts) = self.draft_tokens(&mut parts, budget)?;
        let requests = logits_requests(&choices, &firsts);
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
    fn draft_tokens(
        &mut self,
        parts: &mut [StepPart],
        mut budget: usize,
    ) -> Result<(Vec<ChoicesInFlight>, Vec<usize>)> {
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
                match check_choices(&drafts, self.engine.config.vocab_size) {
                    Ok(()) => {
                        firsts.push(end - 1);
                        choices.push(ChoicesInFlight::new(sequence, drafts, &mut slots));
                    }
                    Err(error) => sequence.state.fail(error)?,
                }
                end += drafted;
            }
        }
        Ok((choices, firsts))
    }

    /// Waits for the tokens of the oldest step, and appends them to their sequences.
    fn finish_step(&mut self, on_token: OnToken) -> Result<ControlFlow<()>> {
        let StepInFlight { pending, choices } =
            self.in_flight.pop_front().expect("sequences that wait have a step in flight");
        let sampled = self.engine.executor.wait(pending)?;
        for choices in choices {
            // A sequence that is done meanwhile has no use for them.
            let of_choices = |sequence: &&mut Sequence| sequence.state.number == choices.number;
            let Some(sequence) = self.running.iter_mut().find(of_choices) else { continue };
            sequence.in_flight -= 1;
            match choices.append_to(sequence, &sampled, on_token) {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => return Ok(ControlFlow::Break(())),
                Err(error) => sequence.state.fail(error)?,
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}
