//! Answers of the policy, sampled in batches, with the log-probability of every token as it was drawn (method §7.2–7.3).

use std::ops::ControlFlow;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tiller_models::language_model::EngineCache;
use tiller_models::llama::{
    Allowed, GenerateOptions, Llama, Sampling, TokenConstraint, TokenLogprob, generate_constrained,
};
use tiller_models::tokenizer::Tokenizer;

use super::lines::AnswerLines;
use crate::Result;
use crate::constrain::Grammar;
use crate::data::Catalogue;
use crate::instruct::Example;
use crate::recommend::answer::{self, OutputFormat};
use crate::recommend::{CheckedItem, check};
use crate::run::config::out_of_range;
use crate::task::Task;
use crate::train::gradient::side_by_side;

/// How the policy answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RolloutConfig {
    /// Prompts of an iteration.
    pub prompts: usize,
    /// Answers to each prompt.
    pub samples: usize,
    /// Answers that are written at once.
    pub batch: usize,
    /// What logits are divided by.
    pub temperature: f64,
    /// Sample among so many likeliest tokens; 0 for all.
    pub top_k: usize,
    /// The first answer to each prompt is the likeliest one.
    pub greedy_first: bool,
    /// Learn from the titles rendered anew, instead of from the tokens that were sampled.
    pub rerender: bool,
}

impl Default for RolloutConfig {
    fn default() -> Self {
        Self { prompts: 16, samples: 8, batch: 128, temperature: 1.0, top_k: 0, greedy_first: false, rerender: false }
    }
}

impl RolloutConfig {
    /// The authors' rollouts: of two answers one is greedy and the other sharpened; both are rendered anew.
    pub fn paper() -> Self {
        Self { prompts: 8, samples: 2, batch: 16, temperature: 0.7, top_k: 20, greedy_first: true, rerender: true }
    }

    /// Checks that the settings make sense.
    ///
    /// # Errors
    /// The key that does not.
    pub fn validate(&self) -> Result<()> {
        for (key, value) in [("prompts", self.prompts), ("samples", self.samples), ("batch", self.batch)] {
            if value == 0 {
                return Err(out_of_range(&format!("rollout.{key}"), "at least 1", 0));
            }
        }
        if !(self.temperature > 0.0 && self.temperature.is_finite()) {
            return Err(out_of_range("rollout.temperature", "a number above 0", self.temperature));
        }
        Ok(())
    }

    /// How answer number `sample` of a prompt is drawn.
    fn sampling(&self, sample: usize) -> Sampling {
        match self.greedy_first && sample == 0 {
            true => Sampling::Greedy,
            false => Sampling::Random { temperature: self.temperature as f32, top_k: self.top_k, top_p: 1.0 },
        }
    }
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// What it practises.
    pub task: Task,
    /// The request, and the target.
    pub example: Example,
    /// The conversation in tokens.
    pub tokens: Vec<u32>,
    /// The most tokens that an answer may have.
    pub max_answer_tokens: usize,
}

/// One answer of the policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Rollout {
    /// The number of the prompt that it answers.
    pub prompt: usize,
    /// The tokens to learn from, at least one.
    pub tokens: Vec<u32>,
    /// The policy's log-probability of each token as it was drawn, at temperature 1; `None` of tokens that were not drawn but rendered.
    pub log_probs: Option<Vec<f32>>,
    /// The token that ends each line of the list.
    pub ends: Vec<usize>,
    /// The list, checked.
    pub list: Vec<CheckedItem>,
    /// The answer as it was sampled.
    pub text: String,
    /// Whether it came to its end, instead of being cut off.
    pub is_finished: bool,
}

/// What lets a policy answer.
pub struct Sampler<'a> {
    /// Text to tokens and back.
    pub tokenizer: &'a Tokenizer,
    /// The lists of the catalogue.
    pub grammar: &'a Grammar,
    /// What can be recommended.
    pub catalogue: &'a Catalogue,
    /// How the policy answers.
    pub config: &'a RolloutConfig,
}

