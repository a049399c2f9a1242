//! Numbers in a statement: those that count items of the list, those that count anything else, and those behind what they count.

use super::StatementParser;
use super::opening::Opening;
use crate::request::ask::amounts::{Compared, Quantity};
use crate::request::ask::description::ItemDescription;
use crate::request::ask::terms::Sense;
use crate::request::ask::tree::HowMany;
use crate::request::ask::vocabulary::Word;

impl StatementParser<'_> {
    /// True for the "ten" of "three of the ten films".
    pub(super) fn is_whole_list(&self, at: usize) -> bool {
        let article = |at: usize| self.word(at) == Some(Word::Article);
        let of = (0..at).rev().take_while(|&at| article(at)).any(|at| self.text_of(at).eq_ignore_ascii_case("of"));
        of && self.word(at + 1) == Some(Word::Items)
    }

    /// True for "as many … as possible", "as many … as you can".
    pub(super) fn is_as_possible(&self) -> bool {
        let limit =
            |at: usize| self.word(at) == Some(Word::Courtesy) && self.text_of(at).to_lowercase().starts_with("as ");
        self.clause(self.at).any(limit)
    }

    /// True for a number or a percentage between a kind and the end of its clause.
    fn counts_kind_before(&self, before: Option<usize>) -> bool {
        let kind = before.is_some_and(|at| matches!(self.sense(at), Some(Sense::Kind { .. })));
        let amount = matches!(self.sense(self.at), Some(Sense::Amount(Quantity::Count(_) | Quantity::Percent(_))));
        kind && amount && self.is_boundary(self.at + 1)
    }

    /// An amount behind what it counts: "comedies for three items or more", "dramas should make up half of the list".
    pub(super) fn amount_behind(&mut self, start: usize, opening: &mut Opening, description: &mut ItemDescription) {
        let before = self.at.checked_sub(1).filter(|&before| before >= start);
        let leads =
            before.is_some_and(|at| self.text_of(at).eq_ignore_ascii_case("for") || self.word(at) == Some(Word::Part));
        let limit = self.text_of(self.at).to_lowercase();
        let makes_up = limit.ends_with("make up") && self.is_amount(self.at + 1);
        let limits = makes_up || matches!(limit.as_str(), "down to" | "limited to" | "capped at");
        let of_this = self.text_of(start).eq_ignore_ascii_case("of");
        let counts = opening.amounts.is_empty()
            && opening.how_many.is_none()
            && (makes_up || self.is_amount(self.at))
            && !self
                .clause(self.at)
                .any(|at| matches!(self.sense(at), Some(Sense::Amount(_))) && self.is_no_amount(at));
        if counts && !opening.refused && self.counts_kind_before(before) {
            // "comedies: three, dramas: two"
            if let Some(Sense::Amount(quantity)) = self.sense(self.at) {
                opening.amounts.push((*quantity, self.terms[self.at].at.clone()));
                self.at += 1;
            }
            return;
        }
        if !(counts && description.has_elements() && (leads || limits || of_this)) {
            return;
        }
        while let Some(sense) = self.sense(self.at) {
            match sense {
                Sense::Amount(quantity) => opening.amounts.push((*quantity, self.terms[self.at].at.clone())),
                Sense::Word(Word::Compared(compared) | Word::Beside(compared)) => opening.compared = Some(*compared),
                Sense::Word(Word::About) => opening.compared = Some(Compared::About),
                Sense::Word(Word::Only) => opening.only = true,
                Sense::Word(Word::Some) => opening.how_many = Some(HowMany::Some),
                Sense::Word(
                    Word::Items | Word::Part | Word::Article | Word::Filler | Word::Clause | Word::That | Word::Copula,
                ) => {}
                _ => break,
            }
            self.at += 1;
        }
        description.part = true;
    }

    /// True for a number that counts something nobody knows: "at 8 pm", "PG-13", "a party of 6", "from 70 to 79", "a comedy for two".
    pub(super) fn is_no_amount(&self, at: usize) -> bool {
        let glued = at.checked_sub(1).is_some_and(|before| {
            let between = self.terms[before].at.end..self.terms[at].at.start;
            matches!(self.sense(before), Some(Sense::Unknown)) && self.text.get(between) == Some("-")
        });
        let small =
            |at: &usize| matches!(self.word(*at), Some(Word::Article | Word::Filler | Word::Preposition | Word::About));
        let before = (0..at).rev().find(|before| !small(before));
        let of_unknown = before.is_some_and(|before| matches!(self.sense(before), Some(Sense::Unknown)));
        let counts = |at: usize| {
            self.is_content(at)
                || matches!(self.word(at), Some(Word::Items | Word::Part | Word::Article | Word::Refuse(_)))
        };
        let after = (at + 1..).find(|&after| !matches!(self.sense(after), Some(Sense::Unknown))).unwrap_or(at);
        let end = if self.is_second_end(at + 2) { at + 2 } else { at };
        let count = matches!(self.sense(at), Some(Sense::Amount(Quantity::Count(_))));
        let placed = count
            && at
                .checked_sub(1)
                .is_some_and(|before| matches!(self.text_of(before), "from" | "since" | "at" | "by" | "for"));
        // "my kid is six"
        // … or "nearly six"
        let nearly = |at: &usize| {
            matches!(
                self.word(*at),
                Some(Word::Compared(Compared::About) | Word::Beside(_) | Word::Filler | Word::About)
            )
        };
        let verb = (0..at).rev().find(|at| !nearly(at)).unwrap_or(at);
        let is = self.word(verb) == Some(Word::Copula);
        let about = verb.checked_sub(1).and_then(|about| self.sense(about));
        let person = is && matches!(about, Some(Sense::Unknown | Sense::Word(Word::Subject)));
        let age = count && (person || self.is_person(verb)) && !counts(end + 1);
        // "aged 6 and 9"
        let joined = matches!(self.sense(at.wrapping_sub(1)), Some(Sense::Comma | Sense::Word(Word::And)));
        let second =
            joined && at > 1 && matches!(self.sense(at - 2), Some(Sense::Amount(_))) && self.is_no_amount(at - 2);
        let age = age || (count && second && !counts(end + 1));
        // "my flatmate, 27, is here"
        let person = |at: usize| matches!(self.sense(at), Some(Sense::Unknown | Sense::Word(Word::Subject)));
        let comma = |at: usize| matches!(self.sense(at), Some(Sense::Comma));
        let age = age || (count && at > 1 && comma(at - 1) && person(at - 2) && comma(at + 1));
        // "for the two of us"
        let persons = self.text_of(end + 1).eq_ignore_ascii_case("of")
            && matches!(self.text_of(end + 2).to_lowercase().as_str(), "us" | "you");
        age || persons || glued || (after > at + 1 && !counts(after)) || ((placed || of_unknown) && !counts(end + 1))
    }

    /// True for "each" behind what is counted, unless a measure of one item follows: "each under $10".
    pub(super) fn shares_out(&self, at: usize) -> bool {
        self.text_of(at).to_lowercase().starts_with("each")
            && !self.clause(at + 1).any(|at| matches!(self.sense(at), Some(Sense::Range { .. })))
            && !matches!(self.sense(at.wrapping_sub(1)), Some(Sense::Range { .. }))
    }

    /// True for "I'm", "she's": a person with an auxiliary.
    fn is_person(&self, at: usize) -> bool {
        let text = self.text_of(at).to_lowercase().replace('’', "'");
        const PEOPLE: [&str; 8] = ["i'm", "im", "i am", "we're", "we are", "he's", "she's", "they're"];
        PEOPLE.contains(&text.as_str())
    }
}
