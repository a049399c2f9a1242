//! The examples of an iteration: the policy's answers, with the targets of their tokens.

use rayon::prelude::*;
use tiller_models::llama::Llama;
use tiller_models::train::{Sample, WeightedExample};

use super::answer_logits::AnswerLogits;
use super::context::DistillContext;
use super::list_teacher::{ListTeacher, PolicyParts};
use crate::Result;
use crate::constrain::{Constraints, FeasibleRequest, Grammar};
use crate::data::ItemId;
use crate::ppo::rollout::{Prompt, Rollout};
use crate::teacher::Scorer;
use crate::train::micro_batch::MicroBatcher;

/// An answer to learn from.
pub struct DistillExample {
    /// The answer behind its prompt, with its targets.
    pub example: WeightedExample,
    /// The loss of a policy that has learnt the targets.
    pub entropy: f64,
    /// The teacher has followed the answer to the end of its list.
    pub is_whole: bool,
}

/// The policies that may have a part in the targets.
pub struct Policies<'a> {
    /// The policy before the first step, where it has a part.
    pub reference: Option<&'a Llama>,
    /// The policy that wrote the answers, where it has a part.
    pub own: Option<&'a Llama>,
    /// Says how many answers they read at once.
    pub micro_batcher: &'a MicroBatcher,
}

/// The examples of some answers to `prompts`; none of an answer to a request that no list satisfies.
///
/// # Errors
/// A device that fails, or that has not the memory for a single answer.
pub fn examples<S: Scorer>(
    context: &DistillContext<S>,
    grammar: &Grammar,
    prompts: &[Prompt],
    rollouts: &[Rollout],
    policies: &Policies,
) -> Result<Vec<DistillExample>> {
    let config = context.config;
    let teachers = teachers(context, grammar, prompts)?;
    let mut examples = Vec::with_capacity(rollouts.len());
    for rollouts in rollouts.chunks(policies.answers_at_once(prompts, rollouts)?.max(1)) {
        let [reference, own] = policies.logits(prompts, rollouts)?;
        let example = |(number, rollout): (usize, &Rollout)| {
            let parts = PolicyParts {
                reference: reference.get(number).map(|logits| (logits, config.guide_weight)),
                own: own.get(number).map(|logits| (logits, config.constraint_weight)),
            };
            let targets = teachers[rollout.prompt].as_ref()?.targets(&rollout.tokens, parts);
            let is_whole = targets.is_whole;
            let prompt = &prompts[rollout.prompt].tokens;
            let (example, entropy) = targets.example(prompt, &rollout.tokens, config.forced_token_weight)?;
            Some(DistillExample { example, entropy, is_whole })
        };
        examples.par_extend(rollouts.par_iter().enumerate().filter_map(example));
    }
    Ok(examples)
}

impl Policies<'_> {
    /// Answers whose logits are held at once: those of all would not fit into memory where the vocabulary is large.
    fn answers_at_once(&self, prompts: &[Prompt], rollouts: &[Rollout]) -> Result<usize> {
        if self.reference.is_none() && self.own.is_none() {
            return Ok(rollouts.len());
        }
        let tokens = |rollout: &Rollout| prompts[rollout.prompt].tokens.len() + rollout.tokens.len();
        let longest = rollouts.iter().map(tokens).max().unwrap_or(1);
        Ok(self.micro_batcher.fit(rollouts.len(), longest)?.micro_batch)
    }

    /// The logits of the reference policy and of the own one at each token of the answers; none of a policy that has no part.
    fn logits(&self, prompts: &[Prompt], rollouts: &[Rollout]) -> Result<[Vec<AnswerLogits>; 2]> {
        let samples: Vec<Sample> = rollouts.iter().map(|rollout| sample(&prompts[rollout.prompt], rollout)).collect();
        let of =
            |llama: Option<&Llama>| llama.map_or(Ok(Vec::new()), |llama| AnswerLogits::of_samples(llama, &samples));
        Ok([of(self.reference)?, of(self.own)?])
    }
}

/// The teacher of each prompt's list; none for a request that no list satisfies.
fn teachers<'g, S: Scorer>(
    context: &DistillContext<S>,
    grammar: &'g Grammar,
    prompts: &[Prompt],
) -> Result<Vec<Option<ListTeacher<'g>>>> {
    let DistillContext { teacher, dataset, config, .. } = context;
    let feasible = |prompt: &Prompt| -> Option<FeasibleRequest> {
        Constraints::new(&prompt.request, &dataset.catalogue).ok()?.prove().ok()
    };
    let requests: Vec<Option<FeasibleRequest>> = prompts.par_iter().map(feasible).collect();
    let history = |prompt: &'_ Prompt| prompt.example.request.as_ref().map_or(Vec::new(), |r| r.history.clone());
    let histories: Vec<Vec<ItemId>> = prompts.iter().map(history).collect();
    let histories: Vec<&[ItemId]> = histories.iter().map(Vec::as_slice).collect();
    teacher.answer(&histories, |at, scores| {
        let request = requests[at].clone()?;
        Some(ListTeacher::new(grammar, request, scores, config.teacher_temperature))
    })
}

/// An answer behind its prompt, of which the answer's tokens are predicted.
fn sample(prompt: &Prompt, rollout: &Rollout) -> Sample {
    let tokens = [&prompt.tokens[..], &rollout.tokens].concat();
    Sample { scored: prompt.tokens.len()..tokens.len(), tokens }
}
