//! The meaning of clauses: descriptions of items, the quantity of each, and titles.

use std::ops::Range;

use super::amounts::{Compared, Quantity};
use super::clauses::{Clause, Joint};
use super::description::{ItemDescription, ItemTest};
use super::lexicon::Lexicon;
use super::marks::Mark;
use super::pieces::PieceKind;
use super::{Assumption, Gap};
use crate::data::ItemId;

/// The quantity of items that fit a description.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Quantifier {
    Every,
    None,
    Little,
    Mostly,
    Some,
    Share(Quantity, Compared),
    Between(Quantity, Quantity),
    /// A count; the rest of the text decides whether it is the length of the whole list.
    Counted(u32),
}

/// A description and how many items shall fit it.
#[derive(Debug, Clone)]
pub(super) struct QuantifiedItems {
    pub of: ItemDescription,
    pub how: Quantifier,
}

/// Everything that a text asks for.
#[derive(Debug, Default)]
pub(super) struct Meaning {
    pub wishes: Vec<QuantifiedItems>,
    /// The length of the list, as it was said.
    pub k: Option<u32>,
    pub history: Vec<ItemId>,
    pub mandatory: Vec<ItemId>,
    pub excluded: Vec<ItemId>,
    pub assumed: Vec<Assumption>,
    pub gaps: Vec<Gap>,
}

impl Meaning {
    /// Adds what the clauses of a sentence say.
    pub fn sentence(&mut self, clauses: &[Clause], text: &str, lexicon: &Lexicon) {
        // "I like comedies, but let no more than three be of it": what comes later in a sentence may be about what came before.
        let first = self.wishes.len();
        for clause in clauses {
            self.clause(clause, first, text, lexicon);
        }
    }

    fn clause(&mut self, clause: &Clause, first: usize, text: &str, lexicon: &Lexicon) {
        let amounts = clause.amounts();
        let none = matches!(amounts.first(), Some(Quantity::Count(0)));
        let negated = clause.has(Mark::Not) || none;
        let of = ItemDescription::of(clause);
        let describes = clause.has_content() || clause.has(Mark::Items);
        if clause.has(Mark::Than) && clause.has_content() {
            return self.gaps.push(Gap { at: clause.place(), why: Some("a comparison") });
        }
        if clause.has_unknown() {
            if !clause.has_content() && (negated || !(amounts.is_empty() || describes)) {
                return self.gaps.push(Gap { at: clause.place(), why: None });
            }
            let unknown = clause.pieces.iter().filter(|piece| matches!(piece.what, PieceKind::Unknown));
            self.gaps.extend(unknown.map(|piece| Gap { at: piece.at.clone(), why: None }));
        }
        self.titles(clause, negated, text, lexicon);
        if of.tests.is_empty() {
            return self.amount_alone(clause, &amounts, first);
        }
        if let Some(last) = self.wishes.get_mut(first..).and_then(<[QuantifiedItems]>::last_mut)
            && clause.goes_on_after(last.how == Quantifier::None)
            && last.of.lists(&of, clause.joint, last.how == Quantifier::None)
        {
            return;
        }
        if clause.joint == Joint::Or && self.wishes.len() > first {
            let why = Some("an alternative to the whole description before it");
            return self.gaps.push(Gap { at: clause.place(), why });
        }
        let how = self.how(clause, &amounts, negated, self.wishes.len() > first);
        self.wishes.push(QuantifiedItems { of, how });
    }

    /// The quantity of the items that a clause describes.
    fn how(&mut self, clause: &Clause, amounts: &[Quantity], negated: bool, later: bool) -> Quantifier {
        if let [low, high] = *amounts {
            return Quantifier::Between(low, high);
        }
        let compared = clause.compared();
        match (amounts.first().copied(), compared) {
            (Some(Quantity::Count(0)), _) => Quantifier::None,
            (Some(quantity), Some(compared)) => Quantifier::Share(quantity, compared),
            (Some(Quantity::Count(count)), None) if !(clause.has(Mark::Part) || clause.has(Mark::That)) => {
                Quantifier::Counted(count)
            }
            // What else is plain depends on the length of the list.
            (Some(quantity), None) => Quantifier::Share(quantity, Compared::Exactly),
            (None, _) if clause.has(Mark::Little) => Quantifier::Little,
            (None, _) if clause.has(Mark::Mostly) => Quantifier::Mostly,
            (None, _) if negated => Quantifier::None,
            (None, _) if clause.has(Mark::Must) && !clause.has(Mark::Only) => Quantifier::Some,
            // "comedies with some drama", but "some comedies".
            (None, _) if clause.has(Mark::Some) && later => Quantifier::Some,
            (None, _) => Quantifier::Every,
        }
    }

