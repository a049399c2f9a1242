//! The same questions to everybody who is compared, one after another, and what came of it.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};

use super::answerer::{Answer, Answerer, Put};
use super::bootstrap::Bootstrap;
use super::fuzzy::TitleIndex;
use super::measure::{Measures, is_of_kind, measure};
use super::metric::Metric;
use super::result::{
    Asked, Chat, Comparison, Evaluation, Figures, Protocol, Row, SCHEMA, Sample, SampleItem, Speed, label,
};
use super::subject::Subject;
use super::tally::Tally;
use crate::data::dice::Dice;
use crate::data::split::{Split, case};
use crate::data::{Dataset, ItemId};
use crate::decode::Mode;
use crate::instruct::{Instructor, LIST_LENGTH, Probe, Question, Recipe, Settings};
use crate::recommend::{Checked, check};
use crate::teacher::Scorer;
use crate::{Error, Result};

/// How many users are asked at a time.
const CHUNK: usize = 128;
/// The metrics that rows are compared in.
const COMPARED: [Metric; 7] =
    [Metric::HR, Metric::NDCG, Metric::TCP, Metric::CPA, Metric::CorrectCount, Metric::NonExist, Metric::Obeyed];
/// What a list tells of a request that it was not given for.
const UNASKED: [Metric; 2] = [Metric::TCP, Metric::CPA];

/// What is asked of whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExamConfig {
    /// What is asked.
    pub subjects: Vec<Subject>,
    /// How many users are asked; all of them where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<usize>,
    /// Whether the last item but one of each user is the target, instead of the last.
    pub validation: bool,
    /// How long the lists are.
    pub k: u32,
    /// Whose rules.
    pub recipe: Recipe,
    /// What decides wordings and random candidates.
    pub seeds: Vec<u64>,
    /// Resamples of the users for intervals.
    pub replicates: usize,
    /// Lists of each row and subject that are kept to be shown.
    pub samples: usize,
}

impl Default for ExamConfig {
    fn default() -> Self {
        Self {
            subjects: Subject::all(),
            users: None,
            validation: false,
            k: LIST_LENGTH as u32,
            recipe: Recipe::Default,
            seeds: vec![Settings::default().seed],
            replicates: 1000,
            samples: 2,
        }
    }
}

/// An evaluation in the making.
pub struct Exam<'a, S> {
    dataset: &'a Dataset,
    teacher: &'a S,
    config: ExamConfig,
    titles: TitleIndex<'a>,
    /// The numbers of the users who are asked, ascending.
    users: Vec<usize>,
    users_with_case: usize,
    bootstrap: Bootstrap,
    device: String,
    /// Whether a list exists that a seed's question to a user asks for, as far as that is known.
    possible: HashMap<(u64, Subject, usize), bool>,
    rows: Vec<Examined>,
}

/// A row, and its figures user by user.
struct Examined {
    row: Row,
    tallies: Vec<Tally>,
}

/// One pass over all subjects.
struct Round<'a, S> {
    seed: u64,
    instructor: Instructor<'a, S>,
}

/// What a row's lists add up to in one subject.
struct Sheet {
    subject: Subject,
    exact: Tally,
    fuzzy: Tally,
    unasked: Tally,
}

impl<'a, S: Scorer> Exam<'a, S> {
    /// An exam about a data set. `teacher` names the categories that are asked for; `device` is for the protocol.
    ///
    /// # Errors
    /// No subject, no seed, no resamples, or no user with a case.
    pub fn new(dataset: &'a Dataset, teacher: &'a S, config: ExamConfig, device: String) -> Result<Self> {
        let empty = |place: &str| Error::bad_input(place).expected("at least one").found("none");
        if config.subjects.is_empty() {
            return Err(empty("--tasks").into());
        }
        if config.k == 0 {
            return Err(empty("--k").into());
        }
        if config.seeds.is_empty() || config.replicates == 0 {
            return Err(empty(if config.seeds.is_empty() { "--seeds" } else { "replicates" }).into());
        }
        let mut config = config;
        config.subjects = in_order(&config.subjects, config.recipe);
        let split = split_of(&config);
        let with_case = (0..dataset.users.len()).filter(|&user| case(&dataset.users[user], split).is_some());
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
        let mut users = Dice::new(0, 0).sample(with_case, config.users.unwrap_or(users_with_case));
        users.sort_unstable();
        let bootstrap = Bootstrap::new(users.len(), config.replicates, 0);
        let titles = TitleIndex::new(&dataset.catalogue);
        let (possible, rows) = (HashMap::new(), Vec::new());
        Ok(Self { dataset, teacher, config, titles, users, users_with_case, bootstrap, device, possible, rows })
    }

