//! Who makes examples: a data set, a teacher, conversations, and the settings.

use std::collections::HashMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::asked::{Asked, draw_case};
use super::chance::Chance;
use super::chat::{self, Conversation};
use super::epoch::{Epoch, Slot};
use super::example::{Example, phrasing};
use super::kinds::Kinds;
use super::practice::{self, Episode, Practice};
use super::probe::{self, Probe, Wording};
use super::ranking::Ranking;
use super::recipe::{LIST_LENGTH, Recipe};
use super::task::Task;
use super::world::World;
use super::{category, proportion, search, sequential};
use crate::data::split::{self, Case, Split, training_items};
use crate::data::{Dataset, ItemId};
use crate::recommend::prompt::TRAINING_PHRASINGS;
use crate::teacher::Scorer;
use crate::{Error, Result};

/// What examples are made, and by which rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The tasks.
    pub tasks: Vec<Task>,
    /// The sampling rules.
    pub recipe: Recipe,
    /// Decides every draw.
    pub seed: u64,
    /// Conversations for each example of another task.
    pub chat_ratio: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { tasks: Task::ALL[..4].into(), recipe: Recipe::Default, seed: 2024, chat_ratio: 0.5 }
    }
}

/// What the examples are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// To learn from: training items, the teacher's labels, drawn anew each epoch.
    Training,
    /// To validate with: the last item but one of each user as the only label, in held-out wordings.
    Validation,
}

/// What users are asked in order to measure a recommender.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// About what.
    pub probe: Probe,
    /// In which words.
    pub wording: Wording,
    /// After which part of their histories.
    pub split: Split,
    /// How long a list is asked for.
    pub k: u32,
    /// Lists that take the place of the teacher's best, by the numbers of users; a user without one gets no question that
    /// [`Probe::needs_reference`].
    pub references: Option<&'a HashMap<usize, Vec<ItemId>>>,
}

impl Question<'_> {
    /// A question for a list of ten in held-out words, whose categories are those of the teacher.
    pub fn new(probe: Probe, split: Split) -> Self {
        Self { probe, wording: Wording::default(), split, k: LIST_LENGTH as u32, references: None }
    }
}

/// Makes examples.
pub struct Instructor<'a, S> {
    dataset: &'a Dataset,
    teacher: &'a S,
    conversations: &'a [Conversation],
    settings: Settings,
    world: World<'a>,
}