impl Sampler<'_> {
    /// All answers of `policy` to the prompts, prompt by prompt, written with `engine`. The seed and an answer's number decide every draw.
    ///
    /// # Errors
    /// A prompt that leaves no room for its answer in the model's context, or a device that fails.
    pub fn answers(
        &self,
        policy: &Llama,
        engine: &mut EngineCache,
        prompts: &[Prompt],
        seed: u64,
    ) -> Result<Vec<Rollout>> {
        let RolloutConfig { samples, batch, greedy_first, .. } = *self.config;
        engine.load_adapter(policy)?;
        let slots = |sampled: std::ops::Range<usize>| -> Vec<(usize, usize)> {
            (0..prompts.len()).flat_map(|prompt| sampled.clone().map(move |sample| (prompt, sample))).collect()
        };
        // The likeliest answers are drawn apart from the others: a batch is drawn in one way.
        let apart = usize::from(greedy_first);
        let mut rollouts = Vec::with_capacity(prompts.len() * samples);
        for slots in [slots(0..apart), slots(apart..samples)] {
            for slots in slots.chunks(batch) {
                for (&(prompt, sample), recorder) in slots.iter().zip(self.draw(policy, engine, prompts, slots, seed)?)
                {
                    rollouts.push(((prompt, sample), self.read(prompt, &prompts[prompt], recorder)?));
                }
            }
        }
        rollouts.sort_by_key(|(slot, _)| *slot);
        Ok(rollouts.into_iter().map(|(_, rollout)| rollout).collect())
    }

    /// One answer for each slot, a prompt's number and the answer's, all drawn in the same way.
    fn draw(
        &self,
        policy: &Llama,
        engine: &mut EngineCache,
        prompts: &[Prompt],
        slots: &[(usize, usize)],
        seed: u64,
    ) -> Result<Vec<RolloutRecorder>> {
        let tokens: Vec<Vec<u32>> = slots.iter().map(|&(prompt, _)| prompts[prompt].tokens.clone()).collect();
        let samples = self.config.samples;
        let recorder = |&(prompt, sample): &(usize, usize)| {
            RolloutRecorder::new((prompt * samples + sample) as u64, prompts[prompt].max_answer_tokens)
        };
        let mut recorders: Vec<RolloutRecorder> = slots.iter().map(recorder).collect();
        let sampling = self.config.sampling(slots.first().map_or(0, |&(_, sample)| sample));
        let options = GenerateOptions { max_new_tokens: longest(&recorders), sampling, seed };
        write(policy, engine, &tokens, &mut recorders, self.tokenizer.eos_ids(), &options)?;
        Ok(recorders)
    }

    /// The rollout of what was drawn.
    fn read(&self, number: usize, prompt: &Prompt, recorder: RolloutRecorder) -> Result<Rollout> {
        let RolloutRecorder { tokens, log_probs, .. } = recorder;
        let is_finished = tokens.last().is_some_and(|token| self.tokenizer.eos_ids().contains(token));
        let lines = AnswerLines::of(&tokens, self.tokenizer)?;
        let titles = answer::parse(&lines.text, OutputFormat::Strict, self.catalogue);
        let request = prompt.example.request.clone().unwrap_or_default();
        let list = check(titles.iter().copied(), &request, self.catalogue);
        let drawn = Rollout {
            prompt: number,
            tokens,
            log_probs: Some(log_probs),
            ends: lines.ends,
            list,
            text: lines.text.clone(),
            is_finished,
        };
        if !self.config.rerender {
            return Ok(drawn);
        }
        let mut tokens = self.tokenizer.encode_plain(&answer::render(titles))?;
        let ends = AnswerLines::of(&tokens, self.tokenizer)?.ends;
        tokens.push(self.grammar.end());
        Ok(Rollout { tokens, log_probs: None, ends, ..drawn })
    }
}

/// Lets every recorder take down a continuation of its prompt: on a CPU in parts side by side, on a GPU all in one batch.
///
/// # Errors
/// As [`EngineCache::generate_constrained`].
pub(super) fn write(
    policy: &Llama,
    engine: &mut EngineCache,
    prompts: &[Vec<u32>],
    recorders: &mut [RolloutRecorder],
    stop: &[u32],
    options: &GenerateOptions,
) -> Result<()> {
    let beside = side_by_side(&policy.device());
    if beside == 1 {
        return engine.generate_constrained(policy, prompts, recorders, stop, options, &mut go_on).map(drop);
    }
    let part = prompts.len().div_ceil(beside).max(1);
    let parts = prompts.par_chunks(part).zip(recorders.par_chunks_mut(part));
    parts.try_for_each(|(prompts, recorders)| {
        generate_constrained(policy, prompts, recorders, stop, options, &mut go_on).map(drop)
    })
}

fn go_on(_row: usize, _token: u32) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// The most tokens that any of them has room for.
fn longest(recorders: &[RolloutRecorder]) -> usize {
    recorders.iter().map(|recorder| recorder.max_answer_tokens).max().unwrap_or(0)
}

/// Lets a row write as it likes, up to some length, and keeps what it wrote with the log-probabilities.
pub(super) struct RolloutRecorder {
    stream: u64,
    max_answer_tokens: usize,
    pub(super) tokens: Vec<u32>,
    pub(super) log_probs: Vec<f32>,
}

impl RolloutRecorder {
    /// For an answer of at most `max_answer_tokens` tokens, drawn from its own stream of chance.
    pub(super) fn new(stream: u64, max_answer_tokens: usize) -> Self {
        Self { stream, max_answer_tokens, tokens: Vec::new(), log_probs: Vec::new() }
    }
}

impl TokenConstraint for RolloutRecorder {
    fn allowed(&self) -> Allowed<'_> {
        if self.tokens.len() < self.max_answer_tokens { Allowed::Any } else { Allowed::Forced(&[]) }
    }

    fn accept(&mut self, token: u32, logprob: Option<&TokenLogprob>) -> Result<()> {
        self.tokens.push(token);
        self.log_probs.push(logprob.map_or(0.0, |logprob| logprob.log_prob) as f32);
        Ok(())
    }

    fn lookahead(&self) -> usize {
        self.max_answer_tokens - self.tokens.len()
    }

    fn stream(&self) -> Option<u64> {
        Some(self.stream)
    }
}