    /// How many questions a row is asked at most.
    pub fn questions(&self) -> u64 {
        (self.config.seeds.len() * self.config.subjects.len() * self.users.len()) as u64
    }

    /// Asks everything, and keeps the figures as a row; `bar` counts the questions.
    ///
    /// # Errors
    /// A question that cannot be put to the answerer, a device that fails.
    pub fn ask(&mut self, answerer: &dyn Answerer, chat: Option<Chat>, bar: &ProgressBar) -> Result<()> {
        let label = label(answerer.name(), answerer.mode());
        let tally = || Tally::new(self.users.len());
        let sheet = |&subject: &Subject| Sheet { subject, exact: tally(), fuzzy: tally(), unasked: tally() };
        let mut sheets: Vec<Sheet> = self.config.subjects.iter().map(sheet).collect();
        let (mut speed, mut samples) = (Speed::default(), Vec::new());
        for seed in self.config.seeds.clone() {
            let settings = Settings { seed, ..Settings::default() };
            let round = Round { seed, instructor: Instructor::new(self.dataset, self.teacher, &[], settings)? };
            // The titles that each user gets without asking for anything.
            let mut plain: HashMap<usize, Vec<String>> = HashMap::new();
            for sheet in &mut sheets {
                bar.set_message(format!("{label}: {}", sheet.subject));
                let mut shown = if seed == self.config.seeds[0] { self.config.samples } else { 0 };
                for chunk in (0..self.users.len()).step_by(CHUNK) {
                    let places = chunk..self.users.len().min(chunk + CHUNK);
                    let asked = self.questions_to(&round, sheet.subject, places.clone(), &plain)?;
                    let puts: Vec<Put> = asked.iter().map(|(_, put)| put.clone()).collect();
                    let (answers, took) = answerer.answer(&puts)?;
                    speed.add(took);
                    for ((place, put), answer) in asked.iter().zip(answers) {
                        if shown > 0 {
                            samples.push(self.sample(sheet.subject, put, &answer));
                            shown -= 1;
                        }
                        self.mark(sheet, *place, put, &answer, plain.get(place));
                        if sheet.subject == Subject::of(Probe::Sequential) {
                            plain.insert(*place, answer.titles);
                        }
                    }
                    bar.inc(places.len() as u64);
                }
            }
        }
        let decode = answerer.mode();
        self.keep(Row { name: answerer.name().to_owned(), decode, subjects: Vec::new(), speed, chat, samples }, sheets);
        Ok(())
    }

