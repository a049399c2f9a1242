//! Who makes examples: a data set, a teacher, conversations, and the settings.

use std::collections::HashMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::asked::{UserContext, draw_case};
use super::chat::{self, Conversation};
use super::epoch::{Epoch, Slot};
use super::example::{Example, phrasing};
use super::kinds::Kinds;
use super::practice::{self, Episode, Task};
use super::probe::{self, Probe, PromptWording};
use super::ranking::Ranking;
use super::recipe::{LIST_LENGTH, Preset};
use super::stream_key::StreamKey;
use super::task::TaskFamily;
use super::world::BuilderContext;
use super::{category, proportion, search, sequential};
use crate::data::split::{self, NextItemCase, Split, training_items};
use crate::data::{Dataset, ItemId};
use crate::recommend::prompt::TRAINING_PHRASINGS;
use crate::teacher::Scorer;
use crate::{Error, Result};

/// What examples are made, and by which rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExampleConfig {
    /// The tasks.
    pub tasks: Vec<TaskFamily>,
    /// The sampling rules.
    #[serde(alias = "recipe")]
    pub preset: Preset,
    /// Decides every draw.
    pub seed: u64,
    /// Conversations for each example of another task.
    pub chat_ratio: f64,
}

impl Default for ExampleConfig {
    fn default() -> Self {
        Self { tasks: TaskFamily::ALL[..4].into(), preset: Preset::Default, seed: 2024, chat_ratio: 0.5 }
    }
}

/// What the examples are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExampleSplit {
    /// To learn from: training items, the teacher's labels, drawn anew each epoch.
    Training,
    /// To validate with: the last item but one of each user as the only label, in held-out wordings.
    Validation,
}

/// What users are asked in order to measure a recommender.
#[derive(Debug, Clone, Copy)]
pub struct QuerySpec<'a> {
    /// About what.
    pub probe: Probe,
    /// In which words.
    pub wording: PromptWording,
    /// After which part of their histories.
    pub split: Split,
    /// How long a list is asked for.
    pub k: u32,
    /// Lists that take the place of the teacher's best, by the numbers of users; a user without one gets no question that
    /// [`Probe::needs_reference`].
    pub references: Option<&'a HashMap<usize, Vec<ItemId>>>,
}

impl QuerySpec<'_> {
    /// A question for a list of ten in held-out words, whose categories are those of the teacher.
    pub fn new(probe: Probe, split: Split) -> Self {
        Self { probe, wording: PromptWording::default(), split, k: LIST_LENGTH as u32, references: None }
    }
}

/// Makes examples.
pub struct ExampleBuilder<'a, S> {
    dataset: &'a Dataset,
    teacher: &'a S,
    conversations: &'a [Conversation],
    settings: ExampleConfig,
    shared: BuilderContext<'a>,
}

impl<'a, S: Scorer> ExampleBuilder<'a, S> {
    /// A builder over a data set whose items `teacher` scores.
    ///
    /// # Errors
    /// A teacher of another catalogue, I4 without conversations, a chat ratio that is no ratio.
    pub fn new(
        dataset: &'a Dataset,
        teacher: &'a S,
        conversations: &'a [Conversation],
        settings: ExampleConfig,
    ) -> Result<Self> {
        let n_items = dataset.catalogue.len();
        if teacher.n_items() != n_items {
            let found = format!("one of {} items", teacher.n_items());
            return Err(Error::bad_input("the teacher")
                .expected(format!("one of {n_items} items"))
                .found(found)
                .into());
        }
        if settings.tasks.contains(&TaskFamily::I4) && conversations.is_empty() {
            return Err(Error::bad_input("task I4")
                .expected("conversations")
                .found("none")
                .next("name a file of them with --chat, or leave I4 out")
                .into());
        }
        if !(0.0..=100.0).contains(&settings.chat_ratio) {
            return Err(Error::bad_input("--chat-ratio")
                .expected("a number from 0 to 100")
                .found(settings.chat_ratio)
                .next("0.5 gives one conversation for every two other examples")
                .into());
        }
        let catalogue = &dataset.catalogue;
        let shared = BuilderContext { catalogue, kinds: Kinds::of(catalogue), rules: settings.preset.rules() };
        Ok(Self { dataset, teacher, conversations, settings, shared })
    }

