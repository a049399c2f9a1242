//! Generation with burn's graph: a batch with a KV cache, on any device.

mod continuations;
mod logits;

use std::collections::HashMap;

use burn::module::Module;
use burn::tensor::Tensor;
use rayon::prelude::*;

use self::logits::{LogitsAt, StepLogits};
use super::arrivals::Arrivals;
use super::logits::Logits;
use super::request::ignore_token;
use super::sequence::{SequenceState, SequenceStep};
use super::{ContinuousBatch, GenerateRequest, Generator, OnToken};
use crate::llama::{KvCache, Llama, LlamaConfig};
use crate::{Error, Result};

/// A Llama that generates with its graph.
///
/// A step reads, for every sequence, the tokens up to the next choice; sequences therefore take as many steps as they have choices, and
/// fewer with drafts (speculative decoding). Prompts that are equal are prefilled once. Sequences that are done stay in the batch as
/// padding.
#[derive(Debug)]
pub struct GraphGenerator {
    llama: Llama,
    shards: usize,
}

impl GraphGenerator {
    /// A generator with the weights and the adapter of `llama`, which it shares.
    pub fn new(llama: &Llama) -> Self {
        // Nothing here is differentiated: a model in training would record every step.
        Self { llama: llama.valid(), shards: 1 }
    }

    /// Splits batches without a callback into `shards` parts that run in parallel.
    pub fn with_shards(self, shards: usize) -> Self {
        Self { shards, ..self }
    }

    /// The model.
    pub fn llama(&self) -> &Llama {
        &self.llama
    }
}

impl Generator for GraphGenerator {
    fn config(&self) -> &LlamaConfig {
        self.llama.config()
    }

    fn load_adapter(&mut self, llama: &Llama) -> Result<()> {
        self.llama = llama.valid();
        Ok(())
    }

    fn run(&mut self, request: GenerateRequest) -> Result<Vec<Vec<u32>>> {
        let GenerateRequest { prompts, options, mut constraints, adapters, stop_ids, on_token } = request;
        if !adapters.is_empty() {
            return Err(Error::bad_input("the generation")
                .expected("the adapter of the model for all prompts")
                .found("an adapter for each prompt")
                .next("use the decode engine, which needs a GPU")
                .into());
        }
        let (mut tokens, mut unconstrained) = (vec![Vec::new(); prompts.len()], Vec::new());
        let held = (&mut constraints[..], &mut unconstrained);
        let mut states = SequenceState::of_prompts(prompts, &mut tokens, held, stop_ids, options);
        match on_token {
            Some(on_token) => continue_all(&self.llama, &mut states, on_token)?,
            None if self.shards == 1 => continue_all(&self.llama, &mut states, &mut { ignore_token })?,
            None => {
                let shard = states.len().div_ceil(self.shards).max(1);
                let shards = states.par_chunks_mut(shard);
                shards.try_for_each(|states| continue_all(&self.llama, states, &mut { ignore_token }))?;
            }
        }
        states.iter_mut().for_each(SequenceState::end);
        drop(states);
        Ok(tokens)
    }

    /// Runs static batches: sequences end one by one, and others join once all of them have ended.
    fn run_continuous(&mut self, batch: ContinuousBatch) -> Result<()> {
        let max_batch = batch.max_batch.max(1);
        let mut arrivals = Arrivals::new(batch, self.config())?;
        loop {
            let mut states = arrivals.next(max_batch);
            if states.is_empty() {
                return Ok(());
            }
            states.retain(|state| !state.is_done);
            let continued = continue_all(&self.llama, &mut states, &mut { ignore_token });
            if let Err(error) = &continued {
                states.iter_mut().for_each(|state| state.end_with(Error::Failed(error.to_string())));
            }
            continued?;
        }
    }
}

/// Continues the sequences of one batch to their ends.
fn continue_all(model: &Llama, states: &mut [SequenceState], on_token: OnToken) -> Result<()> {
    let capacity = states.iter().map(|state| state.unread().len() + state.remaining()).max().unwrap_or(0);
    let mut cached = CachedModel { model, capacity, cache: None };
    loop {
        let mut new = Vec::new();
        for (row, state) in states.iter_mut().enumerate() {
            let appended = state.append_forced(&mut |token| new.push((row, token)));
            appended.or_else(|error| state.fail(error))?;
        }
        let go_on = new.drain(..).try_for_each(|(row, token)| on_token(row, token));
        states.iter_mut().filter(|state| state.is_done).for_each(SequenceState::end);
        if go_on.is_break() || states.iter().all(|state| state.is_done) {
            return Ok(());
        }
        let steps: Vec<SequenceStep> = states.iter_mut().map(SequenceState::next_step).collect();
        let needs_logits = |row: usize, allowed: &[u32]| states[row].needs_logits(Some(allowed));
        let logits = cached.read(&steps, needs_logits)?;
        let mut first = 0;
        for (row, (state, step)) in states.iter_mut().zip(&steps).enumerate() {
            let sampled = sample(state, step, |number| logits.get(first + number), &mut |token| new.push((row, token)));
            let accepted = match sampled {
                Ok(accepted) => accepted,
                Err(error) => state.fail(error).map(|()| 0)?,
            };
            cached.rewind(row, step.drafted() - accepted);
            first += step.choices.len();
        }
        if new.into_iter().try_for_each(|(row, token)| on_token(row, token)).is_break() {
            return Ok(());
        }
    }
}

