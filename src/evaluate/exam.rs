//! The same questions to everybody who is compared, one after another, and what came of it.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};

use super::answerer::{EvalQuery, System, SystemAnswer};
use super::bootstrap::Bootstrap;
use super::fuzzy::TitleIndex;
use super::measure::{Measures, is_of_kind, measure};
use super::metric::Metric;
use super::result::{
    ChatPerplexity, EvalProtocol, Evaluation, ListSample, SCHEMA, SampleItem, Speed, SystemComparison, SystemResult,
    TaskCoverage, TaskMetrics, label,
};
use super::subject::EvalTask;
use super::tally::Accumulator;
use crate::constrain::Mode;
use crate::data::rng::SeededRng;
use crate::data::split::{Split, held_out};
use crate::data::{Dataset, ItemId};
use crate::instruct::{ExampleBuilder, ExampleConfig, LIST_LENGTH, Preset, Probe, QuerySpec};
use crate::recommend::{CheckedItem, check};
use crate::teacher::Scorer;
use crate::{Error, Result};

/// How many users are asked at a time.
const CHUNK: usize = 128;
/// The metrics that rows are compared in.
const COMPARED: [Metric; 7] = [
    Metric::HR,
    Metric::NDCG,
    Metric::TCP,
    Metric::CPA,
    Metric::CorrectCount,
    Metric::NonExist,
    Metric::ConstraintsMet,
];
/// What a list tells of a request that it was not given for.
const UNASKED: [Metric; 2] = [Metric::TCP, Metric::CPA];

/// What is asked of whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvalConfig {
    /// What is asked.
    #[serde(alias = "subjects")]
    pub tasks: Vec<EvalTask>,
    /// How many users are asked; all of them where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<usize>,
    /// Whether the last item but one of each user is the target, instead of the last.
    pub validation: bool,
    /// How long the lists are.
    pub k: u32,
    /// Whose rules.
    #[serde(alias = "recipe")]
    pub preset: Preset,
    /// What decides wordings and random candidates.
    pub seeds: Vec<u64>,
    /// Resamples of the users for intervals.
    pub replicates: usize,
    /// Lists of each row and subject that are kept to be shown.
    pub samples: usize,
}

impl Default for EvalConfig {
    fn default() -> Self {
        Self {
            tasks: EvalTask::all(),
            users: None,
            validation: false,
            k: LIST_LENGTH as u32,
            preset: Preset::Default,
            seeds: vec![ExampleConfig::default().seed],
            replicates: 1000,
            samples: 2,
        }
    }
}

/// An evaluation in the making.
pub struct Evaluator<'a, S> {
    dataset: &'a Dataset,
    teacher: &'a S,
    config: EvalConfig,
    titles: TitleIndex<'a>,
    /// The numbers of the users who are asked, ascending.
    users: Vec<usize>,
    users_with_case: usize,
    bootstrap: Bootstrap,
    device: String,
    /// Whether a list exists that a seed's question to a user asks for, as far as that is known.
    possible: HashMap<(u64, EvalTask, usize), bool>,
    rows: Vec<EvaluatedSystem>,
}

/// A row, and its figures user by user.
struct EvaluatedSystem {
    row: SystemResult,
    accumulators: Vec<Accumulator>,
}

/// One pass over all subjects.
struct SeedPass<'a, S> {
    seed: u64,
    builder: ExampleBuilder<'a, S>,
}

/// What a row's lists add up to in one subject.
struct TaskAccumulators {
    task: EvalTask,
    exact: Accumulator,
    fuzzy: Accumulator,
    unasked: Accumulator,
}

