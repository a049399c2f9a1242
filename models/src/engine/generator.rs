//! The engine as a generator: fixed and continuous batches, and the memory that they need.

use std::collections::VecDeque;

use super::Engine;
use super::scheduler::{BatchScheduler, Waiting};
use crate::generate::arrivals::Arrivals;
use crate::generate::request::ignore_token;
use crate::generate::sequence::SequenceState;
use crate::generate::{ContinuousBatch, GenerateRequest, Generator};
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
        let (mut tokens, mut unconstrained) = (vec![Vec::new(); prompts.len()], Vec::new());
        let held = (&mut constraints[..], &mut unconstrained);
        let states = SequenceState::of_prompts(prompts, &mut tokens, held, stop_ids, options);
        let first_adapter = self.first_adapter();
        let adapter_of = |number: usize| adapters.get(number).copied().unwrap_or(first_adapter);
        let waiting = states.into_iter().map(|state| Waiting { adapter: adapter_of(state.number), state }).collect();
        let max_batch = self.options.max_batch;
        let mut none = |_| Vec::new();
        let scheduler = BatchScheduler::new(self, options.sampling, max_batch, waiting, &mut none);
        match on_token {
            Some(on_token) => scheduler.run(on_token)?,
            None => scheduler.run(&mut { ignore_token })?,
        }
        Ok(tokens)
    }

    fn run_continuous(&mut self, batch: ContinuousBatch) -> Result<()> {
        let (sampling, wanted) = (batch.sampling, max_batch(batch.max_batch));
        let max_batch = if self.options.grows { wanted } else { wanted.min(self.options.max_batch) };
        let mut arrivals = Arrivals::new(batch, &self.config)?;
        let mut next = |free| arrivals.next(free);
        BatchScheduler::new(self, sampling, max_batch, VecDeque::new(), &mut next).run(&mut { ignore_token })
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
