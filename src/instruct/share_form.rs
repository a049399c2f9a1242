//! The forms in which a share is stated: LP, MP, EP, and LC and MC in items.

use std::ops::RangeInclusive;

use crate::recommend::prompt::tells_feeling;
use crate::request::{Amount, Relation};
use crate::task::LIST_LENGTH;

/// A form in which a share is stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ShareForm {
    /// At most, at least or about.
    pub relation: Relation,
    /// A number of items (LC, MC) instead of a percentage (LP, MP, EP).
    is_counted: bool,
    sentiment: ShareSentiment,
}

/// The sentiment of a wording: it may also say that the user likes or dislikes the category.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ShareSentiment {
    /// "I like it, but at most …" (LP)
    Told,
    /// "At most …" (LP1)
    Untold,
    /// Any of the two.
    Either,
}

impl ShareForm {
    /// LP, or LP1 without a sentiment.
    pub const fn at_most(sentiment: ShareSentiment) -> Self {
        Self::of(Relation::AtMost, sentiment)
    }

    /// MP.
    pub const fn at_least(sentiment: ShareSentiment) -> Self {
        Self::of(Relation::AtLeast, sentiment)
    }

    /// EP.
    pub const fn about(sentiment: ShareSentiment) -> Self {
        Self::of(Relation::About, sentiment)
    }

    /// A form in percent.
    pub const fn of(relation: Relation, sentiment: ShareSentiment) -> Self {
        Self { relation, is_counted: false, sentiment }
    }

    /// The form stated in items: LC, MC.
    pub const fn counted(self) -> Self {
        Self { is_counted: true, ..self }
    }

    /// Returns true where a phrasing states the form.
    pub fn is_said_by(self, phrasing: usize) -> bool {
        match self.sentiment {
            ShareSentiment::Told => tells_feeling(phrasing),
            ShareSentiment::Untold => !tells_feeling(phrasing),
            ShareSentiment::Either => true,
        }
    }

    /// The amount that states `count` items of a list.
    pub fn amount(self, count: usize) -> Amount {
        if self.is_counted { Amount::Count(count as u32) } else { Amount::Percent((count * 100 / LIST_LENGTH) as f64) }
    }

    /// The possible pairs of a stated count and the number of such items in the label, of which there are `most`.
    pub fn counts(self, most: usize, least_share: usize) -> Vec<(usize, usize)> {
        let pairs = |stated: RangeInclusive<usize>, real: fn(usize) -> [usize; 2]| {
            stated.flat_map(move |stated| real(stated).map(|real| (stated, real))).collect()
        };
        match self.relation {
            Relation::AtMost => pairs(1..=most, |stated| [stated, stated - 1]),
            // From a smallest share of 0, the method stops one earlier; the caller drops real counts above `most`.
            Relation::AtLeast => pairs(least_share..=most - 1 + least_share, |stated| [stated, stated + 1]),
            Relation::About | Relation::Exactly => (1..=most).map(|stated| (stated, stated)).collect(),
        }
    }
}