impl<'a, S: Scorer> Evaluator<'a, S> {
    /// An exam about a data set. `teacher` names the categories that are asked for; `device` is for the protocol.
    ///
    /// # Errors
    /// No subject, no seed, no resamples, or no user with a case.
    pub fn new(dataset: &'a Dataset, teacher: &'a S, config: EvalConfig, device: String) -> Result<Self> {
        let empty = |place: &str| Error::bad_input(place).expected("at least one").found("none");
        if config.tasks.is_empty() {
            return Err(empty("--tasks").into());
        }
        if config.k == 0 {
            return Err(empty("--k").into());
        }
        if config.seeds.is_empty() || config.replicates == 0 {
            return Err(empty(if config.seeds.is_empty() { "--seeds" } else { "replicates" }).into());
        }
        let mut config = config;
        config.tasks = in_order(&config.tasks, config.preset);
        let split = split_of(&config);
        let with_case = (0..dataset.users.len()).filter(|&user| held_out(&dataset.users[user], split).is_some());
        let with_case: Vec<usize> = with_case.collect();
        if with_case.is_empty() || config.users == Some(0) {
            return Err(Error::bad_input(&dataset.name)
                .expected("users with at least three items to ask about")
                .found("none")
                .next("import with --min-user 3 or more, and ask at least one of them")
                .into());
        }
        let users_with_case = with_case.len();
        // The same users whatever the seeds are, so that evaluations can be laid side by side.
        let mut users = SeededRng::new(0, 0).sample(with_case, config.users.unwrap_or(users_with_case));
        users.sort_unstable();
        let bootstrap = Bootstrap::new(users.len(), config.replicates, 0);
        let titles = TitleIndex::new(&dataset.catalogue);
        let (possible, rows) = (HashMap::new(), Vec::new());
        Ok(Self { dataset, teacher, config, titles, users, users_with_case, bootstrap, device, possible, rows })
    }

    /// How many questions a row is asked at most.
    pub fn n_queries(&self) -> u64 {
        (self.config.seeds.len() * self.config.tasks.len() * self.users.len()) as u64
    }

    /// Asks everything, and keeps the figures as a row; `bar` counts the questions.
    ///
    /// # Errors
    /// A question that cannot be put to the answerer, a device that fails.
    pub fn evaluate(&mut self, system: &dyn System, chat: Option<ChatPerplexity>, bar: &ProgressBar) -> Result<()> {
        let label = label(system.name(), system.mode());
        let accumulator = || Accumulator::new(self.users.len());
        let accumulators = |&task: &EvalTask| TaskAccumulators {
            task,
            exact: accumulator(),
            fuzzy: accumulator(),
            unasked: accumulator(),
        };
        let mut all_accumulators: Vec<TaskAccumulators> = self.config.tasks.iter().map(accumulators).collect();
        let (mut speed, mut samples) = (Speed::default(), Vec::new());
        for seed in self.config.seeds.clone() {
            let settings = ExampleConfig { seed, ..ExampleConfig::default() };
            let round = SeedPass { seed, builder: ExampleBuilder::new(self.dataset, self.teacher, &[], settings)? };
            // The titles that each user gets without asking for anything.
            let mut plain: HashMap<usize, Vec<String>> = HashMap::new();
            for accumulators in &mut all_accumulators {
                bar.set_message(format!("{label}: {}", accumulators.task));
                let mut shown = if seed == self.config.seeds[0] { self.config.samples } else { 0 };
                for chunk in (0..self.users.len()).step_by(CHUNK) {
                    let places = chunk..self.users.len().min(chunk + CHUNK);
                    let asked = self.questions_to(&round, accumulators.task, places.clone(), &plain)?;
                    let queries: Vec<EvalQuery> = asked.iter().map(|(_, query)| query.clone()).collect();
                    let (answers, took) = system.answer(&queries)?;
                    speed.add(took);
                    for ((place, query), answer) in asked.iter().zip(answers) {
                        if shown > 0 {
                            samples.push(self.sample(accumulators.task, query, &answer));
                            shown -= 1;
                        }
                        self.mark(accumulators, *place, query, &answer, plain.get(place));
                        if accumulators.task == EvalTask::of(Probe::Sequential) {
                            plain.insert(*place, answer.titles);
                        }
                    }
                    bar.inc(places.len() as u64);
                }
            }
        }
        let decode = system.mode();
        self.keep(
            SystemResult { name: system.name().to_owned(), decode, tasks: Vec::new(), speed, chat, samples },
            all_accumulators,
        );
        Ok(())
    }

