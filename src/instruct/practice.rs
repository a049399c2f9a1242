//! Questions that a policy answers itself and is rewarded for (method §6): reinforcement learning needs no labels.

use std::fmt;
use std::ops::{Range, RangeInclusive};

use serde::{Deserialize, Serialize};

use super::asked::Asked;
use super::category::category_counts;
use super::chance::{self, Purpose};
use super::example::{Draft, Example, phrasing};
use super::instructor::Instructor;
use super::kinds::Kind;
use super::proportion::Form;
use super::task::Task;
use crate::Result;
use crate::data::{CategoryId, ItemId, ItemSet};
use crate::recommend::prompt::TRAINING_PHRASINGS;
use crate::request::{Amount, Relation, Request, Share};
use crate::teacher::Scorer;

/// What is practised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Practice {
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

impl Practice {
    /// All of them, in the method's order.
    pub const ALL: [Practice; 6] =
        [Practice::Sequential, Practice::More, Practice::Less, Practice::AtMost, Practice::AtLeast, Practice::About];

    /// The task that it belongs to.
    pub fn task(self) -> Task {
        match self {
            Practice::Sequential => Task::I0,
            Practice::More | Practice::Less => Task::I1,
            Practice::AtMost | Practice::AtLeast | Practice::About => Task::I2,
        }
    }

    /// The key of its draws, apart from those of all tasks.
    fn stream(self) -> u64 {
        1000 + self as u64
    }

    /// The question about one case, and its wording; `None` where the catalogue has nothing to ask for.
    fn draft(self, asked: &Asked) -> Option<(Draft, usize)> {
        let (request, form) = match self {
            Practice::Sequential => (Request { k: length(asked, asked.ranking.available())?, ..asked.request() }, None),
            Practice::More => (more(asked)?, None),
            Practice::Less => (less(asked)?, None),
            Practice::AtMost | Practice::AtLeast | Practice::About => {
                let (request, form) = self.share(asked)?;
                (request, Some(form))
            }
        };
        let is_said = |phrasing: &usize| form.is_none_or(|form| form.is_said_by(*phrasing));
        let target = asked.case.target;
        let draft = Draft { task: self.task(), request, target, items: vec![target] };
        Some((draft, phrasing(&asked.chance, TRAINING_PHRASINGS.filter(is_said))))
    }

    fn share(self, asked: &Asked) -> Option<(Request, Form)> {
        let rules = &asked.world.rules;
        let catalogue = asked.world.catalogue;
        let length = length(asked, asked.ranking.available())?;
        let mut dice = asked.chance.dice(Purpose::Kind);
        let (relation, kind) = match self {
            Practice::AtMost => (Relation::AtMost, Kind::category(*dice.pick(&unwanted(asked, length)?), catalogue)),
            Practice::AtLeast => (Relation::AtLeast, asked.world.kind_of(asked.case.target, &mut dice)?),
            _ => (Relation::About, asked.world.kind_of(asked.case.target, &mut dice)?),
        };
        let history = if rules.fills_up { &[] } else { asked.case.history };
        // No more than all would be no wish.
        let longest = if relation == Relation::AtMost { length - 1 } else { length };
        let most = (kind.available(history) as u64).min(u64::from(longest));
        let least = rules.least_share as u64;
        let choices = (most + 1).checked_sub(least).filter(|&choices| choices > 0)?;
        let count = (least + asked.chance.dice(Purpose::Items).below(choices)) as u32;

        let feeling = rules.practice_feeling;
        let is_counted =
            rules.practises_counts && relation != Relation::About && asked.chance.dice(Purpose::Form).chance(50);
        let amount = match is_counted {
            true => Amount::Count(count),
            false => Amount::Percent(percent(relation, count, length)),
        };
        let form = match relation {
            Relation::AtMost => Form::at_most(feeling),
            Relation::AtLeast => Form::at_least(feeling),
            Relation::About | Relation::Exactly => Form::about(feeling),
        };
        let share = Share { of: kind.predicate(catalogue), relation, amount };
        Some((Request { k: length, shares: vec![share], ..asked.request() }, form))
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
fn length(asked: &Asked, longest: usize) -> Option<u32> {
    let span = LENGTHS.end() - LENGTHS.start() + 1;
    let drawn = LENGTHS.start() + asked.chance.dice(Purpose::Count).below(span);
    (longest > 0).then(|| drawn.min(longest as u64) as u32)
}

fn more(asked: &Asked) -> Option<Request> {
    let kind = asked.world.kind_of(asked.case.target, &mut asked.chance.dice(Purpose::Kind))?;
    let mut request = Request { k: length(asked, asked.longest(&kind.members))?, ..asked.request() };
    kind.require(&mut request);
    Some(request)
}

fn less(asked: &Asked) -> Option<Request> {
    let catalogue = asked.world.catalogue;
    let categories = unwanted(asked, length(asked, asked.ranking.available())?)?;
    let category = *asked.chance.dice(Purpose::Kind).pick(&categories);
    let allowed = ItemSet::of(catalogue.len(), catalogue.members(category)).complement();
    let k = length(asked, asked.longest(&allowed))?;
    Some(Request { k, none_in: vec![category], ..asked.request() })
}

/// The categories without the target that the teacher's best `length` items are often in; `None` where there is no other category.
fn unwanted(asked: &Asked, length: u32) -> Option<Vec<CategoryId>> {
    let recommended: Vec<ItemId> = asked.ranking.best(length as usize, |_| true);
    let counts = category_counts(&recommended, asked.case.target, asked.world.catalogue);
    let often = counts.iter().map(|&(_, count)| count).max()?.min(OFTEN);
    Some(counts.into_iter().filter(|&(_, count)| count >= often).map(|(category, _)| category).collect())
}

/// Every practice about every user once, in random order, as an epoch is of examples.
pub struct Episode<'e, 'a, S> {
    instructor: &'e Instructor<'a, S>,
    number: u64,
    /// What is practised, and the number of the user that it is about.
    slots: Vec<(Practice, usize)>,
}

impl<'e, 'a, S: Scorer> Episode<'e, 'a, S> {
    pub(super) fn new(
        instructor: &'e Instructor<'a, S>,
        number: u64,
        seed: u64,
        mut slots: Vec<(Practice, usize)>,
    ) -> Self {
        chance::order(seed, number).shuffle(&mut slots);
        Self { instructor, number, slots }
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
    pub fn questions(&self, places: Range<usize>) -> Result<Vec<(Practice, Example)>> {
        self.instructor.practise(self.number, &self.slots[places])
    }
}

impl fmt::Display for Practice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// The question that one case and its key make.
pub(super) fn question(practice: Practice, asked: &Asked) -> Option<(Practice, Example)> {
    let (draft, phrasing) = practice.draft(asked)?;
    Some((practice, draft.in_words(asked.world.catalogue, phrasing)))
}

/// The key of a practice's draws.
pub(super) fn chance_of(practice: Practice, seed: u64, episode: u64, user: usize) -> chance::Chance {
    chance::Chance::of_stream(seed, episode, practice.stream(), user)
}