impl<'a, S: Scorer> Instructor<'a, S> {
    /// An instructor over a data set whose items `teacher` scores.
    ///
    /// # Errors
    /// A teacher of another catalogue, I4 without conversations, a chat ratio that is no ratio.
    pub fn new(
        dataset: &'a Dataset,
        teacher: &'a S,
        conversations: &'a [Conversation],
        settings: Settings,
    ) -> Result<Self> {
        let n_items = dataset.catalogue.len();
        if teacher.n_items() != n_items {
            let found = format!("one of {} items", teacher.n_items());
            return Err(Error::bad_input("the teacher")
                .expected(format!("one of {n_items} items"))
                .found(found)
                .into());
        }
        if settings.tasks.contains(&Task::I4) && conversations.is_empty() {
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
        let world = World { catalogue, kinds: Kinds::of(catalogue), rules: settings.recipe.rules() };
        Ok(Self { dataset, teacher, conversations, settings, world })
    }

    /// Everything that an epoch asks about, in the epoch's order.
    ///
    /// # Errors
    /// A data set from which the tasks cannot make a single example.
    pub fn epoch(&self, part: Part, number: u64) -> Result<Epoch<'_, 'a, S>> {
        let slots: Vec<Slot> = self.slots(part);
        if slots.is_empty() {
            let tasks: Vec<String> = self.settings.tasks.iter().map(Task::to_string).collect();
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
        let asked = self.ask(&Question::new(probe, split), &users)?;
        Ok(asked.into_iter().map(|(_, example)| example).collect())
    }

    /// A question to users by their numbers, with the number of each who can be asked.
    ///
    /// # Errors
    /// The teacher's device fails.
    pub fn ask(&self, question: &Question, users: &[usize]) -> Result<Vec<(usize, Example)>> {
        let case = |&user: &usize| Some((user, split::case(self.dataset.users.get(user)?, question.split)?.told()));
        let asked: Vec<(usize, Case)> = users.iter().filter_map(case).collect();
        let chance = |user: usize| Chance::new(self.settings.seed, 0, question.probe.task(), user);
        let cases: Vec<_> = asked.iter().map(|&(user, case)| (case, chance(user))).collect();
        let examples = self.with_teacher(&cases, |at, asked_by| self.probe_example(question, asked[at].0, asked_by))?;
        Ok(asked.into_iter().zip(examples).filter_map(|((user, _), example)| Some((user, example?))).collect())
    }

    fn probe_example(&self, question: &Question, user: usize, asked: &Asked) -> Option<Example> {
        let Question { probe, wording, k, references, .. } = *question;
        let reference = match references {
            Some(lists) if probe.needs_reference() => Some(lists.get(&user)?.as_slice()),
            _ => None,
        };
        let draft = probe.draft(user, k, asked, reference)?;
        Some(draft.in_words(&self.dataset.catalogue, phrasing(&asked.chance, probe.phrasings(wording))))
    }

    /// Everything that an episode of reinforcement learning asks about, in the episode's order (method §6).
    ///
    /// # Errors
    /// A data set in which nobody can be asked about.
    pub fn episode(&self, practices: &[Practice], number: u64) -> Result<Episode<'_, 'a, S>> {
        let users = self.numbers(Part::Training, Task::I0);
        let slots: Vec<_> =
            practices.iter().flat_map(|&practice| users.iter().map(move |&user| (practice, user))).collect();
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
    pub(super) fn practise(&self, episode: u64, slots: &[(Practice, usize)]) -> Result<Vec<(Practice, Example)>> {
        let chance =
            |&(practice, user): &(Practice, usize)| practice::chance_of(practice, self.settings.seed, episode, user);
        let drawn = |slot: &(Practice, usize)| {
            let chance = chance(slot);
            Some((slot.0, self.case(Part::Training, slot.1, &chance)?, chance))
        };
        let drawn: Vec<_> = slots.iter().filter_map(drawn).collect();
        let cases: Vec<_> = drawn.iter().map(|&(_, case, chance)| (case, chance)).collect();
        let questions = self.with_teacher(&cases, |at, asked| practice::question(drawn[at].0, asked))?;
        Ok(questions.into_iter().flatten().collect())
    }

    /// The examples of some slots, in their order; `None` where the catalogue has nothing to ask for.
    pub(super) fn make(&self, part: Part, epoch: u64, slots: &[Slot]) -> Result<Vec<Option<Example>>> {
        let chance = |slot: &Slot| Chance::new(self.settings.seed, epoch, slot.task, slot.number);
        let mut examples: Vec<Option<Example>> = Vec::with_capacity(slots.len());
        let (mut asked, mut cases) = (Vec::new(), Vec::new());
        for (place, slot) in slots.iter().enumerate() {
            let chance = chance(slot);
            examples.push(match slot.task {
                Task::I3 => search::example(ItemId(slot.number as u32 + 1), &self.world, &chance),
                Task::I4 => Some(chat::example(self.conversations, &chance, self.world.rules.skips_nearest_exchange)),
                Task::I0 | Task::I1 | Task::I2 => None,
            });
            if slot.task.asks_teacher()
                && let Some(case) = self.case(part, slot.number, &chance)
            {
                asked.push(place);
                cases.push((case, chance));
            }
        }
        let labelled = self.with_teacher(&cases, |at, asked_by| {
            let slot = slots[asked[at]];
            match part {
                Part::Training => self.training_example(slot.task, asked_by),
                Part::Validation => {
                    let probes = probe::of_task(slot.task);
                    let question = Question::new(probes[slot.number % probes.len()], Split::Validation);
                    self.probe_example(&question, slot.number, asked_by)
                }
            }
        })?;
        for (place, example) in asked.into_iter().zip(labelled) {
            examples[place] = example;
        }
        Ok(examples)
    }

    fn training_example(&self, task: Task, asked: &Asked) -> Option<Example> {
        let any_phrasing = || phrasing(&asked.chance, TRAINING_PHRASINGS);
        let (draft, phrasing) = match task {
            Task::I0 => (sequential::draft(asked)?, any_phrasing()),
            Task::I1 => (category::draft(asked)?, any_phrasing()),
            Task::I2 => proportion::draft(asked)?,
            Task::I3 | Task::I4 => return None,
        };
        Some(draft.in_words(&self.dataset.catalogue, phrasing))
    }

    /// Lets the teacher score all items after every history, and makes an example of each.
    fn with_teacher<T: Send>(
        &self,
        cases: &[(Case, Chance)],
        make: impl Fn(usize, &Asked) -> Option<T> + Sync,
    ) -> Result<Vec<Option<T>>> {
        if cases.is_empty() {
            return Ok(Vec::new());
        }
        let histories: Vec<_> = cases.iter().map(|(case, _)| case.history).collect();
        self.teacher.answer(&histories, |at, scores| {
            let (case, chance) = cases[at];
            make(at, &Asked { case, ranking: Ranking::new(scores, case.history), world: &self.world, chance })
        })
    }

    fn case(&self, part: Part, user: usize, chance: &Chance) -> Option<Case<'a>> {
        let user = &self.dataset.users[user];
        match part {
            Part::Training => draw_case(user, chance),
            Part::Validation => split::case(user, Split::Validation).map(Case::told),
        }
    }

    /// What an epoch enumerates (method §4): users, categorised items, and a share of conversations.
    fn slots(&self, part: Part) -> Vec<Slot> {
        let is_asked = |task: &&Task| part == Part::Training || !probe::of_task(**task).is_empty();
        let tasks: Vec<Task> = self.settings.tasks.iter().filter(is_asked).copied().collect();
        let mut slots: Vec<Slot> = tasks
            .iter()
            .flat_map(|&task| self.numbers(part, task).into_iter().map(move |number| Slot { task, number }))
            .collect();
        if tasks.contains(&Task::I4) {
            let conversations = match slots.len() {
                0 => self.conversations.len(),
                others => (others as f64 * self.settings.chat_ratio) as usize,
            };
            slots.extend((0..conversations).map(|number| Slot { task: Task::I4, number }));
        }
        slots
    }

    /// The users or items that a task asks about.
    fn numbers(&self, part: Part, task: Task) -> Vec<usize> {
        let users = || self.dataset.users.iter().enumerate();
        match (task, part) {
            (Task::I0 | Task::I1 | Task::I2, Part::Training) => {
                users().filter(|(_, user)| training_items(user).len() >= 2).map(|(at, _)| at).collect()
            }
            (Task::I0 | Task::I1 | Task::I2, Part::Validation) => {
                users().filter(|(_, user)| split::case(user, Split::Validation).is_some()).map(|(at, _)| at).collect()
            }
            (Task::I3, _) => {
                let items = self.dataset.catalogue.items().iter().enumerate();
                items.filter(|(_, item)| !item.categories.is_empty()).map(|(at, _)| at).collect()
            }
            (Task::I4, _) => Vec::new(),
        }
    }
}
