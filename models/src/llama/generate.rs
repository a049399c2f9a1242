//! Continuing a batch of prompts, freely or along a constraint.

use std::collections::HashMap;
use std::ops::ControlFlow;

use burn::module::Module;
use burn::tensor::Tensor;

use super::answers::{Answers, Logits, Question};
use super::cache::KvCache;
use super::config::LlamaConfig;
use super::constraint::{TokenConstraint, Unconstrained};
use super::model::Llama;
use super::options::GenerateOptions;
use super::sequence::{Asked, SequenceState};
use crate::{Error, Result};

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
    generate_constrained(model, prompts, &mut vec![Unconstrained::default(); prompts.len()], stop, options, on_token)
}

/// [`generate`], with a constraint for each row that says which tokens may follow.
///
/// A step computes, for every row, the tokens of a run and asks for the choice behind them, so that a row takes as many steps as it
/// has choices; fewer where a constraint's draft of further ones is what the model chooses. Rows that begin alike are read once. Rows that
/// are done stay in the batch as padding.
///
/// # Errors
/// As [`generate`], and what the constraints refuse.
///
/// # Panics
/// Where there are more constraints than prompts, or fewer.
pub fn generate_constrained<G: TokenConstraint>(
    model: &Llama,
    prompts: &[Vec<u32>],
    constraints: &mut [G],
    stop: &[u32],
    options: &GenerateOptions,
    on_token: &mut dyn FnMut(usize, u32) -> ControlFlow<()>,
) -> Result<Vec<Vec<u32>>> {
    assert_eq!(prompts.len(), constraints.len(), "every prompt has a constraint");
    check(model.config(), prompts, options)?;
    // Nothing here is differentiated: a model in training would record every step.
    let model = model.valid();
    let longest = prompts.iter().map(Vec::len).max().unwrap_or(0);
    let mut reader = CachedModel { model: &model, capacity: longest + options.max_new_tokens, cache: None };
    let mut rows: Vec<SequenceState<G>> = (0..)
        .zip(prompts.iter().zip(constraints))
        .map(|(r, (prompt, constraint))| SequenceState::new(prompt, constraint, stop, r, options))
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
        let asked: Vec<Asked> = rows.iter_mut().map(SequenceState::ask).collect();
        let needs_logits = |r: usize, list: &[u32]| rows[r].wants_to_know(Some(list));
        let answers = reader.read(&asked, needs_logits)?;
        let mut question = 0;
        for (r, (row, asked)) in rows.iter_mut().zip(&asked).enumerate() {
            let confirmed =
                answer(row, asked, |number| answers.get(question + number), &mut |token| said.push((r, token)))?;
            reader.forget(r, asked.drafted() - confirmed);
            question += asked.drafts.len();
        }
        if said.into_iter().try_for_each(|(r, token)| on_token(r, token)).is_break() {
            break;
        }
    }
    Ok(rows.into_iter().map(|row| row.tokens).collect())
}

/// Makes a row's choices, the first at any rate, and each further one as long as its draft holds; says how many drafted tokens do.
fn answer<'l, G: TokenConstraint>(
    row: &mut SequenceState<G>,
    asked: &Asked,
    logits: impl Fn(usize) -> Logits<'l>,
    say: &mut dyn FnMut(u32),
) -> Result<usize> {
    let mut confirmed = 0;
    for (number, draft_tokens) in asked.drafts.iter().enumerate() {
        say(row.choose(logits(number))?);
        if draft_tokens.tokens.is_empty() {
            break;
        }
        row.follow(say)?;
        let held = row.confirm(&draft_tokens.tokens);
        confirmed += held;
        if row.done || held < draft_tokens.tokens.len() {
            break;
        }
    }
    Ok(confirmed)
}

/// The model, and what it has read.
struct CachedModel<'a> {
    model: &'a Llama,
    /// Columns of a new cache.
    capacity: usize,
    cache: Option<KvCache>,
}

impl CachedModel<'_> {
    /// Lets the model read what is asked of all rows; the answers to their questions, row by row. `needs_logits` says whether a row wants to
    /// know more than what is said of a list.
    fn read(&mut self, asked: &[Asked], needs_logits: impl Fn(usize, &[u32]) -> bool) -> Result<Answers> {
        let runs: Vec<Vec<u32>> = asked.iter().map(Asked::tokens).collect();
        let (hidden, first) = match &mut self.cache {
            Some(cache) => {
                cache.trim();
                (self.model.extend(&cache.next(&runs), cache), firsts(&runs))
            }
            None => self.read_first(&runs),
        };
        let mut questions = Vec::new();
        for (r, asked) in asked.iter().enumerate() {
            questions.extend(asked.places().zip(&asked.drafts).map(|(place, draft_tokens)| Question {
                place: first[r] + place,
                list: draft_tokens.allowed.as_deref().filter(|list| !needs_logits(r, list)),
            }));
        }
        Answers::ask(self.model, &hidden, &questions)
    }

    /// Reads with a new cache. What several rows have in common, such as many answers to one prompt, is read once. Gives the hidden
    /// states, `[tokens, d_model]`, and where those of every row begin.
    fn read_first(&mut self, runs: &[Vec<u32>]) -> (Tensor<2>, Vec<usize>) {
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
        let mut cache = KvCache::new(self.model.config(), distinct.len(), self.capacity, &self.model.device());
        let hidden = self.model.extend(&cache.next(&distinct), &mut cache);
        let is_shared = distinct.len() < runs.len();
        self.cache = Some(if is_shared { cache.with_rows(&places) } else { cache });
        let firsts = firsts(&distinct);
        (hidden, places.into_iter().map(|place| firsts[place]).collect())
    }

    /// Drops guesses at the end of a row that did not hold.
    fn forget(&mut self, row: usize, count: usize) {
        if let Some(cache) = self.cache.as_mut().filter(|_| count > 0) {
            cache.forget(row, count);
        }
    }
}

/// Where each run begins among the tokens of all.
fn firsts<R: AsRef<[u32]>>(runs: &[R]) -> Vec<usize> {
    let begin = |end: &mut usize, run: &R| {
        *end += run.as_ref().len();
        Some(*end - run.as_ref().len())
    };
    runs.iter().scan(0, begin).collect()
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