    /// The questions of a subject to some of the users, each with the place of the user among those who are asked. Questions that no list
    /// could answer are left out.
    fn questions_to(
        &mut self,
        round: &SeedPass<S>,
        task: EvalTask,
        places: Range<usize>,
        plain: &HashMap<usize, Vec<String>>,
    ) -> Result<Vec<(usize, EvalQuery)>> {
        let catalogue = &self.dataset.catalogue;
        let users = &self.users[places];
        let place_of = |user: usize| self.users.binary_search(&user).ok();
        let own = (self.config.preset == Preset::Paper).then(|| {
            let items = |titles: &Vec<String>| -> Vec<ItemId> {
                titles.iter().filter_map(|title| catalogue.by_title(title)).collect()
            };
            let list = |&user: &usize| Some((user, items(plain.get(&place_of(user)?)?)));
            users.iter().filter_map(list).collect::<HashMap<_, _>>()
        });
        let question = QuerySpec {
            probe: task.probe,
            wording: task.wording,
            split: split_of(&self.config),
            k: self.config.k,
            references: own.as_ref(),
        };
        let mut queries = Vec::new();
        for (user, example) in round.builder.eval_examples(&question, users)? {
            let key = (round.seed, task, user);
            let is_fixed = self.config.preset == Preset::Default;
            let is_possible = match self.possible.get(&key).filter(|_| is_fixed) {
                Some(&known) => known,
                None => {
                    let request = example.request.as_ref();
                    let known = request.is_some_and(|request| Mode::Strict.constraints(request, catalogue).is_ok());
                    self.possible.insert(key, known);
                    known
                }
            };
            if let (true, Some(place)) = (is_possible, place_of(user)) {
                queries.push((place, EvalQuery { user: self.dataset.users[user].key.clone(), example }));
            }
        }
        Ok(queries)
    }

    /// Adds an answer to the figures.
    fn mark(
        &self,
        accumulators: &mut TaskAccumulators,
        place: usize,
        query: &EvalQuery,
        answer: &SystemAnswer,
        plain: Option<&Vec<String>>,
    ) {
        // The authors skip empty answers; they are failures here (method B16).
        if self.config.preset == Preset::Paper && answer.titles.is_empty() {
            return;
        }
        let of = |titles: &[String]| -> Measures { measure(titles, &query.example, &self.dataset.catalogue) };
        accumulators.exact.add(place, &of(&answer.titles), &Metric::ALL);
        accumulators.fuzzy.add(place, &of(&self.titles.mend(&answer.titles)), &Metric::ALL);
        if let Some(plain) = plain.filter(|_| query.example.request.as_ref().is_some_and(|r| r.has_intention())) {
            accumulators.unasked.add(place, &of(plain), &UNASKED);
        }
    }

    fn sample(&self, task: EvalTask, query: &EvalQuery, answer: &SystemAnswer) -> ListSample {
        let catalogue = &self.dataset.catalogue;
        let request = query.example.request.clone().unwrap_or_default();
        let item = |checked: CheckedItem| SampleItem {
            of_kind: checked.item.and_then(|item| is_of_kind(item, &request, catalogue)),
            is_target: checked.item.is_some() && checked.item == query.example.target,
            title: checked.title,
            status: checked.status,
            breaks: checked.breaks,
        };
        let titles = answer.titles.iter().map(String::as_str);
        ListSample {
            task,
            user: query.user.clone(),
            question: query.example.messages.last().map_or_else(String::new, |turn| turn.content.clone()),
            request: serde_json::to_value(request.in_words(catalogue)).unwrap_or_default(),
            target: query.example.target.map_or_else(String::new, |target| catalogue.title(target).to_owned()),
            text: answer.text.clone(),
            items: check(titles, &request, catalogue).into_iter().map(item).collect(),
            constraints_met: measure(&answer.titles, &query.example, catalogue).constraints_met,
        }
    }