    /// Everything that an epoch asks about, in the epoch's order.
    ///
    /// # Errors
    /// A data set from which the tasks cannot make a single example.
    pub fn epoch(&self, part: ExampleSplit, number: u64) -> Result<Epoch<'_, 'a, S>> {
        let slots: Vec<Slot> = self.slots(part);
        if slots.is_empty() {
            let tasks: Vec<String> = self.settings.tasks.iter().map(TaskFamily::to_string).collect();
            return Err(Error::bad_input(format!("tasks {}", tasks.join(",")))
                .expected("users with at least 4 items (I0 to I2), items with a category (I3), conversations (I4)")
                .found("none in this data set and split")
                .next("choose other --tasks, or import with a lower --min-user")
                .into());
        }
        Ok(Epoch::new(self, part, number, self.settings.seed, slots))
    }

    /// The questions of a probe to the given users of a split, of those users who can be asked.
    ///
    /// # Errors
    /// The teacher's device fails.
    pub fn probe(&self, probe: Probe, split: Split, users: Range<usize>) -> Result<Vec<Example>> {
        let users: Vec<usize> = users.collect();
        let asked = self.eval_examples(&QuerySpec::new(probe, split), &users)?;
        Ok(asked.into_iter().map(|(_, example)| example).collect())
    }

    /// A question to users by their numbers, with the number of each who can be asked.
    ///
    /// # Errors
    /// The teacher's device fails.
    pub fn eval_examples(&self, question: &QuerySpec, users: &[usize]) -> Result<Vec<(usize, Example)>> {
        let case =
            |&user: &usize| Some((user, split::held_out(self.dataset.users.get(user)?, question.split)?.truncated()));
        let asked: Vec<(usize, NextItemCase)> = users.iter().filter_map(case).collect();
        let stream = |user: usize| StreamKey::new(self.settings.seed, 0, question.probe.family(), user);
        let cases: Vec<_> = asked.iter().map(|&(user, case)| (case, stream(user))).collect();
        let examples = self.with_teacher(&cases, |at, context| self.probe_example(question, asked[at].0, context))?;
        Ok(asked.into_iter().zip(examples).filter_map(|((user, _), example)| Some((user, example?))).collect())
    }

    fn probe_example(&self, question: &QuerySpec, user: usize, context: &UserContext) -> Option<Example> {
        let QuerySpec { probe, wording, k, references, .. } = *question;
        let reference = match references {
            Some(lists) if probe.needs_reference() => Some(lists.get(&user)?.as_slice()),
            _ => None,
        };
        let draft = probe.draft(user, k, context, reference)?;
        Some(draft.in_words(&self.dataset.catalogue, phrasing(&context.stream, probe.phrasings(wording))))
    }

    /// Everything that an episode of reinforcement learning asks about, in the episode's order (method §6).
    ///
    /// # Errors
    /// A data set in which nobody can be asked about.
    pub fn episode(&self, tasks: &[Task], number: u64) -> Result<Episode<'_, 'a, S>> {
        let users = self.numbers(ExampleSplit::Training, TaskFamily::I0);
        let slots: Vec<_> = tasks.iter().flat_map(|&task| users.iter().map(move |&user| (task, user))).collect();
        if slots.is_empty() {
            return Err(Error::bad_input("episode")
                .expected("something to practise, and users with at least 4 items")
                .found("none")
                .next("import with a lower --min-user")
                .into());
        }
        Ok(Episode::new(self, number, self.settings.seed, slots))
    }

    /// The questions of some places of an episode, of those that the catalogue has something to ask for.
    pub(super) fn practise(&self, episode: u64, slots: &[(Task, usize)]) -> Result<Vec<(Task, Example)>> {
        let stream = |&(task, user): &(Task, usize)| practice::stream_of(task, self.settings.seed, episode, user);
        let drawn = |slot: &(Task, usize)| {
            let stream = stream(slot);
            Some((slot.0, self.case(ExampleSplit::Training, slot.1, &stream)?, stream))
        };
        let drawn: Vec<_> = slots.iter().filter_map(drawn).collect();
        let cases: Vec<_> = drawn.iter().map(|&(_, case, stream)| (case, stream)).collect();
        let questions = self.with_teacher(&cases, |at, context| practice::question(drawn[at].0, context))?;
        Ok(questions.into_iter().flatten().collect())
    }

