//! Questions that a policy answers itself and is rewarded for (method §6): reinforcement learning needs no labels.

use std::fmt;
use std::ops::{Range, RangeInclusive};

use serde::{Deserialize, Serialize};

use super::asked::UserContext;
use super::category::category_counts;
use super::example::{Example, ExampleDraft, phrasing};
use super::instructor::ExampleBuilder;
use super::kinds::ItemFilter;
use super::proportion::ShareForm;
use super::stream_key::{self, Purpose};
use super::task::TaskFamily;
use crate::Result;
use crate::data::{CategoryId, ItemId, ItemSet};
use crate::recommend::prompt::TRAINING_PHRASINGS;
use crate::request::{Amount, Relation, Request, Share};
use crate::teacher::Scorer;

/// What is practised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Task {
    /// I0: the next item.
    #[serde(rename = "I0")]
    Sequential,
    /// +C: a kind that the target is of.
    #[serde(rename = "+C")]
    More,
    /// −C: without a category that the teacher would recommend some of, and that the target is not in.
    #[serde(rename = "-C")]
    Less,
    /// LP: at most so many of a category as for −C.
    #[serde(rename = "LP")]
    AtMost,
    /// MP: at least so many of a kind that the target is of.
    #[serde(rename = "MP")]
    AtLeast,
    /// EP: about so many of such a kind.
    #[serde(rename = "EP")]
    About,
}

/// How many items are asked for.
const LENGTHS: RangeInclusive<u64> = 6..=10;
/// A category that the teacher recommends so often is one to do without.
const OFTEN: usize = 2;

impl Task {
    /// All of them, in the method's order.
    pub const ALL: [Task; 6] = [Task::Sequential, Task::More, Task::Less, Task::AtMost, Task::AtLeast, Task::About];

    /// The task that it belongs to.
    pub fn family(self) -> TaskFamily {
        match self {
            Task::Sequential => TaskFamily::I0,
            Task::More | Task::Less => TaskFamily::I1,
            Task::AtMost | Task::AtLeast | Task::About => TaskFamily::I2,
        }
    }

    /// The key of its draws, apart from those of all tasks.
    fn stream(self) -> u64 {
        1000 + self as u64
    }

    /// The question about one case, and its wording; `None` where the catalogue has nothing to ask for.
    fn draft(self, context: &UserContext) -> Option<(ExampleDraft, usize)> {
        let (request, form) = match self {
            Task::Sequential => {
                (Request { k: length(context, context.ranking.available())?, ..context.request() }, None)
            }
            Task::More => (more(context)?, None),
            Task::Less => (less(context)?, None),
            Task::AtMost | Task::AtLeast | Task::About => {
                let (request, form) = self.share(context)?;
                (request, Some(form))
            }
        };
        let is_said = |phrasing: &usize| form.is_none_or(|form| form.is_said_by(*phrasing));
        let target = context.case.target;
        let draft = ExampleDraft { task: self.family(), request, target, items: vec![target] };
        Some((draft, phrasing(&context.stream, TRAINING_PHRASINGS.filter(is_said))))
    }

    fn share(self, context: &UserContext) -> Option<(Request, ShareForm)> {
        let rules = &context.shared.rules;
        let catalogue = context.shared.catalogue;
        let length = length(context, context.ranking.available())?;
        let mut rng = context.stream.rng(Purpose::Kind);
        let (relation, kind) = match self {
            Task::AtMost => (Relation::AtMost, ItemFilter::category(*rng.pick(&unwanted(context, length)?), catalogue)),
            Task::AtLeast => (Relation::AtLeast, context.shared.kind_of(context.case.target, &mut rng)?),
            _ => (Relation::About, context.shared.kind_of(context.case.target, &mut rng)?),
        };
        let history = if rules.fills_up { &[] } else { context.case.history };
        // No more than all would be no wish.
        let longest = if relation == Relation::AtMost { length - 1 } else { length };
        let most = (kind.available(history) as u64).min(u64::from(longest));
        let least = rules.least_share as u64;
        let choices = (most + 1).checked_sub(least).filter(|&choices| choices > 0)?;
        let count = (least + context.stream.rng(Purpose::Items).below(choices)) as u32;

        let feeling = rules.practice_feeling;
        let is_counted =
            rules.practises_counts && relation != Relation::About && context.stream.rng(Purpose::Form).chance(50);
        let amount = match is_counted {
            true => Amount::Count(count),
            false => Amount::Percent(percent(relation, count, length)),
        };
        let form = match relation {
            Relation::AtMost => ShareForm::at_most(feeling),
            Relation::AtLeast => ShareForm::at_least(feeling),
            Relation::About | Relation::Exactly => ShareForm::about(feeling),
        };
        let share = Share { of: kind.predicate(catalogue), relation, amount };
        Some((Request { k: length, shares: vec![share], ..context.request() }, form))
    }
}

