//! One user's question to be: where the history ends, what comes next, and what the teacher thinks of it.

use super::kinds::ItemFilter;
use super::ranking::Ranking;
use super::recipe::LIST_LENGTH;
use super::stream_key::{Purpose, StreamKey};
use super::world::BuilderContext;
use crate::data::rng::SeededRng;
use crate::data::split::{HISTORY_LENGTH, NextItemCase, training_items};
use crate::data::{ItemId, ItemSet, User};
use crate::request::Request;

/// Draws a case from a user's training items (method §1.5): any of them but the first is the target, and the history is a stretch
/// of 1 to [`HISTORY_LENGTH`] items that ends before it. `None` for a user with fewer than two.
pub(super) fn draw_case<'a>(user: &'a User, stream: &StreamKey) -> Option<NextItemCase<'a>> {
    let items = training_items(user);
    let mut rng = stream.rng(Purpose::History);
    let targets = items.len().checked_sub(1).filter(|&targets| targets > 0)?;
    let target = 1 + rng.below(targets as u64) as usize;
    let longest = target.min(HISTORY_LENGTH);
    let length = 1 + rng.below(longest as u64) as usize;
    Some(NextItemCase { history: &items[target - length..target], target: items[target] })
}

/// How often, in percent, a request goes beyond categories: to a condition, and to a conjunction of two kinds.
const CONDITION_PERCENT: u64 = 25;
const CONJUNCTION_PERCENT: u64 = 25;
/// How many partners are tried for a conjunction that leaves an item to recommend.
const PARTNERS: usize = 8;

/// A case with everything that labels are made from.
pub(super) struct UserContext<'a> {
    pub case: NextItemCase<'a>,
    pub ranking: Ranking<'a>,
    pub shared: &'a BuilderContext<'a>,
    pub stream: StreamKey,
}

impl UserContext<'_> {
    /// A request that has nothing but the history.
    pub fn request(&self) -> Request {
        Request { history: self.case.history.to_vec(), ..Request::default() }
    }

    /// A kind that leaves something to recommend: a category, or by the rules also a condition or a conjunction.
    pub fn draw_kind(&self) -> Option<ItemFilter> {
        let mut rng = self.stream.rng(Purpose::Kind);
        let kinds = &self.shared.kinds;
        if !self.shared.rules.beyond_categories || kinds.conditions.is_empty() {
            return self.pick(&kinds.categories, &mut rng).cloned();
        }
        let category = |rng: &mut SeededRng| self.pick(&kinds.categories, rng);
        let condition = |rng: &mut SeededRng| self.pick(&kinds.conditions, rng);
        let sort = rng.below(100);
        if sort < CONDITION_PERCENT {
            return condition(&mut rng).or_else(|| category(&mut rng)).cloned();
        }
        let one = category(&mut rng).or_else(|| condition(&mut rng))?;
        if sort < CONDITION_PERCENT + CONJUNCTION_PERCENT {
            let both = (0..PARTNERS).find_map(|_| self.open(one.and(condition(&mut rng)?)?));
            return both.or_else(|| Some(one.clone()));
        }
        Some(one.clone())
    }

    /// One of the kinds that leave something to recommend, by the rule of method B22.
    fn pick<'k>(&self, kinds: &'k [ItemFilter], rng: &mut SeededRng) -> Option<&'k ItemFilter> {
        let case = self.case;
        let is_related =
            |kind: &ItemFilter| case.history.iter().chain([&case.target]).any(|&item| kind.members.contains(item));
        let open: Vec<&ItemFilter> = kinds.iter().filter(|kind| self.is_open(kind)).collect();
        if rng.chance(self.shared.rules.related_percent) {
            let related: Vec<&ItemFilter> = open.iter().copied().filter(|kind| is_related(kind)).collect();
            if !related.is_empty() {
                return Some(*rng.pick(&related));
            }
        }
        (!open.is_empty()).then(|| *rng.pick(&open))
    }

    fn is_open(&self, kind: &ItemFilter) -> bool {
        self.shared.rules.fills_up || kind.available(self.case.history) > 0
    }

    fn open(&self, kind: ItemFilter) -> Option<ItemFilter> {
        self.is_open(&kind).then_some(kind)
    }

    /// The longest list of allowed items that is asked for.
    pub fn longest(&self, allowed: &ItemSet) -> usize {
        let history = if self.shared.rules.fills_up { &[] } else { self.case.history };
        let taken = history.iter().filter(|&&item| allowed.contains(item)).count();
        (allowed.len() - taken).min(LIST_LENGTH)
    }

    /// The teacher's best `count` items of `allowed`.
    pub fn best(&self, count: usize, allowed: impl Fn(ItemId) -> bool) -> Vec<ItemId> {
        if self.shared.rules.fills_up {
            self.ranking.best_filled_up(count, allowed)
        } else {
            self.ranking.best(count, allowed)
        }
    }

    /// A length from 1 to `longest`.
    pub fn draw_length(&self, longest: usize) -> usize {
        1 + self.stream.rng(Purpose::Count).below(longest as u64) as usize
    }
}
