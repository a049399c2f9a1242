//! The log-probabilities of continuations: the walks of several prompts are read side by side, each over pages of its own.

use std::ops::Range;

use tiller_kernels::decode::{LogitsRequest, PAGE, TokenSource, TokenSpan};

use super::Engine;
use super::generator::max_batch;
use crate::Result;
use crate::generate::Sampling;
use crate::generate::continuations::TreeWalk;
use crate::generate::sequence::not_numbers;

/// A prompt on its walk.
struct WalkingPrompt {
    walk: TreeWalk,
    block_table: Vec<u32>,
    /// The next read.
    next: usize,
}

/// The reads of one prompt in a step.
struct WalkPart {
    /// The number of the prompt.
    number: usize,
    reads: Range<usize>,
    tokens: Vec<TokenSource>,
}

/// A log-probability that a step computes, by the numbers of its prompt, read and follower.
struct WantedLogprob {
    number: usize,
    read: usize,
    follower: usize,
    /// The index of the read token within the step.
    token: usize,
}

impl Engine {
    /// The log-probability of every continuation of every prompt, given the prompt. `longest` is the length of the longest sequence.
    ///
    /// # Errors
    /// Sequences longer than the engine has reserved memory for, a device that fails, logits that are not numbers.
    pub(crate) fn score_continuations(
        &mut self,
        prompts: &[Vec<u32>],
        continuations: &[Vec<Vec<u32>>],
        longest: usize,
    ) -> Result<Vec<Vec<f64>>> {
        self.make_room(max_batch(prompts.len()), longest)?;
        let (batch, adapter) = (self.options.max_batch, self.first_adapter());
        let mut scores = Vec::with_capacity(prompts.len());
        for (prompts, continuations) in prompts.chunks(batch).zip(continuations.chunks(batch)) {
            let most = self.executor.limits().tokens;
            let started = prompts.iter().zip(continuations).map(|(prompt, continuations)| {
                let block_table = self.cache.match_prefix(adapter, prompt);
                let next = block_table.len() * PAGE;
                WalkingPrompt { walk: TreeWalk::new(prompt, continuations, most), block_table, next }
            });
            let mut walking: Vec<WalkingPrompt> = started.collect();
            let walked = self.walk(&mut walking);
            for (prompt, WalkingPrompt { walk, block_table, .. }) in prompts.iter().zip(walking) {
                // Behind the prompt's own pages lies whatever was read last.
                if walked.is_ok() {
                    self.cache.insert_prefix(adapter, prompt, &block_table);
                }
                self.cache.free(block_table);
                scores.push(walk.scores);
            }
            walked?;
        }
        Ok(scores)
    }

    /// Takes all walks to their ends.
    fn walk(&mut self, walking: &mut [WalkingPrompt]) -> Result<()> {
        loop {
            let parts = self.next_parts(walking);
            if parts.is_empty() {
                return Ok(());
            }
            self.read_parts(walking, &parts)?;
        }
    }

    /// The reads of the next step, as many as it has room for.
    fn next_parts(&mut self, walking: &mut [WalkingPrompt]) -> Vec<WalkPart> {
        let room = self.executor.limits().tokens;
        let mut budget = StepBudget { tokens: room, requests: room };
        let mut parts = Vec::new();
        for (number, prompt) in walking.iter_mut().enumerate() {
            let reads = prompt.take(&mut budget);
            let read = &prompt.walk.reads[reads.clone()];
            if let Some(last) = read.last() {
                let tokens = read.iter().map(|read| TokenSource::Id(read.token)).collect();
                self.cache.allocate(&mut prompt.block_table, last.position + 1);
                parts.push(WalkPart { number, reads, tokens });
            }
        }
        parts
    }

    /// Computes a step, and adds its log-probabilities to the scores.
    fn read_parts(&mut self, walking: &mut [WalkingPrompt], parts: &[WalkPart]) -> Result<()> {
        let mut wanted = Vec::new();
        let mut tokens = 0;
        for WalkPart { number, reads, .. } in parts {
            for read in reads.clone() {
                let followers = 0..walking[*number].walk.reads[read].followers.len();
                wanted.extend(followers.map(|follower| WantedLogprob {
                    number: *number,
                    read,
                    follower,
                    token: tokens,
                }));
                tokens += 1;
            }
        }
        // Of each read, the first follower's request scores the whole vocabulary; the others need their logits alone.
        wanted.sort_by_key(|wanted| wanted.follower > 0);
        let adapter = self.first_adapter();
        let spans: Vec<TokenSpan> = parts
            .iter()
            .map(|WalkPart { number, reads, tokens }| {
                let WalkingPrompt { walk, block_table, .. } = &walking[*number];
                TokenSpan { tokens, position: walk.reads[reads.start].position, pages: block_table, adapter }
            })
            .collect();
        let request = |(slot, wanted): (usize, &WantedLogprob)| {
            let follower = &walking[wanted.number].walk.reads[wanted.read].followers[wanted.follower];
            let list = Some(std::slice::from_ref(&follower.token));
            LogitsRequest { token: wanted.token, slot, list, bias: None, full: wanted.follower == 0, uniform: 0.0 }
        };
        let requests: Vec<LogitsRequest> = wanted.iter().enumerate().map(request).collect();
        let Some(pending) = self.executor.step(&spans, &requests, Sampling::Greedy) else { return Ok(()) };
        let sampled = self.executor.wait(pending)?;
        let mut log_sums = vec![f64::NAN; tokens];
        for (wanted, sampled) in wanted.iter().zip(&sampled) {
            if !sampled.finite {
                return Err(not_numbers());
            }
            if wanted.follower == 0 {
                log_sums[wanted.token] = f64::from(sampled.log_sum);
            }
            let log_prob = f64::from(sampled.logit) - log_sums[wanted.token];
            walking[wanted.number].walk.add(wanted.read, wanted.follower, log_prob);
        }
        Ok(())
    }
}

/// The room that is left in a step.
struct StepBudget {
    tokens: usize,
    requests: usize,
}

impl WalkingPrompt {
    /// Takes the next reads whose positions follow each other, as far as the budget allows.
    fn take(&mut self, budget: &mut StepBudget) -> Range<usize> {
        let start = self.next;
        while let Some(read) = self.walk.reads.get(self.next) {
            let follows = self.next == start || read.position == self.walk.reads[self.next - 1].position + 1;
            if !follows || budget.tokens == 0 || budget.requests < read.followers.len() {
                break;
            }
            budget.tokens -= 1;
            budget.requests -= read.followers.len();
            self.next += 1;
        }
        start..self.next
    }
}
