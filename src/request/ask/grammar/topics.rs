//! Names that a preposition governs: what items contain ("comedies with crime and romance" have both), and what stands behind a
//! preposition that nobody knows.

use super::StatementParser;
use crate::request::ask::description::{Element, ItemDescription, Sort};
use crate::request::ask::formula::Formula;
use crate::request::ask::terms::Sense;
use crate::request::ask::vocabulary::{Refusal, Word, is_modifier};

impl StatementParser<'_> {
    /// Takes in two or more topics of a kind: "westerns about war and crime". False where no such list is here.
    pub(super) fn topics(&mut self, description: &mut ItemDescription) -> bool {
        let leads = matches!(self.word(self.at), Some(Word::With | Word::About));
        let Some(first) = self.topic(self.at + 1).filter(|_| leads && description.has_kind()) else { return false };
        let mut topics = vec![first];
        let mut last_joint = None;
        while let Some(next) = topics.last().and_then(|last| self.next_topic(*last)) {
            last_joint = self.word(next.0);
            topics.push(next.1);
        }
        let all = match last_joint {
            Some(Word::And) => true,
            Some(Word::Or) => false,
            _ => return false,
        };
        self.take_in(&topics, all, description);
        true
    }

    /// Takes in "both a western and a comedy" behind "is" or "with": one item is both.
    pub(super) fn both(&mut self, description: &mut ItemDescription) -> bool {
        let article = |at: &usize| self.word(*at) == Some(Word::Article);
        let is_passed_over = |at: &usize| article(at) || *at == self.at && self.is_content(*at);
        let Some(both) = (0..=self.at).rev().find(|at| !is_passed_over(at)) else { return false };
        if !self.text_of(both).eq_ignore_ascii_case("both") {
            return false;
        }
        let first = self.behind_articles(both + 1);
        let second = self.behind_articles(first + 2);
        let kinds = [first, second].iter().all(|at| matches!(self.sense(*at), Some(Sense::Kind { .. })));
        let denied = usize::from(self.word(both.wrapping_sub(1)) == Some(Word::Refuse(Refusal::Not)));
        let before = both.wrapping_sub(1 + denied);
        let of_one = matches!(self.word(before), Some(Word::Copula | Word::With | Word::About));
        let at_once = self.at_once(second + 1);
        if !kinds || self.word(first + 1) != Some(Word::And) || !(of_one || at_once.is_some()) {
            return false;
        }
        self.take_in(&[first, second], true, description);
        self.at = at_once.unwrap_or(self.at);
        true
    }

    /// The place behind "in one film", "at once": what is listed before it belongs to one item.
    fn at_once(&self, at: usize) -> Option<usize> {
        let text = |at: usize| self.text_of(at).to_lowercase();
        let at = at + usize::from(self.word(at) == Some(Word::Items));
        match text(at).as_str() {
            "at once" | "at the same time" | "in one" | "combined" => Some(at + 1),
            "in" => {
                let one = self.behind_articles(at + 1);
                let single = matches!(text(one).as_str(), "one" | "a single" | "the same" | "same");
                single.then_some(one + 1 + usize::from(self.word(one + 1) == Some(Word::Items)))
            }
            _ => None,
        }
    }

    fn take_in(&mut self, kinds: &[usize], all: bool, description: &mut ItemDescription) {
        let mut parts = Vec::new();
        for &at in kinds {
            self.at = at;
            parts.extend(self.element(false).map(|element| element.of));
        }
        let of = if all { Formula::all(parts) } else { Formula::any(parts) };
        description.add(Element { of, sort: Sort::Noun, loose: false });
    }

    /// The place of a kind that names what items contain: "crime", but neither "westerns" nor "a western".
    fn topic(&self, at: usize) -> Option<usize> {
        let one = |at: usize| matches!(self.text_of(at).to_lowercase().as_str(), "a" | "an");
        let kind = self.behind_articles(at);
        let noun = matches!(self.sense(kind), Some(Sense::Kind { adjective: false, .. }));
        (noun && !self.names_items(kind) && !(at..kind).any(one)).then_some(kind)
    }

    /// The joint behind a topic and the topic that follows it.
    fn next_topic(&self, topic: usize) -> Option<(usize, usize)> {
        let comma = matches!(self.sense(topic + 1), Some(Sense::Comma));
        let joint =
            if comma && matches!(self.word(topic + 2), Some(Word::And | Word::Or)) { topic + 2 } else { topic + 1 };
        let joins = comma || matches!(self.word(joint), Some(Word::And | Word::Or));
        self.topic(joint + 1).filter(|_| joins).map(|next| (joint, next))
    }

    fn behind_articles(&self, at: usize) -> usize {
        let small = |at: &usize| matches!(self.word(*at), Some(Word::Article | Word::Filler | Word::Some));
        (at..).find(|at| !small(at)).unwrap_or(at)
    }

    /// True for a kind that names items ("comedies", "war films") rather than what they are of ("war").
    pub(super) fn names_items(&self, kind: usize) -> bool {
        let noun = matches!(self.sense(kind), Some(Sense::Kind { adjective: false, .. }));
        let plural = noun && self.text_of(kind).to_lowercase().ends_with('s');
        plural || self.word(kind + 1) == Some(Word::Items)
    }

    /// True for an unknown word that governs the name behind it, as a preposition or verb does and an adjective does not: "beyond the
    /// nineties", "from outside France".
    pub(super) fn governs(&self, at: usize) -> bool {
        if is_modifier(&self.text_of(at).to_lowercase()) || !self.text_of(at).contains(char::is_alphabetic) {
            return false;
        }
        let name = self.behind_articles(at + 1);
        let behind_preposition = matches!(self.word(at.wrapping_sub(1)), Some(Word::Preposition | Word::About));
        let article = self.word(at + 1) == Some(Word::Article);
        self.is_content(name)
            && (article || (behind_preposition && matches!(self.sense(name), Some(Sense::Value { .. }))))
    }

    /// Names an unknown word together with the names that it governs, which say nothing without it.
    pub(super) fn name_governed(&mut self, description: &mut ItemDescription) {
        let start = self.at;
        let mut last = self.behind_articles(start + 1);
        loop {
            let joint = matches!(self.word(last + 1), Some(Word::And | Word::Or));
            let next = self.behind_articles(last + 2);
            let alike = |one: Option<&Sense>, other: Option<&Sense>| {
                one.map(std::mem::discriminant) == other.map(std::mem::discriminant)
            };
            if !(joint && self.is_content(next) && alike(self.sense(last), self.sense(next))) {
                break;
            }
            last = next;
        }
        self.at = last + 1;
        let place = self.place(start);
        self.gap(place, None);
        description.unknown = true;
    }
}