    /// The questions of a subject to some of the users, each with the place of the user among those who are asked. Questions that no list
    /// could answer are left out.
    fn questions_to(
        &mut self,
        round: &Round<S>,
        subject: Subject,
        places: Range<usize>,
        plain: &HashMap<usize, Vec<String>>,
    ) -> Result<Vec<(usize, Put)>> {
        let catalogue = &self.dataset.catalogue;
        let users = &self.users[places];
        let place_of = |user: usize| self.users.binary_search(&user).ok();
        let own = (self.config.recipe == Recipe::Paper).then(|| {
            let items = |titles: &Vec<String>| -> Vec<ItemId> {
                titles.iter().filter_map(|title| catalogue.by_title(title)).collect()
            };
            let list = |&user: &usize| Some((user, items(plain.get(&place_of(user)?)?)));
            users.iter().filter_map(list).collect::<HashMap<_, _>>()
        });
        let question = Question {
            probe: subject.probe,
            wording: subject.wording,
            split: split_of(&self.config),
            k: self.config.k,
            references: own.as_ref(),
        };
        let mut puts = Vec::new();
        for (user, example) in round.instructor.ask(&question, users)? {
            let key = (round.seed, subject, user);
            let is_fixed = self.config.recipe == Recipe::Default;
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
                puts.push((place, Put { user: self.dataset.users[user].key.clone(), example }));
            }
        }
        Ok(puts)
    }

    /// Adds an answer to the figures.
    fn mark(&self, sheet: &mut Sheet, place: usize, put: &Put, answer: &Answer, plain: Option<&Vec<String>>) {
        // The authors skip empty answers; B16 calls them failures.
        if self.config.recipe == Recipe::Paper && answer.titles.is_empty() {
            return;
        }
        let of = |titles: &[String]| -> Measures { measure(titles, &put.example, &self.dataset.catalogue) };
        sheet.exact.add(place, &of(&answer.titles), &Metric::ALL);
        sheet.fuzzy.add(place, &of(&self.titles.mend(&answer.titles)), &Metric::ALL);
        if let Some(plain) = plain.filter(|_| put.example.request.as_ref().is_some_and(|r| r.has_intention())) {
            sheet.unasked.add(place, &of(plain), &UNASKED);
        }
    }

    fn sample(&self, subject: Subject, put: &Put, answer: &Answer) -> Sample {
        let catalogue = &self.dataset.catalogue;
        let request = put.example.request.clone().unwrap_or_default();
        let item = |checked: Checked| SampleItem {
            of_kind: checked.item.and_then(|item| is_of_kind(item, &request, catalogue)),
            is_target: checked.item.is_some() && checked.item == put.example.target,
            title: checked.title,
            status: checked.status,
            breaks: checked.breaks,
        };
        let titles = answer.titles.iter().map(String::as_str);
        Sample {
            subject,
            user: put.user.clone(),
            question: put.example.messages.last().map_or_else(String::new, |turn| turn.content.clone()),
            request: serde_json::to_value(request.in_words(catalogue)).unwrap_or_default(),
            target: put.example.target.map_or_else(String::new, |target| catalogue.title(target).to_owned()),
            text: answer.text.clone(),
            items: check(titles, &request, catalogue).into_iter().map(item).collect(),
            obeyed: measure(&answer.titles, &put.example, catalogue).obeyed,
        }
    }

    fn keep(&mut self, mut row: Row, sheets: Vec<Sheet>) {
        row.subjects = sheets
            .iter()
            .map(|sheet| Figures {
                subject: sheet.subject,
                exact: sheet.exact.intervals(&self.bootstrap),
                fuzzy: sheet.fuzzy.intervals(&self.bootstrap),
                unasked: sheet.unasked.intervals(&self.bootstrap),
            })
            .collect();
        let tallies = sheets.into_iter().map(|sheet| sheet.exact).collect();
        self.rows.push(Examined { row, tallies });
    }

    /// What was found.
    pub fn finish(self) -> Evaluation {
        let ExamConfig { subjects, recipe, seeds, replicates, validation, k, .. } = &self.config;
        let asked = |(at, &subject): (usize, &Subject)| {
            let users = self.rows.iter().map(|examined| examined.tallies[at].answered()).max().unwrap_or(0);
            Asked { subject, about: subject.description(), users, left_out: self.users.len() - users }
        };
        Evaluation {
            schema: SCHEMA.to_owned(),
            protocol: Protocol {
                dataset: self.dataset.name.clone(),
                split: if *validation { "validation" } else { "test" }.to_owned(),
                users: self.users.len(),
                users_with_case: self.users_with_case,
                items: self.dataset.catalogue.len(),
                k: *k,
                recipe: *recipe,
                seeds: seeds.clone(),
                replicates: *replicates,
                device: self.device.clone(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            subjects: subjects.iter().enumerate().map(asked).collect(),
            comparisons: self.comparisons(),
            rows: self.rows.into_iter().map(|examined| examined.row).collect(),
        }
    }

    /// Every row with all before it that are decoded alike, and with those that need no decoding.
    fn comparisons(&self) -> Vec<Comparison> {
        let mut comparisons = Vec::new();
        for (at, later) in self.rows.iter().enumerate() {
            let is_alike = |earlier: &&Examined| earlier.row.decode.is_none_or(|mode| later.row.decode == Some(mode));
            for earlier in self.rows[..at].iter().filter(is_alike) {
                for (number, &subject) in self.config.subjects.iter().enumerate() {
                    let tallies = [&later.tallies[number], &earlier.tallies[number]];
                    let compare = |metric: Metric| {
                        let [figures, others] = tallies.map(|tally| tally.figures(metric));
                        let difference = self.bootstrap.difference(&figures?, &others?)?;
                        let (row, with) = (later.row.label(), earlier.row.label());
                        Some(Comparison { row, with, subject, metric, difference })
                    };
                    comparisons.extend(COMPARED.into_iter().filter_map(compare));
                }
            }
        }
        comparisons
    }
}

/// Each subject once, and I0 before all: other figures are made with its lists. The authors' rules cannot do without it.
fn in_order(subjects: &[Subject], recipe: Recipe) -> Vec<Subject> {
    let plain = Subject::of(Probe::Sequential);
    let first = (subjects.contains(&plain) || recipe == Recipe::Paper).then_some(plain);
    let mut seen = BTreeSet::new();
    let mut is_new = |subject: &Subject| seen.insert(subject.to_string());
    first.into_iter().chain(subjects.iter().copied()).filter(|subject| is_new(subject)).collect()
}

fn split_of(config: &ExamConfig) -> Split {
    if config.validation { Split::Validation } else { Split::Test }
}
