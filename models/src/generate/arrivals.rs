//! The arrivals of a continuous batch: what joins is checked, and gets its state and its number.

use super::continuous::{ContinuousBatch, NewSequence};
use super::request::{GenerateOptions, check_prompt};
use super::sequence::SequenceState;
use crate::llama::LlamaConfig;
use crate::{Error, Result};

/// The sequences of a continuous batch, numbered in the order of their arrival.
pub(crate) struct Arrivals<'b, 'a> {
    batch: ContinuousBatch<'b, 'a>,
    config: LlamaConfig,
    arrived: usize,
}

impl<'b, 'a> Arrivals<'b, 'a> {
    /// The arrivals of `batch` at a model of these sizes.
    ///
    /// # Errors
    /// A sampling out of range.
    pub(crate) fn new(batch: ContinuousBatch<'b, 'a>, config: &LlamaConfig) -> Result<Self> {
        batch.sampling.check()?;
        Ok(Self { batch, config: config.clone(), arrived: 0 })
    }

    /// Takes up to `free` sequences. One that the model cannot continue has ended.
    pub(crate) fn next(&mut self, free: usize) -> Vec<SequenceState<'a>> {
        let ContinuousBatch { sampling, seed, stop_ids, .. } = self.batch;
        let state = |NewSequence { prompt, max_new_tokens, live }| {
            let at = || Error::bad_input("the prompt");
            let fits = check_prompt(at, &prompt, max_new_tokens, &self.config);
            let options = GenerateOptions { max_new_tokens, sampling, seed };
            let mut state = SequenceState::of_live(self.arrived, prompt, live, stop_ids, options);
            self.arrived += 1;
            match fits {
                Err(error) => state.end_with(error),
                Ok(()) if state.is_done => state.end(),
                Ok(()) => {}
            }
            state
        };
        self.batch.source.next(free).into_iter().map(state).collect()
    }
}
