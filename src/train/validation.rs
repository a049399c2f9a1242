//! Validation of a model in training: fixed questions about held-out items, in wordings that it never saw, answered freely and
//! greedily (method §4.1, method §5).

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use tiller_models::generate::{GenerateOptions, GenerateRequest, Sampling};
use tiller_models::language_model::LanguageModel;

use crate::constrain::Grammar;
use crate::data::split::Split;
use crate::data::{Catalogue, Dataset};
use crate::evaluate::{ExampleMeasure, MetricMeans};
use crate::instruct::{Example, ExampleBuilder, QuerySpec};
use crate::recommend::answer::{self, OutputFormat};
use crate::run::config::out_of_range;
use crate::task::{EvalTask, Metric, PromptWording, Task, TaskFamily};
use crate::teacher::Scorer;
use crate::{Error, Result};

/// Tokens that an answer may have beyond the longest list that was asked for: enough to see that it does not end there.
const OVERTIME: usize = 8;

/// The validations of a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ValidationConfig {
    /// Users of each validation task; every task has other users.
    pub users: usize,
    /// Steps from one validation to the next; an epoch where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// Answers that are written at once.
    pub batch: usize,
    /// Use the prompt wordings of training, for models that know no other words.
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

/// The validation prompts of a training, the same every time.
pub struct Validation {
    queries: Vec<(Task, Vec<Example>)>,
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
        let trained = Task::TRAINED.into_iter().filter(|task| tasks.contains(&task.family()));
        let mut trained: Vec<Task> = trained.collect();
        if trained.is_empty() {
            trained = Task::TRAINED.into();
        }
        let mut queries = Vec::new();
        for (number, task) in trained.into_iter().enumerate() {
            // One slice of the users for each kind, beginning anew where they give out.
            let start = number * config.users % dataset.users.len().max(1);
            let users = start..(start + config.users).min(dataset.users.len());
            let wording = if config.trained_wordings { PromptWording::Trained } else { PromptWording::HeldOut };
            let spec = QuerySpec::new(EvalTask { wording, ..EvalTask::of(task) }, Split::Validation);
            let examples = builder.queries(&spec, &users.collect::<Vec<_>>())?;
            let examples: Vec<Example> = examples.into_iter().map(|(_, example)| example).collect();
            if !examples.is_empty() {
                queries.push((task, examples));
            }
        }
        if queries.is_empty() {
            return Err(Error::bad_input(&dataset.name)
                .expected("users with at least three items, to validate with")
                .found("none")
                .next("import with --min-user 3 or more")
                .into());
        }
        Ok(Self { queries, batch: config.batch })
    }

    /// Lets the model answer everything.
    ///
    /// # Errors
    /// A prompt that leaves no room for its answer, or a device that fails.
    pub fn ask(&self, model: &LanguageModel, grammar: &Grammar, catalogue: &Catalogue) -> Result<ValidationReport> {
        let mut report = ValidationReport { tasks: Vec::new() };
        for (task, examples) in &self.queries {
            let answers = self.answers(model, grammar, examples)?;
            let titles = |answer: &String| -> Vec<String> {
                answer::parse(answer, OutputFormat::Strict, catalogue).into_iter().map(str::to_owned).collect()
            };
            let lists = answers.iter().zip(examples);
            let measure = |(answer, example): (&String, &Example)| {
                ExampleMeasure::new(&example.compile(catalogue), example.target, catalogue).measure(&titles(answer))
            };
            let measures: Vec<_> = lists.map(measure).collect();
            let sample = (examples[0].messages.last().map_or("", |turn| &turn.content), &answers[0]);
            let sample = format!("{}\n\n{}", sample.0, sample.1);
            report.tasks.push(Answered { task: *task, summary: MetricMeans::of(&measures), sample });
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
            let tokens = model.generate(GenerateRequest::new(prompts, options))?;
            for tokens in tokens {
                let tokenizer = &model.codec.tokenizer;
                answers.push(tokenizer.decode(tokenizer.without_stop(&tokens), true)?);
            }
        }
        Ok(answers)
    }
}

/// The figures of one validation, by the kind of question.
#[derive(Debug, Clone)]
pub struct ValidationReport {
    tasks: Vec<Answered>,
}

#[derive(Debug, Clone)]
struct Answered {
    task: Task,
    summary: MetricMeans,
    /// The first question and its answer.
    sample: String,
}

impl ValidationReport {
    /// The figure that decides which model is best: NDCG@10, averaged over the tasks.
    pub fn ndcg(&self) -> f64 {
        let ndcg = self.tasks.iter().map(|answered| answered.summary.mean(Metric::NDCG).unwrap_or(0.0));
        ndcg.sum::<f64>() / self.tasks.len() as f64
    }

    /// The first question of each kind, and what the model answered.
    pub fn samples(&self) -> impl Iterator<Item = (Task, &str)> {
        self.tasks.iter().map(|answered| (answered.task, answered.sample.as_str()))
    }
}

impl Serialize for ValidationReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.tasks.len()))?;
        for Answered { task, summary, .. } in &self.tasks {
            map.serialize_entry(task, summary)?;
        }
        map.end()
    }
}
