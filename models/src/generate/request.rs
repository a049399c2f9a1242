//! A batch of prompts to continue.

use std::ops::ControlFlow;

use super::TokenConstraint;
use super::sampling::Sampling;
use crate::error::BadInput;
use crate::llama::LlamaConfig;
use crate::{Error, Result};

/// The options of a generation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GenerateOptions {
    /// The maximum number of new tokens per sequence.
    pub max_new_tokens: usize,
    /// The choice of each token.
    pub sampling: Sampling,
    /// Seed of the random choices. Each sequence has its own random stream ([`TokenConstraint::stream`]), so that its draws do not depend
    /// on the rest of the batch.
    pub seed: u64,
}

/// A callback for each new token: the number of its prompt, and the token. `Break` ends the generation.
pub type OnToken<'a> = &'a mut dyn FnMut(usize, u32) -> ControlFlow<()>;

/// A callback for tokens that nobody follows.
pub(crate) fn ignore_token(_number: usize, _token: u32) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// A batch of prompts, and everything that decides their continuations.
///
/// ```
/// use tiller_models::{GenerateOptions, GenerateRequest, Sampling};
///
/// let prompts = [vec![1, 2, 3], vec![4]];
/// let options = GenerateOptions { max_new_tokens: 8, sampling: Sampling::Greedy, seed: 0 };
/// let request = GenerateRequest::new(&prompts, options).stop_at(&[0]);
/// ```
pub struct GenerateRequest<'a> {
    /// The prompts, in token ids.
    pub prompts: &'a [Vec<u32>],
    /// The options, the same for all prompts.
    pub options: GenerateOptions,
    /// One constraint per prompt, or an empty list for free generation.
    pub constraints: Vec<&'a mut dyn TokenConstraint>,
    /// One adapter per prompt, counted from 1, 0 for the base model; an empty list for the first adapter where there is one.
    pub adapters: &'a [usize],
    /// Tokens that end free text: they end a sequence where its constraint allows [any](super::Allowed::Any) token, and nowhere else.
    pub stop_ids: &'a [u32],
    /// The callback for new tokens.
    pub on_token: Option<OnToken<'a>>,
}

impl<'a> GenerateRequest<'a> {
    /// Free generation without stop ids.
    pub fn new(prompts: &'a [Vec<u32>], options: GenerateOptions) -> Self {
        Self { prompts, options, constraints: Vec::new(), adapters: &[], stop_ids: &[], on_token: None }
    }

    /// Adds a constraint for each prompt.
    pub fn constrained_by<C: TokenConstraint>(self, constraints: &'a mut [C]) -> Self {
        Self { constraints: constraints.iter_mut().map(|constraint| constraint as _).collect(), ..self }
    }

    /// Adds the adapter of each prompt.
    pub fn with_adapters(self, adapters: &'a [usize]) -> Self {
        Self { adapters, ..self }
    }

    /// Adds tokens that end free text.
    pub fn stop_at(self, stop_ids: &'a [u32]) -> Self {
        Self { stop_ids, ..self }
    }

    /// Adds a callback for new tokens.
    pub fn on_token(self, on_token: OnToken<'a>) -> Self {
        Self { on_token: Some(on_token), ..self }
    }

    /// Refuses requests that a model of these sizes cannot continue.
    pub(super) fn check(&self, config: &LlamaConfig) -> Result<()> {
        let (prompts, options) = (self.prompts, &self.options);
        assert!([0, prompts.len()].contains(&self.constraints.len()), "one constraint for each prompt, or none at all");
        assert!([0, prompts.len()].contains(&self.adapters.len()), "one adapter for each prompt, or none at all");
        options.sampling.check()?;
        prompts.iter().enumerate().try_for_each(|(number, prompt)| {
            let at = || Error::bad_input(format!("prompt {number}"));
            check_prompt(at, prompt, options.max_new_tokens, config)
        })
    }

    /// The longest sequence that the request can lead to, in tokens.
    pub(crate) fn longest(&self) -> usize {
        self.prompts.iter().map(Vec::len).max().unwrap_or(0) + self.options.max_new_tokens
    }
}

/// Refuses a prompt that a model of these sizes cannot continue by `max_new_tokens` tokens.
pub(super) fn check_prompt(
    at: impl Fn() -> BadInput,
    prompt: &[u32],
    max_new_tokens: usize,
    config: &LlamaConfig,
) -> Result<()> {
    let &LlamaConfig { max_positions, vocab_size, .. } = config;
    if prompt.is_empty() || prompt.len().saturating_add(max_new_tokens) > max_positions {
        return Err(at()
            .expected(format!("1 to {max_positions} tokens including {max_new_tokens} new ones"))
            .found(format!("{} tokens", prompt.len()))
            .next("shorten the prompt, or ask for fewer new tokens")
            .into());
    }
    check_tokens(at, prompt, vocab_size)
}

/// Refuses token ids outside of the vocabulary.
pub(crate) fn check_tokens(at: impl Fn() -> BadInput, tokens: &[u32], vocab_size: usize) -> Result<()> {
    match tokens.iter().find(|token| **token as usize >= vocab_size) {
        None => Ok(()),
        Some(token) => Err(at()
            .expected(format!("token ids below {vocab_size}, the size of the model's vocabulary"))
            .found(token)
            .next("use the tokenizer that belongs to this model")
            .into()),
    }
}
