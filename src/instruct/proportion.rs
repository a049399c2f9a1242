//! I2, proportion control: a list with at most, at least or about a number of items of a filter (method §4).

use super::example::{ExampleDraft, phrasing};
use super::stream_key::Purpose;
use super::user_context::UserContext;
use crate::recommend::prompt::TRAINING_PHRASINGS;
use crate::request::{Request, Share};
use crate::task::{LIST_LENGTH, TaskFamily};

/// The draft, and the phrasing that states its form.
pub(super) fn draft(context: &UserContext) -> Option<(ExampleDraft, usize)> {
    let rules = &context.shared.rules;
    let form = *context.stream.rng(Purpose::Form).pick(rules.forms);
    let filter = context.draw_filter()?;
    let history = context.case.history;

    // Method B1: only what the catalogue holds beside the history; the authors do not look.
    let (inside, outside) = match rules.fills_up {
        true => (filter.size, LIST_LENGTH),
        false => (filter.available(history), context.ranking.available() - filter.available(history)),
    };
    let most = inside.min(LIST_LENGTH);
    let is_possible = |&(_, real): &(usize, usize)| real <= most && LIST_LENGTH - real <= outside;
    let counts: Vec<_> = form.counts(most, rules.least_share).into_iter().filter(is_possible).collect();
    if counts.is_empty() {
        return None;
    }
    let mut rng = context.stream.rng(Purpose::Count);
    let (stated, real) = *rng.pick(&counts);

    let mut items = context.best(real, |item| filter.members.contains(item));
    items.extend(context.best(LIST_LENGTH - real, |item| !filter.members.contains(item)));
    if rules.shuffles_shares {
        context.stream.rng(Purpose::Items).shuffle(&mut items);
    } else {
        context.ranking.sort(&mut items);
    }

    let share =
        Share { of: filter.predicate(context.shared.catalogue), relation: form.relation, amount: form.amount(stated) };
    let request = Request { shares: vec![share], ..context.request() };
    let phrasings = TRAINING_PHRASINGS.filter(|&phrasing| form.is_said_by(phrasing));
    Some((ExampleDraft::new(TaskFamily::I2, request, context.case.target, items), phrasing(&context.stream, phrasings)))
}
