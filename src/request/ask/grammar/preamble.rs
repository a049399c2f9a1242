//! Circumstances before a wish ("to celebrate my dad's retirement we want …"), what is done with
//! the items ("to stay in bed with some comedies"), and clauses about them ("comedies that we can afford").

use std::ops::Range;

use super::StatementParser;
use super::opening::Opening;
use crate::request::ask::Assumption;
use crate::request::ask::amounts::Quantity;
use crate::request::ask::terms::Sense;
use crate::request::ask::tree::{Head, Statement};
use crate::request::ask::vocabulary::Word;

/// Words that begin a circumstance without a verb of its own.
const PREPOSITIONS: &str = "to, for, after, before, with, in, on, at, by, during, being, having, this, last, next, every, due, despite, given, throughout, over, until";

/// Words that begin a circumstance with a subject and a verb.
const SUBORDINATORS: &str = "now, as, since, because, ever, while, although, though, whenever, until, till, once";

impl StatementParser<'_> {
    /// True where the circumstances that began at `start` are over: the speaker begins to ask. `start` is behind "with" and "and".
    pub(super) fn ends_circumstances(&self, start: usize) -> bool {
        if self.at == start || !(self.is_speaker(self.at) || self.asks(self.at)) || self.refuses_before(start) {
            return false;
        }
        let with = self.word(start.wrapping_sub(1)) == Some(Word::With);
        let first = self.text_of(start).to_lowercase();
        let first = first.split(' ').next().unwrap_or_default();
        let is = |list: &str| list.split(", ").any(|word| word == first);
        let alone = !(start..self.at).any(|at| self.word(at) == Some(Word::Subject));
        ((with || is(PREPOSITIONS)) && alone) || ((with || is(SUBORDINATORS)) && self.wishes(self.at))
    }

    fn refuses_before(&self, start: usize) -> bool {
        (start..self.at).any(|at| matches!(self.word(at), Some(Word::Refuse(_) | Word::Unwelcome | Word::Beyond)))
    }

    /// True for "we want", "I'd like", "we just fancy", "could you": no wish of somebody else, and no refusal.
    pub(super) fn wishes(&self, speaker: usize) -> bool {
        let small = |at: &usize| {
            matches!(self.word(*at), Some(Word::Filler | Word::Only)) || self.text_of(*at).eq_ignore_ascii_case("would")
        };
        let verb = (speaker + 1..).find(|at| !small(at)).unwrap_or(speaker);
        self.asks(speaker) || self.wants(speaker) || self.wants(verb) || self.word(verb) == Some(Word::Prefer)
    }

    /// True for an unknown verb behind "I'd like to" and before items that are not said which: "treat myself to some westerns", "stay in bed
    /// with a comedy". Who wants to be rid of something says of what.
    pub(super) fn is_done_with_some(&self, opening: &Opening, unknown: usize) -> bool {
        let decides = |at: usize| {
            let qualifier = matches!(self.sense(at), Some(Sense::Value { .. } | Sense::Range { .. }));
            (self.is_content(at) && !qualifier) || matches!(self.word(at), Some(Word::Refuse(_)))
        };
        let kind = self.clause(unknown + 1).find(|&at| decides(at));
        let Some(kind) = kind.filter(|&at| matches!(self.sense(at), Some(Sense::Kind { .. }))) else { return false };
        let qualifies = |at: &usize| {
            matches!(
                self.sense(*at),
                Some(
                    Sense::Unknown
                        | Sense::Kind { .. }
                        | Sense::Value { .. }
                        | Sense::Range { .. }
                        | Sense::Word(Word::Filler)
                )
            )
        };
        let before = (unknown + 1..kind).rev().find(|at| !qualifies(at));
        let some = |at: usize| match self.sense(at) {
            Some(Sense::Word(Word::Some | Word::Anything)) | Some(Sense::Amount(_)) => true,
            Some(Sense::Word(Word::Article)) => matches!(self.text_of(at).to_lowercase().as_str(), "a" | "an"),
            _ => false,
        };
        opening.wants && !opening.refused && before.is_some_and(some)
    }

    /// Names "that we can afford" behind a wish: a clause of a person with a verb that nobody knows, which refuses nothing. False where no
    /// such clause is here.
    pub(super) fn relative_of_person(&mut self) -> bool {
        let clause = self.clause(self.at + 1);
        let says = |at: usize| {
            self.is_content(at)
                || matches!(
                    self.word(at),
                    Some(Word::Refuse(_) | Word::Unwelcome | Word::Role(_) | Word::Too | Word::Little)
                )
        };
        let unknown = clause.clone().any(|at| matches!(self.sense(at), Some(Sense::Unknown)));
        let relative = self.speaks && unknown && !clause.clone().any(says);
        if relative {
            self.name_clause(self.at, None);
        }
        relative
    }

    /// Keeps the one kind that a clause about nothing else names: "I last watched a musical ages ago, so pick one".
    pub(super) fn mention(&mut self, place: Range<usize>) {
        let refuses = |at: usize| matches!(self.word(at), Some(Word::Refuse(_) | Word::Unwelcome | Word::Too));
        let mut kinds = place.clone().filter_map(|at| match self.sense(at) {
            Some(Sense::Kind { of, adjective: false, .. }) => Some(of.clone()),
            _ => None,
        });
        let only = kinds.next().filter(|_| kinds.next().is_none());
        drop(kinds);
        self.mentioned = only.filter(|_| !place.clone().any(refuses));
    }

    /// Gives "pick one", "list six of those" the kind that was mentioned last.
    pub(super) fn refer_to_mentioned(&mut self, start: usize, opening: &Opening, statement: &mut Statement) {
        let plain = !statement.has_content() && !statement.refused && statement.head == Head::Missing;
        let counted = matches!(opening.amounts.as_slice(), [(Quantity::Count(_), _)]) && opening.compared.is_none();
        let stands =
            |at: usize| matches!(self.text_of(at).to_lowercase().as_str(), "one" | "of those" | "of them" | "of these");
        let pronoun = (start..self.at).any(stands);
        let asks = (start..self.at).any(|at| self.asks(at) || self.wants(at) || self.picks(at));
        if !(plain && counted && pronoun && asks) {
            return;
        }
        let Some(of) = self.mentioned.take() else { return };
        (statement.of, statement.head, statement.part) = (of, Head::Kind, false);
        let text = self.text[statement.at.clone()].to_owned();
        self.assumed.push(Assumption { text, taken_as: "taken as of the kind before it".to_owned() });
    }

    fn picks(&self, at: usize) -> bool {
        const VERBS: [&str; 5] = ["pick", "list", "name", "choose", "get"];
        VERBS.iter().any(|verb| self.text_of(at).to_lowercase().split(' ').any(|word| word == *verb))
    }
}