/// Samples the first choice of a step, and further ones as long as the draft agrees. Returns the number of drafted tokens that it
/// accepts.
fn sample<'l>(
    state: &mut SequenceState,
    step: &SequenceStep,
    logits: impl Fn(usize) -> Logits<'l>,
    emit: &mut dyn FnMut(u32),
) -> Result<usize> {
    let mut accepted = 0;
    for (number, choice) in step.choices.iter().enumerate() {
        emit(state.sample(logits(number), choice.logit_bias.as_ref())?);
        if choice.tokens.is_empty() {
            break;
        }
        state.append_forced(emit)?;
        let same = state.accept_draft(&choice.tokens);
        accepted += same;
        if state.is_done || same < choice.tokens.len() {
            break;
        }
    }
    Ok(accepted)
}

/// A model and the KV cache of the tokens that it has read.
struct CachedModel<'a> {
    model: &'a Llama,
    /// Columns of a new cache.
    capacity: usize,
    cache: Option<KvCache>,
}

impl CachedModel<'_> {
    /// Reads the step of every sequence. Returns the logits at their choices, sequence by sequence. `needs_logits` is true for a sequence
    /// that needs the logits of more than the allowed tokens.
    fn read(&mut self, steps: &[SequenceStep], needs_logits: impl Fn(usize, &[u32]) -> bool) -> Result<StepLogits> {
        let runs: Vec<Vec<u32>> = steps.iter().map(SequenceStep::tokens).collect();
        let (hidden, firsts) = match &mut self.cache {
            Some(cache) => {
                cache.trim();
                (self.model.extend(&cache.next(&runs), cache), firsts(&runs))
            }
            None => self.prefill(&runs),
        };
        let mut choices = Vec::new();
        for (row, step) in steps.iter().enumerate() {
            choices.extend(step.choice_positions().zip(&step.choices).map(|(position, choice)| LogitsAt {
                row: firsts[row] + position,
                allowed: choice.allowed.as_deref().filter(|allowed| !needs_logits(row, allowed)),
            }));
        }
        StepLogits::compute(self.model, &hidden, &choices)
    }

    /// Prefills a new cache. Equal runs, such as many answers to one prompt, are read once. Returns the hidden states,
    /// `[tokens, d_model]`, and the row of the first token of each run.
    fn prefill(&mut self, runs: &[Vec<u32>]) -> (Tensor<2>, Vec<usize>) {
        let mut distinct: Vec<&Vec<u32>> = Vec::new();
        let mut index_of: HashMap<&Vec<u32>, usize> = HashMap::new();
        let indices: Vec<usize> = runs
            .iter()
            .map(|run| {
                *index_of.entry(run).or_insert_with(|| {
                    distinct.push(run);
                    distinct.len() - 1
                })
            })
            .collect();
        let mut cache = KvCache::new(self.model.config(), distinct.len(), self.capacity, &self.model.device());
        let hidden = self.model.extend(&cache.next(&distinct), &mut cache);
        let is_shared = distinct.len() < runs.len();
        self.cache = Some(if is_shared { cache.with_rows(&indices) } else { cache });
        let firsts = firsts(&distinct);
        (hidden, indices.into_iter().map(|index| firsts[index]).collect())
    }

    /// Removes drafted tokens at the end of a row that were not sampled.
    fn rewind(&mut self, row: usize, count: usize) {
        if let Some(cache) = self.cache.as_mut().filter(|_| count > 0) {
            cache.rewind(row, count);
        }
    }
}

/// The row of the first token of each run among the tokens of all.
fn firsts<R: AsRef<[u32]>>(runs: &[R]) -> Vec<usize> {
    let begin = |end: &mut usize, run: &R| {
        *end += run.as_ref().len();
        Some(*end - run.as_ref().len())
    };
    runs.iter().scan(0, begin).collect()
}

#[cfg(test)]
mod tests;