    /// The examples of some slots, in their order; `None` where the catalogue has nothing to ask for.
    pub(super) fn make(&self, part: ExampleSplit, epoch: u64, slots: &[Slot]) -> Result<Vec<Option<Example>>> {
        let stream = |slot: &Slot| StreamKey::new(self.settings.seed, epoch, slot.task, slot.number);
        let mut examples: Vec<Option<Example>> = Vec::with_capacity(slots.len());
        let (mut asked, mut cases) = (Vec::new(), Vec::new());
        for (place, slot) in slots.iter().enumerate() {
            let stream = stream(slot);
            examples.push(match slot.task {
                TaskFamily::I3 => search::example(ItemId(slot.number as u32 + 1), &self.shared, &stream),
                TaskFamily::I4 => {
                    Some(chat::example(self.conversations, &stream, self.shared.rules.skips_nearest_exchange))
                }
                TaskFamily::I0 | TaskFamily::I1 | TaskFamily::I2 => None,
            });
            if slot.task.asks_teacher()
                && let Some(case) = self.case(part, slot.number, &stream)
            {
                asked.push(place);
                cases.push((case, stream));
            }
        }
        let labelled = self.with_teacher(&cases, |at, context| {
            let slot = slots[asked[at]];
            match part {
                ExampleSplit::Training => self.training_example(slot.task, context),
                ExampleSplit::Validation => {
                    let probes = probe::of_family(slot.task);
                    let question = QuerySpec::new(probes[slot.number % probes.len()], Split::Validation);
                    self.probe_example(&question, slot.number, context)
                }
            }
        })?;
        for (place, example) in asked.into_iter().zip(labelled) {
            examples[place] = example;
        }
        Ok(examples)
    }

    fn training_example(&self, task: TaskFamily, context: &UserContext) -> Option<Example> {
        let any_phrasing = || phrasing(&context.stream, TRAINING_PHRASINGS);
        let (draft, phrasing) = match task {
            TaskFamily::I0 => (sequential::draft(context)?, any_phrasing()),
            TaskFamily::I1 => (category::draft(context)?, any_phrasing()),
            TaskFamily::I2 => proportion::draft(context)?,
            TaskFamily::I3 | TaskFamily::I4 => return None,
        };
        Some(draft.in_words(&self.dataset.catalogue, phrasing))
    }

    /// Lets the teacher score all items after every history, and makes an example of each.
    fn with_teacher<T: Send>(
        &self,
        cases: &[(NextItemCase, StreamKey)],
        make: impl Fn(usize, &UserContext) -> Option<T> + Sync,
    ) -> Result<Vec<Option<T>>> {
        if cases.is_empty() {
            return Ok(Vec::new());
        }
        let histories: Vec<_> = cases.iter().map(|(case, _)| case.history).collect();
        self.teacher.answer(&histories, |at, scores| {
            let (case, stream) = cases[at];
            make(at, &UserContext { case, ranking: Ranking::new(scores, case.history), shared: &self.shared, stream })
        })
    }

    fn case(&self, part: ExampleSplit, user: usize, stream: &StreamKey) -> Option<NextItemCase<'a>> {
        let user = &self.dataset.users[user];
        match part {
            ExampleSplit::Training => draw_case(user, stream),
            ExampleSplit::Validation => split::held_out(user, Split::Validation).map(NextItemCase::truncated),
        }
    }

    /// What an epoch enumerates (method §4): users, categorised items, and a share of conversations.
    fn slots(&self, part: ExampleSplit) -> Vec<Slot> {
        let is_asked = |task: &&TaskFamily| part == ExampleSplit::Training || !probe::of_family(**task).is_empty();
        let tasks: Vec<TaskFamily> = self.settings.tasks.iter().filter(is_asked).copied().collect();
        let mut slots: Vec<Slot> = tasks
            .iter()
            .flat_map(|&task| self.numbers(part, task).into_iter().map(move |number| Slot { task, number }))
            .collect();
        if tasks.contains(&TaskFamily::I4) {
            let conversations = match slots.len() {
                0 => self.conversations.len(),
                others => (others as f64 * self.settings.chat_ratio) as usize,
            };
            slots.extend((0..conversations).map(|number| Slot { task: TaskFamily::I4, number }));
        }
        slots
    }

    /// The users or items that a task asks about.
    fn numbers(&self, part: ExampleSplit, task: TaskFamily) -> Vec<usize> {
        let users = || self.dataset.users.iter().enumerate();
        match (task, part) {
            (TaskFamily::I0 | TaskFamily::I1 | TaskFamily::I2, ExampleSplit::Training) => {
                users().filter(|(_, user)| training_items(user).len() >= 2).map(|(at, _)| at).collect()
            }
            (TaskFamily::I0 | TaskFamily::I1 | TaskFamily::I2, ExampleSplit::Validation) => users()
                .filter(|(_, user)| split::held_out(user, Split::Validation).is_some())
                .map(|(at, _)| at)
                .collect(),
            (TaskFamily::I3, _) => {
                let items = self.dataset.catalogue.items().iter().enumerate();
                items.filter(|(_, item)| !item.categories.is_empty()).map(|(at, _)| at).collect()
            }
            (TaskFamily::I4, _) => Vec::new(),
        }
    }
}
