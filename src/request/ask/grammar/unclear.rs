//! Amounts and alternatives that no request can state, or only in other words: two of a kind, some of what is swapped, anything else.

use super::StatementParser;
use super::opening::Opening;
use crate::request::ask::amounts::{Compared, Quantity};
use crate::request::ask::formula::Formula;
use crate::request::ask::terms::Sense;
use crate::request::ask::tree::{Head, HowMany, Joint, Statement};
use crate::request::ask::vocabulary::{Refusal, Word};

impl StatementParser<'_> {
    /// True for "swap two dramas", "replace a drama": some of a list that nobody sees.
    pub(super) fn swaps_some(&self, opening: &Opening) -> bool {
        opening.by == Some(Refusal::Swap) && (!opening.amounts.is_empty() || opening.article)
    }

    /// True for "no two westerns": one is allowed.
    pub(super) fn is_no_pair(opening: &Opening) -> bool {
        matches!(opening.amounts.as_slice(), [(Quantity::Count(2), _)]) && Self::refuses_number(opening)
    }

    /// True for "no two …", "no five …".
    fn refuses_number(opening: &Opening) -> bool {
        let several = matches!(opening.amounts.as_slice(), [(Quantity::Count(2..), _)]);
        opening.by == Some(Refusal::No) && opening.refused && several && opening.compared.is_none()
    }

    /// True for "no two films by one director", "no two westerns in a row", "no five westerns": no rule, or nobody knows which.
    pub(super) fn is_unclear_pair(
        &self,
        start: usize,
        opening: &Opening,
        statement: &Statement,
        unknown: bool,
    ) -> bool {
        let alike = |at: usize| self.text_of(at).to_lowercase().split(' ').any(|word| matches!(word, "same" | "alike"));
        let plain = Self::is_no_pair(opening) && statement.head == Head::Kind && !unknown;
        // "not two westerns"
        let counted = matches!(self.sense(start + 1), Some(Sense::Amount(Quantity::Count(_))));
        let not = opening.by == Some(Refusal::Not) && opening.refused && opening.compared.is_none();
        if not && counted && self.word(start) == Some(Word::Refuse(Refusal::Not)) && statement.head == Head::Kind {
            return true;
        }
        Self::refuses_number(opening) && (!plain || (start..self.clause(self.at).end).any(alike))
    }

    /// "a western at most", "at most a western": one, with a comparison.
    pub(super) fn compare_one(opening: &mut Opening, statement: &Statement) {
        let limits = matches!(opening.compared, Some(Compared::AtMost | Compared::AtLeast));
        if limits && opening.amounts.is_empty() && statement.article && statement.head == Head::Kind {
            opening.amounts.push((Quantity::Count(1), statement.at.clone()));
        }
    }

    /// "two comedies or two dramas": a list is the one or the other, which no request can state. Names both.
    pub(super) fn choice_of_counted(&mut self, statement: &Statement) -> bool {
        let counted = |one: &Statement| one.how_many.is_some() && one.head == Head::Kind && !one.refused;
        if statement.joint != Joint::Or || !counted(statement) {
            return false;
        }
        // "without war, or with at most one war film"
        let limit =
            matches!(statement.how_many, Some(HowMany::Counted(_, Some(Compared::AtMost | Compared::FewerThan))));
        if let Some(before) =
            self.statements.last_mut().filter(|before| limit && before.refused && before.of == statement.of)
        {
            *before = Statement { part: true, ..statement.clone() };
            return true;
        }
        let Some(before) = self.statements.pop_if(|before| counted(before)) else { return false };
        self.gap(before.at.start..statement.at.end, Some("an alternative to the whole description before it"));
        true
    }

    /// Takes in "but not both" behind two kinds: each item is one of them. False where no such clause is here.
    pub(super) fn not_both(&mut self, clause: std::ops::Range<usize>) -> bool {
        let together = |at: usize| {
            matches!(self.text_of(at).to_lowercase().as_str(), "both" | "together" | "at once" | "at the same time")
        };
        if !clause.clone().any(together) {
            return false;
        }
        let place = self.place(clause.start);
        match self.statements.last_mut().filter(|before| !before.refused && before.how_many.is_none()) {
            Some(Statement { of, .. }) if of.two_kinds().is_some() => {
                let both = Formula::all(of.two_kinds().into_iter().flatten());
                *of = std::mem::replace(of, Formula::anything()).and(both.opposite());
            }
            _ => self.gap(place, None),
        }
        true
    }

    /// True for "every three films" behind an amount.
    pub(super) fn is_every_so_many(&self, at: usize) -> bool {
        let every = matches!(self.text_of(at).to_lowercase().as_str(), "every" | "each");
        every && matches!(self.sense(at + 1), Some(Sense::Amount(Quantity::Count(2..))))
    }

    /// True for the "one" of "the last one", "our little one", which counts nothing.
    pub(super) fn is_ordinal_pronoun(&self, at: usize) -> bool {
        const ORDINALS: [&str; 9] =
            ["last", "final", "second", "third", "former", "latter", "previous", "little", "loved"];
        let before = self.text_of(at.wrapping_sub(1)).to_lowercase();
        self.text_of(at).eq_ignore_ascii_case("one")
            && before.split(' ').next_back().is_some_and(|word| ORDINALS.contains(&word))
    }

    /// "one of which may be French": one at most.
    pub(super) fn permit(&self, start: usize, opening: &mut Opening) {
        let may = |at: usize| {
            matches!(self.text_of(at).to_lowercase().as_str(), "may be" | "can be" | "might be" | "could be")
        };
        let counted = matches!(opening.amounts.as_slice(), [_]) && opening.compared.is_none();
        if counted && (start..self.at).any(may) {
            opening.compared = Some(Compared::AtMost);
        }
    }

    /// True where the statements before want some of what a statement refuses.
    pub(super) fn wants_some_of(&self, statement: &Statement) -> bool {
        let wanted = self.statements.iter().filter(|before| !before.refused).flat_map(|before| before.of.wanted());
        wanted.into_iter().any(|kind| statement.of.wanted().contains(&kind))
    }

    /// Takes in "anything else" behind a wish: it is named. Where the speaker wants anything else than others do, neither counts.
    pub(super) fn anything_else(&mut self, start: usize, statement: &Statement) -> bool {
        let else_ = |at: usize| {
            let text = self.text_of(at).to_lowercase();
            self.word(at) == Some(Word::Anything) && text.ends_with(" else")
        };
        let behind_wish = self.statements.last().is_some_and(|before| before.has_content() && !before.refused);
        let plain = !statement.has_content() && !statement.refused;
        if !(plain && behind_wish && (start..self.at).any(else_)) {
            return false;
        }
        let by_speaker = (start..self.at).any(|at| self.is_speaker(at));
        let asks = (start..self.at).any(|at| self.asks(at));
        let of_another = self.statements.last().is_some_and(|before| self.is_said_by_another(before));
        let opposed = asks || (by_speaker && of_another);
        let before = if opposed { self.statements.pop() } else { None };
        let first = before.map_or(statement.at.start, |before| before.at.start);
        self.gap(first..statement.at.end, None);
        true
    }

    /// True for a statement with a person who is not the speaker.
    fn is_said_by_another(&self, statement: &Statement) -> bool {
        self.terms_of(statement).any(|at| self.word(at) == Some(Word::Subject) && !self.is_speaker(at))
    }

    /// True for "per decade", "per director" behind an amount: so many of each of something.
    pub(super) fn is_per_something(&self, at: usize) -> bool {
        let per = self.counted && self.text_of(at).eq_ignore_ascii_case("per");
        per && self.word(at + 1) != Some(Word::Items)
    }
}
