//! From what was said to the request: the length of the list first, then everything that is counted with it.

use super::amounts::{Compared, Quantity};
use super::description::{ItemDescription, ItemTest};
use super::lexicon::Lexicon;
use super::meaning::{Meaning, QuantifiedItems, Quantifier};
use super::{Assumption, Gap, NotUnderstood, ParseResult};
use crate::data::CategoryId;
use crate::request::{Amount, Predicate, Relation, Request, Share};

/// "Not too much of it".
const LITTLE: f64 = 30.0;

impl Meaning {
    /// The request for a list of `k` items, or of as many as the text says.
    pub fn resolve(mut self, k: u32, text: &str, lexicon: &Lexicon) -> ParseResult {
        let wishes = std::mem::take(&mut self.wishes);
        let said = self.length(&wishes);
        let k = said.unwrap_or(k);
        let mut request = Request {
            k,
            history: self.history,
            mandatory: self.mandatory,
            excluded: self.excluded,
            ..Request::default()
        };
        let counted = wishes.iter().filter(|wish| matches!(wish.how, Quantifier::Counted(_))).count();
        for QuantifiedItems { of, how } in &wishes {
            // "ten comedies" is a list of comedies; "three comedies and two dramas" is one of five items.
            let whole = matches!(how, Quantifier::Counted(_)) && counted == 1 && self.k.is_none();
            let how = if whole { Quantifier::Every } else { *how };
            if how == Quantifier::Little {
                let taken_as = format!("taken as at most {LITTLE}%");
                let of = of.predicate(lexicon).map(|kind| kind.to_string()).unwrap_or_default();
                self.assumed.push(Assumption { text: format!("not much of {of}"), taken_as });
            }
            add(&mut request, of, how, lexicon);
        }
        let not_understood = told(self.gaps, text);
        ParseResult { request, says_length: said.is_some(), assumed: self.assumed, not_understood }
    }

    /// The length of the list, if the text states it.
    fn length(&self, wishes: &[QuantifiedItems]) -> Option<u32> {
        let counted = wishes.iter().filter_map(|wish| match wish.how {
            Quantifier::Counted(count) => Some(count),
            _ => None,
        });
        self.k.or_else(|| counted.reduce(u32::saturating_add))
    }
}

/// Adds one wish to the request.
fn add(request: &mut Request, of: &ItemDescription, how: Quantifier, lexicon: &Lexicon) {
    let k = request.k;
    let share =
        |quantity: Quantity, compared: Compared| of.predicate(lexicon).map(|of| quantity.share(of, compared, k));
    const HALF: Quantity = Quantity::Part(1, 2);
    let shares = match how {
        Quantifier::Every => return of.tests.iter().for_each(|test| want(request, test, lexicon)),
        Quantifier::None => return refuse(request, of, lexicon),
        Quantifier::Little => [share(Quantity::Percent(LITTLE), Compared::AtMost), None],
        Quantifier::Mostly => [share(HALF, Compared::MoreThan), None],
        Quantifier::Some => [share(Quantity::Count(1), Compared::AtLeast), None],
        Quantifier::Share(quantity @ (Quantity::Percent(_) | Quantity::Part(..)), Compared::Exactly) => {
            [share(quantity, quantity.plain(k)), None]
        }
        Quantifier::Share(quantity, compared) => [share(quantity, compared), None],
        Quantifier::Counted(count) => [share(Quantity::Count(count), Compared::Exactly), None],
        Quantifier::Between(low, high) => [share(low, Compared::AtLeast), share(high, Compared::AtMost)],
    };
    request.shares.extend(shares.into_iter().flatten());
}

/// Every item passes a test.
fn want(request: &mut Request, test: &ItemTest, lexicon: &Lexicon) {
    match test {
        ItemTest::Kind { any_of, .. } if any_of.len() == 1 => push(&mut request.all_in, any_of[0]),
        test => request.conditions.extend(test.predicate(lexicon)),
    }
}

/// No item fits a description.
fn refuse(request: &mut Request, of: &ItemDescription, lexicon: &Lexicon) {
    match of.tests.as_slice() {
        [ItemTest::Kind { any_of, .. }] => any_of.iter().for_each(|id| push(&mut request.none_in, *id)),
        [test] if test.opposite(lexicon).is_some() => request.conditions.extend(test.opposite(lexicon)),
        _ => request.shares.extend(of.predicate(lexicon).map(none_of)),
    }
}

/// A share of 0, for a description that no flag can exclude by itself.
fn none_of(of: Predicate) -> Share {
    Share { of, relation: Relation::AtMost, amount: Amount::Count(0) }
}

fn push(ids: &mut Vec<CategoryId>, id: CategoryId) {
    if !ids.contains(&id) {
        ids.push(id);
    }
}

/// The words that were not understood, in the order of the text; what stands side by side is one piece.
fn told(mut gaps: Vec<Gap>, text: &str) -> Vec<NotUnderstood> {
    gaps.sort_by_key(|gap| (gap.at.start, gap.at.end));
    let mut whole: Vec<Gap> = Vec::new();
    for gap in gaps {
        match whole.last_mut() {
            Some(last) if gap.why == last.why && is_joint(&text[last.at.end.min(gap.at.start)..gap.at.start]) => {
                last.at.end = last.at.end.max(gap.at.end);
            }
            _ => whole.push(gap),
        }
    }
    whole.into_iter().map(|gap| NotUnderstood { text: text[gap.at].to_owned(), why: gap.why }).collect()
}

/// Returns true where nothing of importance stands between two gaps.
fn is_joint(between: &str) -> bool {
    matches!(between.trim(), "" | "and" | "or" | "of" | "the" | "&")
}
