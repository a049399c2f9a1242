//! The interface of everything that generates.

use super::{ContinuousBatch, GenerateRequest};
use crate::Result;
use crate::llama::{Llama, LlamaConfig};

/// A model that continues prompts.
pub trait Generator {
    /// The sizes of the model.
    fn config(&self) -> &LlamaConfig;

    /// Loads the adapter of `llama`, in place of the one before. `llama` is the generator's own model after a step of training: its
    /// other weights are taken to be the same.
    ///
    /// # Errors
    /// A device that fails.
    fn load_adapter(&mut self, llama: &Llama) -> Result<()>;

    /// Continues every prompt until a stop id in free text, `max_new_tokens`, the end of its constraint, or a `Break` from `on_token`.
    /// Returns the new tokens of each prompt; a stop id in free text is the last of its sequence.
    ///
    /// # Errors
    /// Options out of range, an empty prompt, a token outside the vocabulary, a prompt too long for the model's context window, adapters
    /// that the generator does not have; errors of the constraints; a device that fails, logits that are not numbers.
    ///
    /// # Panics
    /// Another number of constraints or adapters than of prompts.
    fn generate(&mut self, request: GenerateRequest) -> Result<Vec<Vec<u32>>> {
        request.check(self.config())?;
        self.run(request)
    }

    /// Runs a request that passed the checks of [`Generator::generate`].
    ///
    /// # Errors
    /// As [`Generator::generate`].
    fn run(&mut self, request: GenerateRequest) -> Result<Vec<Vec<u32>>>;

    /// Continues the sequences of a batch that others join while it runs, until none waits and none runs.
    ///
    /// # Errors
    /// A sampling out of range; a failure of the whole batch, such as a device that fails, which each of its sequences is told as well.
    fn run_continuous(&mut self, batch: ContinuousBatch) -> Result<()>;
}
