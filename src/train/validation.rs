//! How well a model in training answers: fixed questions about held-out items, in wordings that it never saw, answered freely and
//! greedily (method §4.1, method §5).

use std::ops::ControlFlow;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use tiller_models::language_model::LanguageModel;
use tiller_models::llama::{GenerateOptions, Sampling};

use crate::constrain::Grammar;
use crate::data::split::Split;
use crate::data::{Catalogue, Dataset};
use crate::evaluate::{Metric, MetricMeans, measure};
use crate::instruct::{Example, ExampleBuilder, Probe, PromptWording, QuerySpec, TaskFamily};
use crate::recommend::answer::{self, OutputFormat};
use crate::run::config::out_of_range;
use crate::teacher::Scorer;
use crate::{Error, Result};

/// What is asked, and its name in reports.
const PROBES: [(&str, Probe); 6] = [
    ("I0", Probe::Sequential),
    ("+C", Probe::More),
    ("-C", Probe::Less),
    ("LP", Probe::AtMost(20)),
    ("MP", Probe::AtLeast(30)),
    ("EP", Probe::About(50)),
];

/// Tokens that an answer may have beyond the longest list that was asked for: enough to see that it does not end there.
const OVERTIME: usize = 8;

/// How a training is validated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ValidationConfig {
    /// Users who are asked, for each kind of question others.
    pub users: usize,
    /// Steps from one validation to the next; an epoch where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// Answers that are written at once.
    pub batch: usize,
    /// Whether to ask in the wordings of training examples, for models that know no other words.
    pub trained_wordings: bool,
}

impl Default for ValidationConfig {
    fn default() -> Self {
        Self { users: 32, every: None, batch: 32, trained_wordings: false }
    }
}

impl ValidationConfig {
    /// Checks that the settings make sense.
    ///
    /// # Errors
    /// The key that does not.
    pub fn validate(&self) -> Result<()> {
        for (key, value) in [("users", self.users), ("batch", self.batch), ("every", self.every.unwrap_or(1) as usize)]
        {
            if value == 0 {
                return Err(out_of_range(&format!("validation.{key}"), "at least 1", 0));
            }
        }
        Ok(())
    }
}

/// The questions of a training, the same at every validation.
pub struct Validation {
    probes: Vec<(&'static str, Vec<Example>)>,
    batch: usize,
}

impl Validation {
    /// Questions of the kinds that `tasks` train; of all kinds where none of them is one that can be asked.
    ///
    /// # Errors
    /// The teacher's device fails, or no user has a history to be asked about.
    pub fn new(
        builder: &ExampleBuilder<impl Scorer>,
        dataset: &Dataset,
        tasks: &[TaskFamily],
        config: &ValidationConfig,
    ) -> Result<Self> {
        let trained = PROBES.iter().filter(|(_, probe)| tasks.contains(&probe.family()));
        let mut kinds: Vec<_> = trained.collect();
        if kinds.is_empty() {
            kinds = PROBES.iter().collect();
        }
        let mut probes = Vec::new();
        for (number, (name, probe)) in kinds.into_iter().enumerate() {
            // One slice of the users for each kind, beginning anew where they give out.
            let start = number * config.users % dataset.users.len().max(1);
            let users = start..(start + config.users).min(dataset.users.len());
            let wording = if config.trained_wordings { PromptWording::Trained } else { PromptWording::HeldOut };
            let question = QuerySpec { wording, ..QuerySpec::new(*probe, Split::Validation) };
            let examples = builder.eval_examples(&question, &users.collect::<Vec<_>>())?;
            let examples: Vec<Example> = examples.into_iter().map(|(_, example)| example).collect();
            if !examples.is_empty() {
                probes.push((*name, examples));
            }
        }
        if probes.is_empty() {
            return Err(Error::bad_input(&dataset.name)
                .expected("users with at least three items, to validate with")
                .found("none")
                .next("import with --min-user 3 or more")
                .into());
        }
        Ok(Self { probes, batch: config.batch })
    }

    /// Lets the model answer everything.
    ///
    /// # Errors
    /// A prompt that leaves no room for its answer, or a device that fails.
    pub fn ask(&self, model: &LanguageModel, grammar: &Grammar, catalogue: &Catalogue) -> Result<ValidationReport> {
        let mut report = ValidationReport { probes: Vec::new() };
        for (name, examples) in &self.probes {
            let answers = self.answers(model, grammar, examples)?;
            let titles = |answer: &String| -> Vec<String> {
                answer::parse(answer, OutputFormat::Strict, catalogue).into_iter().map(str::to_owned).collect()
            };
            let lists = answers.iter().zip(examples);
            let measures: Vec<_> =
                lists.map(|(answer, example)| measure(&titles(answer), example, catalogue)).collect();
            let sample = (examples[0].messages.last().map_or("", |turn| &turn.content), &answers[0]);
            let sample = format!("{}\n\n{}", sample.0, sample.1);
            report.probes.push(Answered { name, summary: MetricMeans::of(&measures), sample });
        }
        Ok(report)
    }

    /// The model's answers in words.
    fn answers(&self, model: &LanguageModel, grammar: &Grammar, examples: &[Example]) -> Result<Vec<String>> {
        let prompts =
            examples.iter().map(|example| model.codec.encode_chat(&example.messages)).collect::<Result<Vec<_>>>()?;
        let longest = examples.iter().filter_map(|example| Some(example.request.as_ref()?.k)).max().unwrap_or(1);
        let options = GenerateOptions {
            max_new_tokens: grammar.longest(longest as usize) + OVERTIME,
            sampling: Sampling::Greedy,
            seed: 0,
        };
        let mut answers = Vec::with_capacity(prompts.len());
        for prompts in prompts.chunks(self.batch) {
            let tokens = model.generate(prompts, &options, &mut |_, _| ControlFlow::Continue(()))?;
            for tokens in tokens {
                answers.push(model.codec.tokenizer.decode(&tokens, true)?);
            }
        }
        Ok(answers)
    }
}

/// The figures of one validation, by the kind of question.
#[derive(Debug, Clone)]
pub struct ValidationReport {
    probes: Vec<Answered>,
}

#[derive(Debug, Clone)]
struct Answered {
    name: &'static str,
    summary: MetricMeans,
    /// The first question and its answer.
    sample: String,
}

impl ValidationReport {
    /// The figure that decides which model is best: NDCG@10, averaged over the kinds of questions.
    pub fn ndcg(&self) -> f64 {
        let ndcg = self.probes.iter().map(|probe| probe.summary.mean(Metric::NDCG).unwrap_or(0.0));
        ndcg.sum::<f64>() / self.probes.len() as f64
    }

    /// The first question of each kind, and what the model answered.
    pub fn samples(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.probes.iter().map(|probe| (probe.name, probe.sample.as_str()))
    }
}

impl Serialize for ValidationReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.probes.len()))?;
        for Answered { name, summary, .. } in &self.probes {
            map.serialize_entry(name, summary)?;
        }
        map.end()
    }
}