/// The multiple of ten that means `count` of `length` items. The authors always show the one below, which for "at most 3 of 7" says 2.
fn percent(relation: Relation, count: u32, length: u32) -> f64 {
    let tenths = match relation {
        Relation::AtLeast => 10 * count / length,
        _ => (10 * count).div_ceil(length),
    };
    f64::from(10 * tenths)
}

/// A length, of `longest` at most; `None` where that is none.
fn length(context: &UserContext, longest: usize) -> Option<u32> {
    let span = LENGTHS.end() - LENGTHS.start() + 1;
    let drawn = LENGTHS.start() + context.stream.rng(Purpose::Count).below(span);
    (longest > 0).then(|| drawn.min(longest as u64) as u32)
}

fn more(context: &UserContext) -> Option<Request> {
    let kind = context.shared.kind_of(context.case.target, &mut context.stream.rng(Purpose::Kind))?;
    let mut request = Request { k: length(context, context.longest(&kind.members))?, ..context.request() };
    kind.require(&mut request);
    Some(request)
}

fn less(context: &UserContext) -> Option<Request> {
    let catalogue = context.shared.catalogue;
    let categories = unwanted(context, length(context, context.ranking.available())?)?;
    let category = *context.stream.rng(Purpose::Kind).pick(&categories);
    let allowed = ItemSet::from_items(catalogue.len(), catalogue.members(category)).complement();
    let k = length(context, context.longest(&allowed))?;
    Some(Request { k, none_in: vec![category], ..context.request() })
}

/// The categories without the target that the teacher's best `length` items are often in; `None` where there is no other category.
fn unwanted(context: &UserContext, length: u32) -> Option<Vec<CategoryId>> {
    let recommended: Vec<ItemId> = context.ranking.best(length as usize, |_| true);
    let counts = category_counts(&recommended, context.case.target, context.shared.catalogue);
    let often = counts.iter().map(|&(_, count)| count).max()?.min(OFTEN);
    Some(counts.into_iter().filter(|&(_, count)| count >= often).map(|(category, _)| category).collect())
}

/// Every practice about every user once, in random order, as an epoch is of examples.
pub struct Episode<'e, 'a, S> {
    builder: &'e ExampleBuilder<'a, S>,
    number: u64,
    /// What is practised, and the number of the user that it is about.
    slots: Vec<(Task, usize)>,
}

impl<'e, 'a, S: Scorer> Episode<'e, 'a, S> {
    pub(super) fn new(
        builder: &'e ExampleBuilder<'a, S>,
        number: u64,
        seed: u64,
        mut slots: Vec<(Task, usize)>,
    ) -> Self {
        stream_key::order(seed, number).shuffle(&mut slots);
        Self { builder, number, slots }
    }

    /// How many places there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The questions of some places, each with its target as the only label; a place about which the catalogue has nothing to ask has
    /// none. They depend on seed, episode and place alone.
    ///
    /// # Errors
    /// The teacher's device fails.
    ///
    /// # Panics
    /// Where the range is not within [`Episode::len`].
    pub fn questions(&self, places: Range<usize>) -> Result<Vec<(Task, Example)>> {
        self.builder.practise(self.number, &self.slots[places])
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// The question that one case and its key make.
pub(super) fn question(task: Task, context: &UserContext) -> Option<(Task, Example)> {
    let (draft, phrasing) = task.draft(context)?;
    Some((task, draft.in_words(context.shared.catalogue, phrasing)))
}

/// The key of a practice's draws.
pub(super) fn stream_of(task: Task, seed: u64, episode: u64, user: usize) -> stream_key::StreamKey {
    stream_key::StreamKey::of_stream(seed, episode, task.stream(), user)
}