    fn keep(&mut self, mut row: SystemResult, all_accumulators: Vec<TaskAccumulators>) {
        row.tasks = all_accumulators
            .iter()
            .map(|accumulators| TaskMetrics {
                task: accumulators.task,
                exact: accumulators.exact.intervals(&self.bootstrap),
                fuzzy: accumulators.fuzzy.intervals(&self.bootstrap),
                unasked: accumulators.unasked.intervals(&self.bootstrap),
            })
            .collect();
        let accumulators = all_accumulators.into_iter().map(|accumulators| accumulators.exact).collect();
        self.rows.push(EvaluatedSystem { row, accumulators });
    }

    /// What was found.
    pub fn finish(self) -> Evaluation {
        let EvalConfig { tasks, preset, seeds, replicates, validation, k, .. } = &self.config;
        let asked = |(at, &task): (usize, &EvalTask)| {
            let users = self.rows.iter().map(|evaluated| evaluated.accumulators[at].answered()).max().unwrap_or(0);
            TaskCoverage { task, about: task.description(), users, left_out: self.users.len() - users }
        };
        Evaluation {
            schema: SCHEMA.to_owned(),
            protocol: EvalProtocol {
                dataset: self.dataset.name.clone(),
                split: if *validation { "validation" } else { "test" }.to_owned(),
                users: self.users.len(),
                users_with_case: self.users_with_case,
                items: self.dataset.catalogue.len(),
                k: *k,
                preset: *preset,
                seeds: seeds.clone(),
                replicates: *replicates,
                device: self.device.clone(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            tasks: tasks.iter().enumerate().map(asked).collect(),
            comparisons: self.comparisons(),
            rows: self.rows.into_iter().map(|evaluated| evaluated.row).collect(),
        }
    }

    /// Every row with all before it that are decoded alike, and with those that need no decoding.
    fn comparisons(&self) -> Vec<SystemComparison> {
        let mut comparisons = Vec::new();
        for (at, later) in self.rows.iter().enumerate() {
            let is_alike =
                |earlier: &&EvaluatedSystem| earlier.row.decode.is_none_or(|mode| later.row.decode == Some(mode));
            for earlier in self.rows[..at].iter().filter(is_alike) {
                for (number, &task) in self.config.tasks.iter().enumerate() {
                    let accumulators = [&later.accumulators[number], &earlier.accumulators[number]];
                    let compare = |metric: Metric| {
                        let [figures, others] = accumulators.map(|accumulator| accumulator.figures(metric));
                        let difference = self.bootstrap.difference(&figures?, &others?)?;
                        let (row, with) = (later.row.label(), earlier.row.label());
                        Some(SystemComparison { row, with, task, metric, difference })
                    };
                    comparisons.extend(COMPARED.into_iter().filter_map(compare));
                }
            }
        }
        comparisons
    }
}

/// Each subject once, and I0 before all: other figures are made with its lists. The authors' rules cannot do without it.
fn in_order(tasks: &[EvalTask], preset: Preset) -> Vec<EvalTask> {
    let plain = EvalTask::of(Probe::Sequential);
    let first = (tasks.contains(&plain) || preset == Preset::Paper).then_some(plain);
    let mut seen = BTreeSet::new();
    let mut is_new = |task: &EvalTask| seen.insert(task.to_string());
    first.into_iter().chain(tasks.iter().copied()).filter(|task| is_new(task)).collect()
}

fn split_of(config: &EvalConfig) -> Split {
    if config.validation { Split::Validation } else { Split::Test }
}
