//! Continuing a batch of prompts, one token per row and step.

use std::ops::ControlFlow;

use burn::module::Module;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::batch::Batch;
use super::cache::KvCache;
use super::model::Llama;
use super::sampling::Sampling;
use crate::{Error, Result};

/// How prompts are continued.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GenerateOptions {
    /// The most tokens that a row may gain.
    pub max_new_tokens: usize,
    /// How each token is chosen.
    pub sampling: Sampling,
    /// Seeds the random choices; each row draws from a stream of its own, whatever the other rows do.
    pub seed: u64,
}

/// Continues every prompt until one of the `stop` tokens, `max_new_tokens`, or a `Break` from `on_token`, which is told each new token
/// and its row. Returns the new tokens of each row; a stop token is the last of its row.
///
/// Rows that are done stay in the batch, but nothing more is taken from them.
///
/// # Errors
/// Options out of range, an empty prompt, a token beyond the vocabulary, prompts that together with the new tokens exceed the model's
/// positions; a device that fails, or a model whose logits are not numbers.
pub fn generate(
    model: &Llama,
    prompts: &[Vec<u32>],
    stop: &[u32],
    options: &GenerateOptions,
    on_token: &mut dyn FnMut(usize, u32) -> ControlFlow<()>,
) -> Result<Vec<Vec<u32>>> {
    check(model, prompts, options)?;
    // Nothing here is differentiated: a model in training would record every step.
    let model = model.valid();
    let mut batch = Batch::left_padded(prompts);
    let capacity = batch.shape()[1] + options.max_new_tokens;
    let mut cache = KvCache::new(model.config(), &batch.padding, capacity, &model.device());
    let mut rows: Vec<Row> = (0..prompts.len() as u64).map(|r| Row::new(options.seed, r)).collect();

    for _ in 0..options.max_new_tokens {
        let logits: Vec<f32> = model
            .extend(&batch, &mut cache)
            .try_into_vec_as()
            .map_err(|e| Error::Failed(format!("the device gave no logits: {e}")))?;
        for (r, (row, logits)) in rows.iter_mut().zip(logits.chunks_exact(model.config().vocab_size)).enumerate() {
            let Some(token) = row.take(logits, stop, options.sampling)? else { continue };
            if on_token(r, token).is_break() {
                return Ok(rows.into_iter().map(|row| row.tokens).collect());
            }
        }
        if rows.iter().all(|row| row.done) {
            break;
        }
        batch = cache.next(&rows.iter().map(Row::last).collect::<Vec<_>>());
    }
    Ok(rows.into_iter().map(|row| row.tokens).collect())
}

/// One sequence in the making.
struct Row {
    tokens: Vec<u32>,
    done: bool,
    rng: ChaCha8Rng,
}

impl Row {
    fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self { tokens: Vec::new(), done: false, rng }
    }

    /// Chooses the next token, unless the row is done.
    fn take(&mut self, logits: &[f32], stop: &[u32], sampling: Sampling) -> Result<Option<u32>> {
        if self.done {
            return Ok(None);
        }
        let token = sampling
            .pick(logits, self.rng.random())
            .ok_or_else(|| Error::Failed("the model's logits are not numbers; its weights may be damaged".into()))?;
        self.tokens.push(token);
        self.done = stop.contains(&token);
        Ok(Some(token))
    }

    /// The token that stands last; a row that is done repeats it, and nobody looks.
    fn last(&self) -> u32 {
        self.tokens.last().copied().unwrap_or_default()
    }
}

fn check(model: &Llama, prompts: &[Vec<u32>], options: &GenerateOptions) -> Result<()> {
    options.sampling.check()?;
    model.check_tokens(prompts)?;
    let most = model.config().max_positions;
    for (r, prompt) in prompts.iter().enumerate() {
        let length = prompt.len().saturating_add(options.max_new_tokens);
        if prompt.is_empty() || length > most {
            return Err(Error::bad_input(format!("prompt {r}"))
                .expected(format!("1 to {most} tokens together with the {} new ones", options.max_new_tokens))
                .found(format!("{} tokens", prompt.len()))
                .next("shorten the prompt, or ask for fewer new tokens")
                .into());
        }
    }
    Ok(())
}
