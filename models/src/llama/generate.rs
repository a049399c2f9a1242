//! Continuing a batch of prompts, freely or along a guide.

use std::collections::HashMap;
use std::ops::ControlFlow;

use burn::module::Module;

use super::cache::KvCache;
use super::config::LlamaConfig;
use super::guide::{Guide, Unguided};
use super::model::Llama;
use super::row::Row;
use super::sampling::Sampling;
use crate::{Error, Result};

/// How prompts are continued.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GenerateOptions {
    /// The most tokens that a row may gain.
    pub max_new_tokens: usize,
    /// How each token is chosen.
    pub sampling: Sampling,
    /// Seeds the random choices; each row draws from a stream of its own ([`Guide::stream`]), whatever the other rows do.
    pub seed: u64,
}

/// Continues every prompt until one of the `stop` tokens, `max_new_tokens`, or a `Break` from `on_token`, which is told each new token
/// and its row. Returns the new tokens of each row; a stop token is the last of its row.
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
    generate_guided(model, prompts, &mut vec![Unguided::default(); prompts.len()], stop, options, on_token)
}

/// [`generate`], with a guide for each row that says which tokens may follow.
///
/// A step computes, for every row, the tokens of a run and asks for the choice behind them, so that a row takes as many steps as it
/// has choices. Rows that begin alike are read once. Rows that are done stay in the batch as padding.
///
/// # Errors
/// As [`generate`], and what the guides refuse.
///
/// # Panics
/// Where there are more guides than prompts, or fewer.
pub fn generate_guided<G: Guide>(
    model: &Llama,
    prompts: &[Vec<u32>],
    guides: &mut [G],
    stop: &[u32],
    options: &GenerateOptions,
    on_token: &mut dyn FnMut(usize, u32) -> ControlFlow<()>,
) -> Result<Vec<Vec<u32>>> {
    assert_eq!(prompts.len(), guides.len(), "every prompt has a guide");
    check(model.config(), prompts, options)?;
    // Nothing here is differentiated: a model in training would record every step.
    let model = model.valid();
    let vocab_size = model.config().vocab_size;
    let longest = prompts.iter().map(Vec::len).max().unwrap_or(0);
    let mut cache: Option<KvCache> = None;
    let mut rows: Vec<Row<G>> = (0..)
        .zip(prompts.iter().zip(guides))
        .map(|(r, (prompt, guide))| Row::new(prompt, guide, stop, r, options))
        .collect();

    loop {
        let mut said = Vec::new();
        for (r, row) in rows.iter_mut().enumerate() {
            row.follow(&mut |token| said.push((r, token)))?;
        }
        let go_on = said.drain(..).try_for_each(|(r, token)| on_token(r, token));
        if go_on.is_break() || rows.iter().all(|row| row.done) {
            break;
        }
        let runs: Vec<Vec<u32>> = rows.iter_mut().map(Row::unread).collect();
        let logits = match &mut cache {
            Some(cache) => read(&model, &runs, cache)?,
            None => {
                let (first, logits) = read_first(&model, &runs, longest + options.max_new_tokens)?;
                cache = Some(first);
                logits
            }
        };
        for (r, (row, logits)) in rows.iter_mut().zip(logits.chunks_exact(vocab_size)).enumerate() {
            if !row.done {
                said.push((r, row.choose(logits)?));
            }
        }
        if said.into_iter().try_for_each(|(r, token)| on_token(r, token)).is_break() {
            break;
        }
    }
    Ok(rows.into_iter().map(|row| row.tokens).collect())
}

/// Lets the model read the runs of all rows; the logits behind them, `[batch, vocab_size]`.
fn read(model: &Llama, runs: &[Vec<u32>], cache: &mut KvCache) -> Result<Vec<f32>> {
    let batch = cache.next(runs);
    model.extend(&batch, cache).try_into_vec_as().map_err(|e| Error::Failed(format!("the device gave no logits: {e}")))
}

/// [`read`] with a new cache. What several rows have in common, such as many answers to one prompt, is read once.
fn read_first(model: &Llama, runs: &[Vec<u32>], capacity: usize) -> Result<(KvCache, Vec<f32>)> {
    let mut distinct: Vec<&Vec<u32>> = Vec::new();
    let mut place_of: HashMap<&Vec<u32>, usize> = HashMap::new();
    let places: Vec<usize> = runs
        .iter()
        .map(|run| {
            *place_of.entry(run).or_insert_with(|| {
                distinct.push(run);
                distinct.len() - 1
            })
        })
        .collect();
    let once: Vec<Vec<u32>> = distinct.into_iter().cloned().collect();
    let mut cache = KvCache::new(model.config(), once.len(), capacity, &model.device());
    let logits = read(model, &once, &mut cache)?;
    if once.len() == runs.len() {
        return Ok((cache, logits));
    }
    let vocab_size = model.config().vocab_size;
    let of_row = |&place: &usize| logits[place * vocab_size..(place + 1) * vocab_size].iter().copied();
    Ok((cache.with_rows(&places), places.iter().flat_map(of_row).collect()))
}

/// Refuses what cannot be continued.
pub(crate) fn check(config: &LlamaConfig, prompts: &[Vec<u32>], options: &GenerateOptions) -> Result<()> {
    options.sampling.check()?;
    let &LlamaConfig { max_positions, vocab_size, .. } = config;
    for (r, prompt) in prompts.iter().enumerate() {
        let at = || Error::bad_input(format!("prompt {r}"));
        let length = prompt.len().saturating_add(options.max_new_tokens);
        if prompt.is_empty() || length > max_positions {
            return Err(at()
                .expected(format!("1 to {max_positions} tokens together with the {} new ones", options.max_new_tokens))
                .found(format!("{} tokens", prompt.len()))
                .next("shorten the prompt, or ask for fewer new tokens")
                .into());
        }
        if let Some(token) = prompt.iter().find(|token| **token as usize >= vocab_size) {
            return Err(at()
                .expected(format!("token ids below {vocab_size}, the model's vocabulary"))
                .found(token)
                .next("use the tokenizer that belongs to this model")
                .into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
