//! The evaluation protocol: the same queries for every system, and the accumulation of their metrics.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use super::accumulator::Accumulator;
use super::bootstrap::{Bootstrap, differences, user_means};
use super::config::EvalConfig;
use super::evaluation::{
    ChatPerplexity, EvalProtocol, Evaluation, ListSample, MeanComparison, SCHEMA, SampleItem, Speed, SystemComparison,
    SystemResult, TaskCoverage, TaskMetrics, asked_categories,
};
use super::fuzzy::TitleIndex;
use super::measure::ExampleMeasure;
use super::slices::UserSlices;
use super::system::{EvalQuery, System, SystemAnswer};
use super::trec::TrecFiles;
use crate::constrain::Mode;
use crate::data::protocol::{Protocol, ProtocolRules};
use crate::data::rng::SeededRng;
use crate::data::split::held_out;
use crate::data::{Dataset, ItemId};
use crate::instruct::{ExampleBuilder, ExampleConfig, Preset, QuerySpec};
use crate::recommend::CheckedItem;
use crate::run::progress::Progress;
use crate::task::{EvalTask, Metric, Task};
use crate::teacher::Scorer;
use crate::{Error, Result};

/// Users per batch of queries.
const CHUNK: usize = 128;
/// The metrics in which systems are compared.
const COMPARED: [Metric; 7] = [
    Metric::HR,
    Metric::NDCG,
    Metric::TCP,
    Metric::CPA,
    Metric::CorrectCount,
    Metric::NonExist,
    Metric::ConstraintsMet,
];
/// The metrics of a plain list (I0) under the request of another task.
const PLAIN_LIST_METRICS: [Metric; 2] = [Metric::TCP, Metric::CPA];

/// An evaluation in progress.
pub struct Evaluator<'a, S> {
    dataset: &'a Dataset,
    teacher: &'a S,
    config: EvalConfig,
    titles: TitleIndex<'a>,
    /// The numbers of the users, ascending.
    users: Vec<usize>,
    users_with_case: usize,
    bootstrap: Bootstrap,
    device: String,
    /// The queries by seed, task and user that are known to have a list, or to have none.
    possible: HashMap<(u64, EvalTask, usize), bool>,
    rows: Vec<EvaluatedSystem>,
    /// The groups of users whose figures are told apart, where they are asked for.
    slices: Option<UserSlices>,
    /// The lists for other programs, where they are asked for.
    trec: Option<TrecFiles>,
}

/// A system's results, and its metrics user by user.
struct EvaluatedSystem {
    row: SystemResult,
    sums: Vec<Accumulator>,
}

/// One pass over all tasks with a seed.
struct SeedPass<'a, S> {
    seed: u64,
    builder: ExampleBuilder<'a, S>,
}

/// The sums of a system's lists in one task.
struct TaskSums {
    task: EvalTask,
    exact: Accumulator,
    fuzzy: Accumulator,
    plain_list: Accumulator,
}

