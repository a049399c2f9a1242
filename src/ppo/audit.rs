//! How well a policy answers questions that it never practised: held-out items, wordings that it never saw, one greedy answer each.
//!
//! The reward stands beside what it is meant to bring about (accuracy, control, form), so that a policy that has learnt to please the
//! reward alone is seen (method §4.1, §7.9).

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use tiller_models::language_model::Hand;
use tiller_models::llama::Llama;

use super::config::{PpoConfig, ValidationConfig};
use super::prompts::Scribe;
use super::rollout::{Prompt, Rollout, RolloutConfig, Sampler};
use crate::data::Dataset;
use crate::data::split::Split;
use crate::evaluate::{Measures, Metric, Summary, measure};
use crate::instruct::{Instructor, Practice, Probe, Question, Wording};
use crate::reward::{Answer, RewardRules, judge};
use crate::teacher::Scorer;
use crate::{Error, Result};

/// The question that validates a practice (method §4.1).
fn probe(practice: Practice) -> Probe {
    match practice {
        Practice::Sequential => Probe::Sequential,
        Practice::More => Probe::More,
        Practice::Less => Probe::Less,
        Practice::AtMost => Probe::AtMost(20),
        Practice::AtLeast => Probe::AtLeast(30),
        Practice::About => Probe::About(50),
    }
}

/// The questions of a training, the same at every audit.
pub struct Audit {
    /// Practice after practice.
    prompts: Vec<Prompt>,
    rollout: RolloutConfig,
}

impl Audit {
    /// A question of each practice to some users, to others for each practice as long as there are others.
    ///
    /// # Errors
    /// The teacher's device fails, a conversation that the model's template refuses, or no user with a history.
    pub fn new(
        instructor: &Instructor<impl Scorer>,
        dataset: &Dataset,
        scribe: &Scribe,
        config: &PpoConfig,
    ) -> Result<Self> {
        let ValidationConfig { users, trained_wordings, .. } = config.validation;
        let wording = if trained_wordings { Wording::Trained } else { Wording::HeldOut };
        let mut prompts = Vec::new();
        for (number, &practice) in config.practices.iter().enumerate() {
            let start = number * users % dataset.users.len().max(1);
            let asked: Vec<usize> = (start..(start + users).min(dataset.users.len())).collect();
            let question = Question { wording, ..Question::new(probe(practice), Split::Validation) };
            for (_, example) in instructor.ask(&question, &asked)? {
                prompts.push(scribe.prompt(practice, example)?);
            }
        }
        if prompts.is_empty() {
            return Err(Error::bad_input(&dataset.name)
                .expected("users with at least three items, to validate with")
                .found("none")
                .next("import with --min-user 3 or more")
                .into());
        }
        let batch = config.rollout.batch;
        let rollout = RolloutConfig { samples: 1, greedy_first: true, batch, ..RolloutConfig::default() };
        Ok(Self { prompts, rollout })
    }

    /// Lets a policy answer everything, with its hand.
    ///
    /// # Errors
    /// A device that fails.
    pub fn of(
        &self,
        policy: &Llama,
        hand: &mut Hand,
        sampler: &Sampler,
        teacher: &impl Scorer,
        rules: &RewardRules,
    ) -> Result<Report> {
        let sampler = Sampler { config: &self.rollout, ..*sampler };
        let rollouts = sampler.answers(policy, hand, &self.prompts, 0)?;
        let rewards = judge(&answers(&self.prompts, &rollouts), teacher, sampler.catalogue, rules)?;
        let measured: Vec<(Measures, f64)> = rollouts
            .iter()
            .zip(&rewards)
            .map(|(rollout, rewards)| (measures(rollout, &self.prompts[rollout.prompt], &sampler), rewards.list))
            .collect();
        let mut found = Vec::new();
        let mut rest = &measured[..];
        for asked in self.prompts.chunk_by(|a, b| a.practice == b.practice) {
            let (of_practice, others) = rest.split_at(asked.len());
            rest = others;
            let reward = of_practice.iter().map(|(_, reward)| reward).sum::<f64>() / asked.len() as f64;
            let summary = Summary::of(of_practice.iter().map(|(measures, _)| measures));
            found.push((asked[0].practice, Audited { reward, summary }));
        }
        Ok(Report { found })
    }
}

/// Rollouts as the reward looks at them.
pub fn answers<'a>(prompts: &'a [Prompt], rollouts: &'a [Rollout]) -> Vec<Answer<'a>> {
    let answer = |rollout: &'a Rollout| {
        let example = &prompts[rollout.prompt].example;
        Some(Answer { request: example.request.as_ref()?, target: example.target, list: &rollout.list })
    };
    rollouts.iter().filter_map(answer).collect()
}

/// The measures of a rollout.
pub fn measures(rollout: &Rollout, prompt: &Prompt, sampler: &Sampler) -> Measures {
    let titles: Vec<&str> = rollout.list.iter().map(|line| line.title.as_str()).collect();
    measure(&titles, &prompt.example, sampler.catalogue)
}

/// What an audit found, by practice.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    found: Vec<(Practice, Audited)>,
}

/// What an audit found about one practice.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Audited {
    /// The mean reward of the lists.
    pub reward: f64,
    /// The means of their measures.
    #[serde(flatten)]
    pub summary: Summary,
}

impl Report {
    /// The figure that decides which policy is best: the mean list reward of each practice, averaged over them (method §7.9).
    pub fn reward(&self) -> f64 {
        self.found.iter().map(|(_, audited)| audited.reward).sum::<f64>() / self.found.len() as f64
    }

    /// The practices with what was found about each.
    pub fn practices(&self) -> impl Iterator<Item = (Practice, &Audited)> {
        self.found.iter().map(|(practice, audited)| (*practice, audited))
    }

    /// Errors per list: repeated, non-existent and known items, over all practices.
    pub fn errors(&self) -> f64 {
        let errors = [Metric::RepeatItem, Metric::NonExist, Metric::InHistory];
        let of = |audited: &Audited| errors.iter().filter_map(|&error| audited.summary.mean(error)).sum::<f64>();
        self.found.iter().map(|(_, audited)| of(audited)).sum::<f64>() / self.found.len() as f64
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.found.len()))?;
        for (practice, audited) in &self.found {
            map.serialize_entry(practice, audited)?;
        }
        map.end()
    }
}
