//! Evaluation of a policy on questions outside of its training: held-out items, wordings that it never saw, one greedy answer each.
//!
//! The reward stands beside what it is meant to bring about (accuracy, control, form), so that a policy that has learnt to please the
//! reward alone is seen (method §4.1, method §7.9).

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use tiller_models::generate::Generator;
use tiller_models::llama::Llama;

use super::config::PolicyEvalConfig;
use super::prompts::PromptEncoder;
use super::rollout::{Prompt, Rollout, RolloutConfig, Sampler};
use crate::data::Dataset;
use crate::data::split::Split;
use crate::evaluate::{ExampleMeasure, Measures, MetricMeans};
use crate::instruct::{ExampleBuilder, QuerySpec};
use crate::reward::{RewardQuery, RewardRules, compute_rewards};
use crate::task::{EvalTask, Metric, PromptWording, Task};
use crate::teacher::Scorer;
use crate::{Error, Result};

/// The questions of a training, the same at every evaluation.
pub struct PolicyEval {
    /// Task after task.
    prompts: Vec<Prompt>,
    rollout: RolloutConfig,
}

impl PolicyEval {
    /// A question of each task to some users, to others for each task as long as there are others.
    ///
    /// # Errors
    /// The teacher's device fails, a conversation that the model's template refuses, or no user with a history.
    pub fn new(
        builder: &ExampleBuilder<impl Scorer>,
        dataset: &Dataset,
        encoder: &PromptEncoder,
        (tasks, config): (&[Task], &PolicyEvalConfig),
    ) -> Result<Self> {
        let PolicyEvalConfig { users, trained_wordings, .. } = *config;
        let wording = if trained_wordings { PromptWording::Trained } else { PromptWording::HeldOut };
        let mut prompts = Vec::new();
        for (number, &task) in tasks.iter().enumerate() {
            let start = number * users % dataset.users.len().max(1);
            let asked: Vec<usize> = (start..(start + users).min(dataset.users.len())).collect();
            let spec = QuerySpec::new(EvalTask { wording, ..EvalTask::of(task) }, Split::Validation);
            for (_, example) in builder.queries(&spec, &asked)? {
                prompts.push(encoder.prompt(task, example)?);
            }
        }
        if prompts.is_empty() {
            return Err(Error::bad_input(&dataset.name)
                .expected("users with at least three items, to validate with")
                .found("none")
                .next("import with --min-user 3 or more")
                .into());
        }
        let rollout = RolloutConfig { samples: 1, greedy_first: true, ..RolloutConfig::default() };
        Ok(Self { prompts, rollout })
    }

    /// The questions.
    pub fn prompts(&self) -> &[Prompt] {
        &self.prompts
    }

    /// Lets a policy answer everything, with its generator.
    ///
    /// # Errors
    /// A device that fails.
    pub fn of(
        &self,
        policy: &Llama,
        generator: &mut dyn Generator,
        sampler: &Sampler,
        teacher: &impl Scorer,
        rules: &RewardRules,
    ) -> Result<PolicyEvalReport> {
        let config = RolloutConfig { batch: sampler.config.batch, ..self.rollout.clone() };
        let sampler = Sampler { config: &config, ..*sampler };
        let rollouts = sampler.answers(policy, generator, &self.prompts, 0)?;
        let rewards = compute_rewards(&answers(&self.prompts, &rollouts), teacher, sampler.catalogue, rules)?;
        let measured: Vec<(Measures, f64)> = rollouts
            .iter()
            .zip(&rewards)
            .map(|(rollout, rewards)| (measures(rollout, &self.prompts[rollout.prompt], &sampler), rewards.list))
            .collect();
        let mut found = Vec::new();
        let mut rest = &measured[..];
        for asked in self.prompts.chunk_by(|a, b| a.task == b.task) {
            let (of_task, others) = rest.split_at(asked.len());
            rest = others;
            let reward = of_task.iter().map(|(_, reward)| reward).sum::<f64>() / asked.len() as f64;
            let summary = MetricMeans::of(of_task.iter().map(|(measures, _)| measures));
            found.push((asked[0].task, TaskEval { reward, summary }));
        }
        Ok(PolicyEvalReport { found })
    }
}

/// Rollouts as the reward looks at them.
pub fn answers<'a>(prompts: &'a [Prompt], rollouts: &'a [Rollout]) -> Vec<RewardQuery<'a>> {
    let answer = |rollout: &'a Rollout| {
        let Prompt { example, request, .. } = &prompts[rollout.prompt];
        let history = &example.request.as_ref()?.history;
        Some(RewardQuery { request, history, target: example.target, list: &rollout.list })
    };
    rollouts.iter().filter_map(answer).collect()
}

/// The measures of a rollout.
pub fn measures(rollout: &Rollout, prompt: &Prompt, sampler: &Sampler) -> Measures {
    let titles: Vec<&str> = rollout.list.iter().map(|line| line.title.as_str()).collect();
    ExampleMeasure::new(&prompt.request, prompt.example.target, sampler.catalogue).measure(&titles)
}

/// The result of an evaluation, by task.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyEvalReport {
    found: Vec<(Task, TaskEval)>,
}

/// The result of an evaluation for one task.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TaskEval {
    /// The mean reward of the lists.
    pub reward: f64,
    /// The means of their measures.
    #[serde(flatten)]
    pub summary: MetricMeans,
}

impl PolicyEvalReport {
    /// The figure that decides which policy is best: the mean list reward of each task, averaged over them (method §7.9).
    pub fn reward(&self) -> f64 {
        self.found.iter().map(|(_, eval)| eval.reward).sum::<f64>() / self.found.len() as f64
    }

    /// The tasks with their results.
    pub fn tasks(&self) -> impl Iterator<Item = (Task, &TaskEval)> {
        self.found.iter().map(|(task, eval)| (*task, eval))
    }

    /// Errors per list: repeated, non-existent and known items, over all tasks.
    pub fn errors(&self) -> f64 {
        let errors = [Metric::RepeatItem, Metric::NonExist, Metric::InHistory];
        let of = |eval: &TaskEval| errors.iter().filter_map(|&error| eval.summary.mean(error)).sum::<f64>();
        self.found.iter().map(|(_, eval)| of(eval)).sum::<f64>() / self.found.len() as f64
    }
}

impl Serialize for PolicyEvalReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.found.len()))?;
        for (task, eval) in &self.found {
            map.serialize_entry(task, eval)?;
        }
        map.end()
    }
}