impl<'a, S: Scorer> Evaluator<'a, S> {
    /// An evaluation on a data set. `teacher` chooses the categories that are asked for; `device` is for the protocol.
    ///
    /// # Errors
    /// No task, no seed, no resamples, or no user with a case.
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
        config.tasks = config.tasks_in_order();
        let split = config.split();
        let only: BTreeSet<&str> = config.user_keys.iter().map(String::as_str).collect();
        let is_asked = |user: &usize| only.is_empty() || only.contains(dataset.users[*user].key.as_str());
        let with_case = (0..dataset.users.len()).filter(is_asked);
        let with_case = with_case.filter(|&user| held_out(&dataset.users[user], split).is_some());
        let with_case: Vec<usize> = with_case.collect();
        if with_case.is_empty() || config.users == Some(0) {
            return Err(Error::bad_input(&dataset.name)
                .expected("users with at least three items to ask about")
                .found("none")
                .next("import with --min-user 3 or more, and ask at least one of them")
                .into());
        }
        let users_with_case = with_case.len();
        // The same users for all seeds, so that evaluations can be compared.
        let mut users = SeededRng::new(0, 0).sample(with_case, config.users.unwrap_or(users_with_case));
        users.sort_unstable();
        let bootstrap = Bootstrap::new(users.len(), config.replicates, 0);
        let titles = TitleIndex::new(&dataset.catalogue);
        Ok(Self {
            dataset,
            teacher,
            config,
            titles,
            users,
            users_with_case,
            bootstrap,
            device,
            possible: HashMap::new(),
            rows: Vec::new(),
            slices: None,
            trec: None,
        })
    }

    /// Returns the evaluation that also tells HR and NDCG of groups of users: by the length of their history, and by the popularity of their
    /// target.
    pub fn with_slices(self) -> Self {
        let slices = UserSlices::of(self.dataset, &self.users, self.config.split());
        Self { slices: Some(slices), ..self }
    }

    /// Returns the evaluation that also keeps all lists, for [`Evaluator::trec`].
    pub fn keeping_lists(self) -> Self {
        Self { trec: Some(TrecFiles::default()), ..self }
    }

    /// The lists of all systems so far, where they are kept.
    pub fn trec(&self) -> Option<&TrecFiles> {
        self.trec.as_ref()
    }

    /// Returns the largest number of queries that a system gets.
    pub fn n_queries(&self) -> u64 {
        (self.config.seeds.len() * self.config.tasks.len() * self.users.len()) as u64
    }

    /// Puts all queries to a system and keeps its results; `bar` counts the queries.
    ///
    /// # Errors
    /// A query that the system cannot take, a device that fails.
    pub fn evaluate(&mut self, system: &dyn System, chat: Option<ChatPerplexity>, bar: &Progress) -> Result<()> {
        let mut row = row_of(system, chat);
        let label = row.label();
        let accumulator = || Accumulator::new(self.users.len());
        let empty =
            |&task: &EvalTask| TaskSums { task, exact: accumulator(), fuzzy: accumulator(), plain_list: accumulator() };
        let mut all_sums: Vec<TaskSums> = self.config.tasks.iter().map(empty).collect();
        for seed in self.config.seeds.clone() {
            let settings = ExampleConfig { seed, ..ExampleConfig::default() };
            let pass = SeedPass { seed, builder: ExampleBuilder::new(self.dataset, self.teacher, &[], settings)? };
            // The titles that each user gets without asking for a category.
            let mut plain: HashMap<usize, Vec<String>> = HashMap::new();
            for sums in &mut all_sums {
                bar.set_message(format!("{label}: {}", sums.task));
                let mut shown = if seed == self.config.seeds[0] { self.config.samples } else { 0 };
                for chunk in (0..self.users.len()).step_by(CHUNK) {
                    let places = chunk..self.users.len().min(chunk + CHUNK);
                    let asked = self.queries_of(&pass, sums.task, places.clone(), &plain)?;
                    let (users, queries): (Vec<usize>, Vec<EvalQuery>) = asked.into_iter().unzip();
                    let (answers, took) = system.answer(&queries)?;
                    row.speed.add(took);
                    for ((place, query), answer) in users.iter().zip(&queries).zip(answers) {
                        if shown > 0 {
                            row.samples.push(self.sample(sums.task, query, &answer));
                            shown -= 1;
                        }
                        self.add(sums, *place, query, &answer, plain.get(place));
                        self.keep_list(&label, sums.task, seed, query, &answer)?;
                        if sums.task == EvalTask::of(Task::Sequential) {
                            plain.insert(*place, answer.titles);
                        }
                    }
                    bar.advance(places.len() as u64);
                }
            }
        }
        self.keep(row, all_sums);
        Ok(())
    }

    /// Keeps a list for other programs. With several seeds, a user's queries are told apart by them.
    fn keep_list(
        &mut self,
        label: &str,
        task: EvalTask,
        seed: u64,
        query: &EvalQuery,
        answer: &SystemAnswer,
    ) -> Result<()> {
        let (Some(trec), Some(target)) = (&mut self.trec, query.example.target) else { return Ok(()) };
        let name = if self.config.seeds.len() > 1 { format!("{}#{seed}", query.user) } else { query.user.clone() };
        let titles = &answer.titles[..answer.titles.len().min(query.request.k as usize)];
        trec.add((&task.to_string(), label), &name, target, titles, &self.dataset.catalogue)
    }

    /// The queries of a task for some of the users, each with the user's position among all. Queries that no list could
    /// satisfy are left out.
    fn queries_of(
        &mut self,
        pass: &SeedPass<S>,
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
        let spec = QuerySpec { task, split: self.config.split(), k: self.config.k, references: own.as_ref() };
        let mut queries = Vec::new();
        for (user, example) in pass.builder.queries(&spec, users)? {
            let key = (pass.seed, task, user);
            let request = example.compile(catalogue);
            let is_fixed = self.config.preset == Preset::Default;
            let is_possible = match self.possible.get(&key).filter(|_| is_fixed) {
                Some(&known) => known,
                None => {
                    let known = example.request.is_some() && Mode::Strict.prove(&request, catalogue).is_ok();
                    self.possible.insert(key, known);
                    known
                }
            };
            if let (true, Some(place)) = (is_possible, place_of(user)) {
                let earlier = held_out(&self.dataset.users[user], spec.split).map_or(&[][..], |case| case.history);
                let query =
                    EvalQuery { user: self.dataset.users[user].key.clone(), example, request, earlier: earlier.into() };
                queries.push((place, query));
            }
        }
        Ok(queries)
    }

    /// Adds an answer to the sums.
    fn add(
        &self,
        sums: &mut TaskSums,
        place: usize,
        query: &EvalQuery,
        answer: &SystemAnswer,
        plain: Option<&Vec<String>>,
    ) {
        // The authors skip empty answers; by method B16 they are failures.
        if self.config.preset == Preset::Paper && answer.titles.is_empty() {
            return;
        }
        let example = ExampleMeasure::new(&query.request, query.example.target, &self.dataset.catalogue);
        let of = |titles: &[String]| example.measure(titles);
        sums.exact.add(place, &of(&answer.titles), &Metric::ALL);
        sums.fuzzy.add(place, &of(&self.titles.correct(&answer.titles)), &Metric::ALL);
        if let Some(plain) = plain.filter(|_| query.example.request.as_ref().is_some_and(|r| r.has_intention())) {
            sums.plain_list.add(place, &of(plain), &PLAIN_LIST_METRICS);
        }
    }

    fn sample(&self, task: EvalTask, query: &EvalQuery, answer: &SystemAnswer) -> ListSample {
        let catalogue = &self.dataset.catalogue;
        let request = query.example.request.clone().unwrap_or_default();
        let example = ExampleMeasure::new(&query.request, query.example.target, catalogue);
        let item = |checked: CheckedItem| SampleItem {
            of_kind: checked.item.and_then(|item| example.is_counted(item)),
            is_target: checked.item.is_some() && checked.item == query.example.target,
            title: checked.title,
            status: checked.status,
            breaks: checked.breaks,
        };
        ListSample {
            task,
            user: query.user.clone(),
            question: query.example.messages.last().map_or_else(String::new, |turn| turn.content.clone()),
            request: serde_json::to_value(request.in_words(catalogue)).unwrap_or_default(),
            target: query.example.target.map_or_else(String::new, |target| catalogue.title(target).to_owned()),
            text: answer.text.clone(),
            items: example.check(&answer.titles).into_iter().map(item).collect(),
            constraints_met: example.measure(&answer.titles).constraints_met,
        }
    }

    fn keep(&mut self, mut row: SystemResult, all_sums: Vec<TaskSums>) {
        let slices = |sums: &Accumulator| Some(self.slices.as_ref()?.metrics(sums, &self.bootstrap));
        row.tasks = all_sums
            .iter()
            .map(|sums| TaskMetrics {
                task: sums.task,
                exact: sums.exact.intervals(&self.bootstrap),
                fuzzy: sums.fuzzy.intervals(&self.bootstrap),
                plain_list: sums.plain_list.intervals(&self.bootstrap),
                slices: slices(&sums.exact).unwrap_or_default(),
            })
            .collect();
        let sums = all_sums.into_iter().map(|sums| sums.exact).collect();
        self.rows.push(EvaluatedSystem { row, sums });
    }

    /// Returns the results of all systems.
    pub fn finish(self) -> Evaluation {
        let EvalConfig { tasks, preset, seeds, replicates, k, .. } = &self.config;
        let asked = |(at, &task): (usize, &EvalTask)| {
            let users = self.rows.iter().map(|evaluated| evaluated.sums[at].answered()).max().unwrap_or(0);
            TaskCoverage { task, about: task.description(), users, left_out: self.users.len() - users }
        };
        Evaluation {
            schema: SCHEMA.to_owned(),
            protocol: EvalProtocol {
                base: Protocol {
                    dataset: self.dataset.name.clone(),
                    split: self.config.split(),
                    users: self.users.len(),
                    items: self.dataset.catalogue.len(),
                },
                users_with_case: self.users_with_case,
                k: *k,
                preset: *preset,
                seeds: seeds.clone(),
                replicates: *replicates,
                rules: ProtocolRules::of_lists(),
                categories: asked_categories(*preset).to_owned(),
                answers: "greedy: the likeliest token, of those that the decode mode allows".to_owned(),
                device: self.device.clone(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            tasks: tasks.iter().enumerate().map(asked).collect(),
            slices: self.slices.as_ref().map(|slices| slices.slices().to_vec()).unwrap_or_default(),
            comparisons: self.comparisons(),
            mean_comparisons: self.mean_comparisons(),
            rows: self.rows.into_iter().map(|evaluated| evaluated.row).collect(),
        }
    }

    /// Every system with each before it that is decoded alike or needs no decoding; rankings with rankings.
    fn comparable(&self) -> Vec<[&EvaluatedSystem; 2]> {
        let mut pairs = Vec::new();
        for (at, later) in self.rows.iter().enumerate() {
            let is_alike = |earlier: &&EvaluatedSystem| {
                earlier.row.ranked == later.row.ranked
                    && earlier.row.decode.is_none_or(|mode| later.row.decode == Some(mode))
            };
            pairs.extend(self.rows[..at].iter().filter(is_alike).map(|earlier| [later, earlier]));
        }
        pairs
    }

    /// The differences of comparable systems in each task.
    fn comparisons(&self) -> Vec<SystemComparison> {
        let mut comparisons = Vec::new();
        for [later, earlier] in self.comparable() {
            for (number, &task) in self.config.tasks.iter().enumerate() {
                let compare = |metric: Metric| {
                    let difference = self.bootstrap.interval(&later.differences(earlier, number, metric)?)?;
                    let (row, with) = (later.row.label(), earlier.row.label());
                    Some(SystemComparison { row, with, task, metric, difference })
                };
                comparisons.extend(COMPARED.into_iter().filter_map(compare));
            }
        }
        comparisons
    }

    /// The differences of comparable systems in the mean over the tasks that both have.
    fn mean_comparisons(&self) -> Vec<MeanComparison> {
        let mut comparisons = Vec::new();
        for [later, earlier] in self.comparable() {
            let compare = |metric: Metric| {
                let tasks = 0..self.config.tasks.len();
                let of_tasks: Vec<Vec<f64>> =
                    tasks.filter_map(|number| later.differences(earlier, number, metric)).collect();
                let difference = self.bootstrap.interval(&user_means(&of_tasks)?)?;
                Some(MeanComparison { row: later.row.label(), with: earlier.row.label(), metric, difference })
            };
            comparisons.extend(COMPARED.into_iter().filter_map(compare));
        }
        comparisons
    }
}

impl EvaluatedSystem {
    /// Each user's difference to another system in the task of that number, NaN where either has none; `None` without the metric.
    fn differences(&self, other: &Self, task: usize, metric: Metric) -> Option<Vec<f64>> {
        let [figures, others] = [self, other].map(|system| system.sums[task].figures(metric));
        Some(differences(&figures?, &others?))
    }
}

/// The row of a system before its first answer.
fn row_of(system: &dyn System, chat: Option<ChatPerplexity>) -> SystemResult {
    SystemResult {
        name: system.name().to_owned(),
        decode: system.mode(),
        guide_weight: system.guide_weight(),
        ranked: system.is_ranking(),
        tasks: Vec::new(),
        speed: Speed::default(),
        chat,
        samples: Vec::new(),
    }
}
