//! The builder of examples: a data set, a teacher, conversations, and the settings.

use std::ops::Range;
use std::sync::mpsc::sync_channel;

use super::alignment::{self, stream_of};
use super::builder_context::BuilderContext;
use super::chat::{self, Conversation};
use super::config::ExampleConfig;
use super::epoch::{Episode, Epoch, ExampleSplit, Slot};
use super::evaluation::{self, QuerySpec};
use super::example::{Example, phrasing};
use super::item_filter::ItemFilters;
use super::ranking::Ranking;
use super::stream_key::StreamKey;
use super::user_context::{UserContext, draw_case};
use super::{category, proportion, search, sequential};
use crate::data::split::{NextItemCase, Split, held_out, training_items};
use crate::data::{Catalogue, Dataset, ItemId, User};
use crate::recommend::prompt::TRAINING_PHRASINGS;
use crate::task::{EvalTask, Task, TaskFamily};
use crate::teacher::Scorer;
use crate::{Error, Result};

/// Examples per batch of [`ExampleBuilder::stream`]: one call of the teacher labels them all.
pub const BATCH: usize = 256;
/// The most batches that wait for the reader.
const BATCHES_AHEAD: usize = 4;

/// The families of tasks about a user's history.
const USER_TASKS: [TaskFamily; 3] = [TaskFamily::I0, TaskFamily::I1, TaskFamily::I2];

/// Builds examples from a data set, a teacher and conversations.
pub struct ExampleBuilder<'a, S> {
    dataset: &'a Dataset,
    teacher: &'a S,
    conversations: &'a [Conversation],
    config: ExampleConfig,
    shared: BuilderContext<'a>,
}

impl<'a, S: Scorer> ExampleBuilder<'a, S> {
    /// A builder over a data set whose items `teacher` scores.
    ///
    /// # Errors
    /// A teacher of another catalogue, I4 without conversations, a chat ratio out of its range.
    pub fn new(
        dataset: &'a Dataset,
        teacher: &'a S,
        conversations: &'a [Conversation],
        config: ExampleConfig,
    ) -> Result<Self> {
        let catalogue = &dataset.catalogue;
        if teacher.n_items() != catalogue.len() {
            return Err(Error::bad_input("the teacher")
                .expected(format!("one of {} items", catalogue.len()))
                .found(format!("one of {} items", teacher.n_items()))
                .next("train one on this data set with `tiller sasrec train DIR`")
                .into());
        }
        config.validate(conversations.len())?;
        let filters = ItemFilters::of(catalogue);
        let shared = BuilderContext { catalogue, filters, rules: config.preset.rules(), by_title: config.by_title };
        Ok(Self { dataset, teacher, conversations, config, shared })
    }