    /// An amount without a description of its own: how much of what came before, or how long the list is.
    fn amount_alone(&mut self, clause: &Clause, amounts: &[Quantity], first: usize) {
        let Some(&quantity) = amounts.last() else { return };
        let about_before = self.wishes.len() > first;
        let how = match clause.compared() {
            Some(compared) if about_before && !matches!(amounts, [_, _]) => Some(Quantifier::Share(quantity, compared)),
            None if about_before && (clause.has(Mark::That) || !matches!(quantity, Quantity::Count(_))) => {
                Some(Quantifier::Share(quantity, Compared::Exactly))
            }
            _ => None,
        };
        if let (Some(how), Some(last)) = (how, self.wishes.last_mut()) {
            last.how = how;
            return;
        }
        match (quantity, self.k) {
            (Quantity::Count(count), None) => self.k = Some(count),
            (Quantity::Count(count), Some(k)) if count == k => {}
            (Quantity::Count(_), Some(_)) => {
                self.gaps.push(Gap { at: clause.place(), why: Some("another length of the list") })
            }
            _ => self.gaps.push(Gap { at: clause.place(), why: Some("a part of the list, but of which kind?") }),
        }
    }

    /// The titles of a clause go where its words send them.
    fn titles(&mut self, clause: &Clause, negated: bool, text: &str, lexicon: &Lexicon) {
        let has_role = [Mark::Taken, Mark::Must, Mark::Candidates].iter().any(|mark| clause.has(*mark));
        let titles: Vec<(Vec<ItemId>, &Range<usize>)> = clause
            .pieces
            .iter()
            .filter_map(|piece| match &piece.what {
                PieceKind::Title(items) => Some((items.clone(), &piece.at)),
                PieceKind::Either(_, item) if has_role => Some((vec![*item], &piece.at)),
                _ => None,
            })
            .collect();
        for (mut items, at) in titles {
            if clause.has(Mark::Candidates) && !negated {
                self.gaps.push(Gap { at: at.clone(), why: Some("candidates; --candidates FILE takes them") });
                continue;
            }
            let title = items.last().map(|&item| lexicon.catalogue.title(item)).unwrap_or_default();
            let mut assume = |at: Range<usize>, taken_as| {
                self.assumed.push(Assumption { text: text[at].to_owned(), taken_as });
            };
            if negated && clause.has(Mark::Taken) {
                assume(clause.place(), format!("only {title:?} itself is left out"));
            } else if !negated && items.len() > 1 {
                assume(at.clone(), format!("taken as {title:?}, the last of {} such titles", items.len()));
                items.drain(..items.len() - 1);
            }
            let into = match () {
                () if negated => &mut self.excluded,
                () if clause.has(Mark::Must) => &mut self.mandatory,
                () => &mut self.history,
            };
            items.retain(|item| !into.contains(item));
            into.extend(items);
        }
    }
}

impl ItemDescription {
    /// The description in a clause.
    fn of(clause: &Clause) -> Self {
        let has_role = [Mark::Taken, Mark::Must, Mark::Candidates].iter().any(|mark| clause.has(*mark));
        let mut tests: Vec<ItemTest> = Vec::new();
        for piece in &clause.pieces {
            match &piece.what {
                PieceKind::Either(_, _) if has_role => {}
                PieceKind::Kind(kind) | PieceKind::Either(kind, _) => tests.extend(
                    kind.all.iter().map(|any_of| ItemTest::Kind { any_of: any_of.clone(), adjective: kind.adjective }),
                ),
                PieceKind::Value(value) => {
                    tests.push(ItemTest::Value { column: value.column, any_of: vec![value.value.clone()] })
                }
                PieceKind::Span(span) => tests.push(ItemTest::Span(span.clone())),
                PieceKind::Condition(condition) => tests.push(ItemTest::Condition(condition.clone())),
                _ => {}
            }
        }
        tests.dedup();
        Self { tests }
    }
}
