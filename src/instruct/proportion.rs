//! I2: a list with at most, at least or about so many items of a kind (method §4).

use super::asked::UserContext;
use super::example::{ExampleDraft, phrasing};
use super::recipe::LIST_LENGTH;
use super::stream_key::Purpose;
use super::task::TaskFamily;
use crate::recommend::prompt::{TRAINING_PHRASINGS, tells_feeling};
use crate::request::{Amount, Relation, Request, Share};

/// A way to ask for a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ShareForm {
    relation: Relation,
    /// A number of items (LC, MC) instead of a percentage (LP, MP, EP).
    is_counted: bool,
    feeling: ShareSentiment,
}

/// Whether the wording also says that the user likes or dislikes the kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ShareSentiment {
    /// "I like it, but at most …" (LP)
    Told,
    /// "At most …" (LP1)
    Untold,
    /// The one or the other.
    Either,
}

impl ShareForm {
    /// LP, or LP1 where the feeling is untold.
    pub const fn at_most(feeling: ShareSentiment) -> Self {
        Self { relation: Relation::AtMost, is_counted: false, feeling }
    }

    /// MP.
    pub const fn at_least(feeling: ShareSentiment) -> Self {
        Self { relation: Relation::AtLeast, is_counted: false, feeling }
    }

    /// EP.
    pub const fn about(feeling: ShareSentiment) -> Self {
        Self { relation: Relation::About, is_counted: false, feeling }
    }

    /// The same in items: LC, MC.
    pub const fn counted(self) -> Self {
        Self { is_counted: true, ..self }
    }

    /// Whether a wording says the form.
    pub fn is_said_by(self, phrasing: usize) -> bool {
        match self.feeling {
            ShareSentiment::Told => tells_feeling(phrasing),
            ShareSentiment::Untold => !tells_feeling(phrasing),
            ShareSentiment::Either => true,
        }
    }

    fn amount(self, stated: usize) -> Amount {
        if self.is_counted {
            Amount::Count(stated as u32)
        } else {
            Amount::Percent((stated * 100 / LIST_LENGTH) as f64)
        }
    }

    /// The share that is stated and the number of such items in the list, for a kind of which there are `most`.
    fn counts(self, most: usize, least_share: usize) -> Vec<(usize, usize)> {
        let pairs = |stated: std::ops::RangeInclusive<usize>, real: fn(usize) -> [usize; 2]| {
            stated.flat_map(move |stated| real(stated).map(|real| (stated, real))).collect()
        };
        match self.relation {
            Relation::AtMost => pairs(1..=most, |stated| [stated, stated - 1]),
            // From a smallest share of 0, the method stops one earlier; a real count above `most` is for the caller to drop.
            Relation::AtLeast => pairs(least_share..=most - 1 + least_share, |stated| [stated, stated + 1]),
            Relation::About | Relation::Exactly => (1..=most).map(|stated| (stated, stated)).collect(),
        }
    }
}

/// The draft, and the wording that says its form.
pub(super) fn draft(context: &UserContext) -> Option<(ExampleDraft, usize)> {
    let rules = &context.shared.rules;
    let form = *context.stream.rng(Purpose::Form).pick(rules.forms);
    let kind = context.draw_kind()?;
    let history = context.case.history;

    // By method B1, only what the catalogue holds beside the history; the authors count without looking.
    let (inside, outside) = match rules.fills_up {
        true => (kind.size, LIST_LENGTH),
        false => (kind.available(history), context.ranking.available() - kind.available(history)),
    };
    let most = inside.min(LIST_LENGTH);
    let is_possible = |&(_, real): &(usize, usize)| real <= most && LIST_LENGTH - real <= outside;
    let counts: Vec<_> = form.counts(most, rules.least_share).into_iter().filter(is_possible).collect();
    if counts.is_empty() {
        return None;
    }
    let mut rng = context.stream.rng(Purpose::Count);
    let (stated, real) = *rng.pick(&counts);

    let mut items = context.best(real, |item| kind.members.contains(item));
    items.extend(context.best(LIST_LENGTH - real, |item| !kind.members.contains(item)));
    if rules.shuffles_shares {
        context.stream.rng(Purpose::Items).shuffle(&mut items);
    } else {
        context.ranking.sort(&mut items);
    }

    let share =
        Share { of: kind.predicate(context.shared.catalogue), relation: form.relation, amount: form.amount(stated) };
    let request = Request { shares: vec![share], ..context.request() };
    let phrasings = TRAINING_PHRASINGS.filter(|&phrasing| form.is_said_by(phrasing));
    Some((ExampleDraft::new(TaskFamily::I2, request, context.case.target, items), phrasing(&context.stream, phrasings)))
}