    /// The catalogue.
    pub fn catalogue(&self) -> &'a Catalogue {
        &self.dataset.catalogue
    }

    /// The teacher.
    pub fn teacher(&self) -> &'a S {
        self.teacher
    }

    /// Returns the slots of an epoch, in its order (method §4): users, categorised items, and a share of conversations.
    ///
    /// # Errors
    /// A data set from which the tasks cannot make a single example.
    pub fn epoch(&self, split: ExampleSplit, number: u64) -> Result<Epoch> {
        let is_measured = |family: TaskFamily| validation_tasks(family).next().is_some();
        let families = self.config.tasks.iter().copied();
        let families: Vec<TaskFamily> =
            families.filter(|&family| split == ExampleSplit::Training || is_measured(family)).collect();
        let slots_of =
            |&family: &TaskFamily| self.numbers(split, family).into_iter().map(move |number| Slot { family, number });
        let mut slots: Vec<Slot> = families.iter().flat_map(slots_of).collect();
        if families.contains(&TaskFamily::I4) {
            let conversations = match slots.len() {
                0 => self.conversations.len(),
                others => (others as f64 * self.config.chat_ratio) as usize,
            };
            slots.extend((0..conversations).map(|number| Slot { family: TaskFamily::I4, number }));
        }
        if slots.is_empty() {
            let tasks: Vec<String> = self.config.tasks.iter().map(TaskFamily::to_string).collect();
            return Err(Error::bad_input(format!("tasks {}", tasks.join(",")))
                .expected("users with at least 4 items (I0 to I2), items with a category (I3), conversations (I4)")
                .found("none in this data set and split")
                .next("choose other --tasks, or import with a lower --min-user")
                .into());
        }
        Ok(Epoch::new(split, number, self.config.seed, slots))
    }

    /// The users or items that a family asks about, by number.
    fn numbers(&self, split: ExampleSplit, family: TaskFamily) -> Vec<usize> {
        let users = |is_asked: fn(&User) -> bool| -> Vec<usize> {
            self.dataset.users.iter().enumerate().filter(move |(_, user)| is_asked(user)).map(|(at, _)| at).collect()
        };
        match (family, split) {
            (TaskFamily::I0 | TaskFamily::I1 | TaskFamily::I2, ExampleSplit::Training) => {
                users(|user| training_items(user).len() >= 2)
            }
            (TaskFamily::I0 | TaskFamily::I1 | TaskFamily::I2, ExampleSplit::Validation) => {
                users(|user| held_out(user, Split::Validation).is_some())
            }
            (TaskFamily::I3, _) => {
                let items = self.dataset.catalogue.items().iter().enumerate();
                items.filter(|(_, item)| !item.categories.is_empty()).map(|(at, _)| at).collect()
            }
            (TaskFamily::I4, _) => Vec::new(),
        }
    }

    /// Builds the examples of a range of slots, each with the number of its slot.
    ///
    /// # Errors
    /// The teacher's device fails.
    ///
    /// # Panics
    /// The range is not within [`Epoch::len`].
    pub fn examples(&self, epoch: &Epoch, range: Range<usize>) -> Result<Vec<(usize, Example)>> {
        let slots = &epoch.slots[range.clone()];
        let stream = |slot: &Slot| StreamKey::new(self.config.seed, epoch.number, slot.family, slot.number);
        let mut examples: Vec<Option<Example>> =
            slots.iter().map(|slot| self.unlabelled(slot, &stream(slot))).collect();
        let case = |(at, slot): (usize, &Slot)| {
            let stream = stream(slot);
            Some((at, self.case(epoch.split, slot, &stream)?, stream))
        };
        let cases: Vec<_> = slots.iter().enumerate().filter_map(case).collect();
        let labelled = self.with_teacher(&cases, |at, context| self.labelled(epoch.split, slots[at], context))?;
        for ((at, ..), example) in cases.into_iter().zip(labelled) {
            examples[at] = example;
        }
        Ok(range.zip(examples).filter_map(|(slot, example)| Some((slot, example?))).collect())
    }

    /// Calls `work` with the examples from a slot on, in order, while another thread has the teacher label the next
    /// batches. A failing teacher is the last item.
    pub fn stream<R>(
        &self,
        epoch: &Epoch,
        from: usize,
        work: impl FnOnce(&mut dyn Iterator<Item = Result<(usize, Example)>>) -> R,
    ) -> R {
        std::thread::scope(|scope| {
            let (sender, batches) = sync_channel(BATCHES_AHEAD);
            scope.spawn(move || {
                for start in (from..epoch.len()).step_by(BATCH) {
                    let batch = self.examples(epoch, start..epoch.len().min(start + BATCH));
                    let failed = batch.is_err();
                    // A send fails once the reader has had enough.
                    if sender.send(batch).is_err() || failed {
                        break;
                    }
                }
            });
            let mut examples = batches.into_iter().flat_map(|batch| match batch {
                Ok(examples) => examples.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            });
            work(&mut examples)
        })
    }

    /// Returns the slots of an episode of alignment, in its order (method §6).
    ///
    /// # Errors
    /// No task, a task that is only evaluated, or a data set without users to ask about.
    pub fn episode(&self, tasks: &[Task], number: u64) -> Result<Episode> {
        if let Some(task) = tasks.iter().find(|task| !Task::TRAINED.contains(task)) {
            return Err(Error::bad_input("tasks")
                .expected(Task::TRAINED.map(Task::code).join(", "))
                .found(format!("{task}, which is only evaluated"))
                .next("choose others with --set tasks=…, such as [\"I0\"]")
                .into());
        }
        let users = self.numbers(ExampleSplit::Training, TaskFamily::I0);
        let slots: Vec<_> = tasks.iter().flat_map(|&task| users.iter().map(move |&user| (task, user))).collect();
        if slots.is_empty() {
            return Err(Error::bad_input("episode")
                .expected("at least one task, and users with at least 4 items")
                .found("none")
                .next("import with a lower --min-user")
                .into());
        }
        Ok(Episode::new(number, self.config.seed, slots))
    }

    /// Builds the prompts of a range of an episode's slots, each with its target as the only label. A slot for which the
    /// catalogue has nothing to ask has none. Prompts depend on seed, episode and slot alone.
    ///
    /// # Errors
    /// The teacher's device fails.
    ///
    /// # Panics
    /// The range is not within [`Episode::len`].
    pub fn prompts(&self, episode: &Episode, range: Range<usize>) -> Result<Vec<(Task, Example)>> {
        let case = |&(task, user): &(Task, usize)| {
            let stream = stream_of(task, self.config.seed, episode.number, user);
            Some((task, draw_case(&self.dataset.users[user], &stream)?, stream))
        };
        let cases: Vec<_> = episode.slots[range].iter().filter_map(case).collect();
        let prompts = self.with_teacher(&cases, |task, context| Some((task, alignment::prompt(task, context)?)))?;
        Ok(prompts.into_iter().flatten().collect())
    }

    /// Builds the queries of an evaluation about users by number, each with the number of its user. Users who cannot be
    /// asked are left out.
    ///
    /// # Errors
    /// The teacher's device fails.
    pub fn queries(&self, spec: &QuerySpec, users: &[usize]) -> Result<Vec<(usize, Example)>> {
        let stream = |user: usize| StreamKey::new(self.config.seed, 0, spec.task.task.family(), user);
        let case = |&user: &usize| {
            let case = held_out(self.dataset.users.get(user)?, spec.split)?.truncated();
            Some((user, case, stream(user)))
        };
        let cases: Vec<_> = users.iter().filter_map(case).collect();
        let queries =
            self.with_teacher(&cases, |user, context| Some((user, evaluation::query(spec, user, context)?)))?;
        Ok(queries.into_iter().flatten().collect())
    }

    /// Builds `count` examples about one history, of all kinds of user tasks in turn: their labels are the teacher's best items after
    /// it, without those of `refused`. Fewer, where the catalogue has nothing to ask for.
    ///
    /// # Errors
    /// The teacher's device fails.
    pub fn examples_after(&self, history: &[ItemId], refused: &[ItemId], count: usize) -> Result<Vec<Example>> {
        let histories = [history];
        let made = self.teacher.answer(&histories, |_, scores| {
            let ranking = Ranking::new(scores, &[history, refused].concat());
            let Some(&target) = ranking.best(1, |_| true).first() else { return Vec::new() };
            let example = |number: usize| {
                let family = USER_TASKS[number % USER_TASKS.len()];
                let stream = StreamKey::new(self.config.seed, 0, family, number);
                let (case, ranking) = (NextItemCase { history, target }, ranking.clone());
                self.training_example(family, &UserContext { case, ranking, shared: &self.shared, stream })
            };
            (0..count).filter_map(example).collect()
        })?;
        Ok(made.into_iter().flatten().collect())
    }

    /// The example of a slot that needs no teacher.
    fn unlabelled(&self, slot: &Slot, stream: &StreamKey) -> Option<Example> {
        match slot.family {
            TaskFamily::I3 => search::example(ItemId(slot.number as u32 + 1), &self.shared, stream),
            TaskFamily::I4 => Some(chat::example(self.conversations, stream, self.shared.rules.skips_nearest_exchange)),
            TaskFamily::I0 | TaskFamily::I1 | TaskFamily::I2 => None,
        }
    }

    /// The case of a slot that needs the teacher.
    fn case(&self, split: ExampleSplit, slot: &Slot, stream: &StreamKey) -> Option<NextItemCase<'a>> {
        let user = slot.family.needs_teacher().then(|| &self.dataset.users[slot.number])?;
        match split {
            ExampleSplit::Training => draw_case(user, stream),
            ExampleSplit::Validation => held_out(user, Split::Validation).map(NextItemCase::truncated),
        }
    }

    fn labelled(&self, split: ExampleSplit, slot: Slot, context: &UserContext) -> Option<Example> {
        match split {
            ExampleSplit::Training => self.training_example(slot.family, context),
            ExampleSplit::Validation => {
                // The tasks of a family take turns from user to user.
                let tasks: Vec<Task> = validation_tasks(slot.family).collect();
                let task = EvalTask::of(tasks[slot.number % tasks.len()]);
                evaluation::query(&QuerySpec::new(task, Split::Validation), slot.number, context)
            }
        }
    }

    fn training_example(&self, family: TaskFamily, context: &UserContext) -> Option<Example> {
        let any_phrasing = || phrasing(&context.stream, TRAINING_PHRASINGS);
        let (draft, phrasing) = match family {
            TaskFamily::I0 => (sequential::draft(context)?, any_phrasing()),
            TaskFamily::I1 => (category::draft(context)?, any_phrasing()),
            TaskFamily::I2 => proportion::draft(context)?,
            TaskFamily::I3 | TaskFamily::I4 => return None,
        };
        Some(draft.in_words(&self.dataset.catalogue, phrasing))
    }

    /// Has the teacher score all items after every history, and makes something of each case; `label` tells it the case.
    fn with_teacher<L: Copy + Sync, T: Send>(
        &self,
        cases: &[(L, NextItemCase, StreamKey)],
        make: impl Fn(L, &UserContext) -> Option<T> + Sync,
    ) -> Result<Vec<Option<T>>> {
        if cases.is_empty() {
            return Ok(Vec::new());
        }
        let histories: Vec<_> = cases.iter().map(|(_, case, _)| case.history).collect();
        self.teacher.answer(&histories, |at, scores| {
            let (label, case, stream) = cases[at];
            let ranking = Ranking::new(scores, case.history);
            make(label, &UserContext { case, ranking, shared: &self.shared, stream })
        })
    }
}

/// The tasks that validate a family.
fn validation_tasks(family: TaskFamily) -> impl Iterator<Item = Task> {
    Task::TRAINED.into_iter().filter(move |task| task.family() == family)
}
