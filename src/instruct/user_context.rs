//! The context of one user's example: history, target and the teacher's ranking.

use super::builder_context::BuilderContext;
use super::item_filter::ItemFilter;
use super::ranking::Ranking;
use super::stream_key::{Purpose, StreamKey};
use crate::data::rng::SeededRng;
use crate::data::split::{HISTORY_LENGTH, NextItemCase, training_items};
use crate::data::{ItemId, ItemSet, User};
use crate::request::Request;
use crate::task::LIST_LENGTH;

/// Draws a case from a user's training items (method §1.5). Any of them but the first is the target; the history is a
/// stretch of 1 to [`HISTORY_LENGTH`] items that ends before it. `None` for a user with fewer than two.
pub(super) fn draw_case<'a>(user: &'a User, stream: &StreamKey) -> Option<NextItemCase<'a>> {
    let items = training_items(user);
    let mut rng = stream.rng(Purpose::History);
    let targets = items.len().checked_sub(1).filter(|&targets| targets > 0)?;
    let target = 1 + rng.below(targets as u64) as usize;
    let longest = target.min(HISTORY_LENGTH);
    let length = 1 + rng.below(longest as u64) as usize;
    Some(NextItemCase { history: &items[target - length..target], target: items[target] })
}

/// Percentages of requests beyond categories: for a condition, and for a conjunction of two filters.
const CONDITION_PERCENT: u64 = 25;
const CONJUNCTION_PERCENT: u64 = 25;
/// Conditions that are tried until a conjunction leaves an item to recommend.
const PARTNERS: usize = 8;

/// A case with everything that its request and labels are made from.
pub(super) struct UserContext<'a> {
    pub case: NextItemCase<'a>,
    pub ranking: Ranking<'a>,
    pub shared: &'a BuilderContext<'a>,
    pub stream: StreamKey,
}

impl UserContext<'_> {
    /// A request with nothing but the history.
    pub fn request(&self) -> Request {
        Request { history: self.case.history.to_vec(), ..Request::default() }
    }

    /// Draws a filter that leaves items to recommend: a category, or by the rules also a condition or a conjunction.
    pub fn draw_filter(&self) -> Option<ItemFilter> {
        let mut rng = self.stream.rng(Purpose::Filter);
        let filters = &self.shared.filters;
        if !self.shared.rules.beyond_categories || filters.conditions.is_empty() {
            return self.pick(&filters.categories, &mut rng).cloned();
        }
        let category = |rng: &mut SeededRng| self.pick(&filters.categories, rng);
        let condition = |rng: &mut SeededRng| self.pick(&filters.conditions, rng);
        let draw = rng.below(100);
        if draw < CONDITION_PERCENT {
            return condition(&mut rng).or_else(|| category(&mut rng)).cloned();
        }
        let one = category(&mut rng).or_else(|| condition(&mut rng))?;
        if draw < CONDITION_PERCENT + CONJUNCTION_PERCENT {
            let both = (0..PARTNERS).find_map(|_| self.open(one.and(condition(&mut rng)?)?));
            return both.or_else(|| Some(one.clone()));
        }
        Some(one.clone())
    }

    /// Draws one of the filters that leave items to recommend, related to the user as often as method B22 says.
    fn pick<'k>(&self, filters: &'k [ItemFilter], rng: &mut SeededRng) -> Option<&'k ItemFilter> {
        let case = self.case;
        let is_related =
            |filter: &ItemFilter| case.history.iter().chain([&case.target]).any(|&item| filter.members.contains(item));
        let open: Vec<&ItemFilter> = filters.iter().filter(|filter| self.is_open(filter)).collect();
        if rng.chance(self.shared.rules.related_percent) {
            let related: Vec<&ItemFilter> = open.iter().copied().filter(|filter| is_related(filter)).collect();
            if !related.is_empty() {
                return Some(*rng.pick(&related));
            }
        }
        (!open.is_empty()).then(|| *rng.pick(&open))
    }

    fn is_open(&self, filter: &ItemFilter) -> bool {
        self.shared.rules.fills_up || filter.available(self.case.history) > 0
    }

    fn open(&self, filter: ItemFilter) -> Option<ItemFilter> {
        self.is_open(&filter).then_some(filter)
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

    /// Draws a length from 1 to `longest`.
    pub fn draw_length(&self, longest: usize) -> usize {
        1 + self.stream.rng(Purpose::Count).below(longest as u64) as usize
    }
}
