//! Words that nobody knows: each is named, and a clause in which one may be a verb says nothing else.

use super::StatementParser;
use crate::request::ask::description::ItemDescription;
use crate::request::ask::terms::Sense;
use crate::request::ask::vocabulary::{Word, is_modifier};

/// Kinds without a plural, which a verb may stand before as well as an adjective: "boycott romance".
const UNCOUNTED: [&str; 14] = [
    "romance",
    "horror",
    "war",
    "drama",
    "action",
    "crime",
    "animation",
    "adventure",
    "fantasy",
    "suspense",
    "sci-fi",
    "scifi",
    "science fiction",
    "violence",
];

impl StatementParser<'_> {
    /// True for an unknown word that may be a verb about what follows it: "boycott romance", but "a dark romance". `named` is true
    /// where a word before it, such as an article, says that a name follows.
    pub(super) fn may_be_verb(&self, at: usize, named: bool) -> bool {
        let text = self.text_of(at).to_lowercase();
        let is_word = text.contains(char::is_alphabetic) && matches!(self.sense(at), Some(Sense::Unknown));
        if !is_word || named || is_modifier(&text) || self.is_hyphenated(at) {
            return false;
        }
        let object = self.text_of(at + 1).to_lowercase();
        match self.sense(at + 1) {
            Some(Sense::Kind { adjective, .. }) => {
                *adjective || object.ends_with('s') || UNCOUNTED.contains(&object.as_str())
            }
            Some(Sense::Titles(_) | Sense::Either(..) | Sense::Value { .. }) => true,
            Some(Sense::Word(Word::Anything | Word::Article | Word::Every)) => true,
            _ => false,
        }
    }

    /// True where a name rather than a verb follows a word of an opening: behind "a", "some", "want", not behind "we", "could you".
    pub(super) fn says_that_a_name_follows(&self, at: usize, word: Word, named: bool) -> bool {
        const VERB_FOLLOWS: [&str; 30] = [
            "must",
            "should",
            "shall",
            "might",
            "may",
            "will",
            "would",
            "could",
            "can",
            "do",
            "does",
            "did",
            "can you",
            "could you",
            "would you",
            "will you",
            "why do not you",
            "why don't you",
            "why don't we",
            "lets",
            "let's",
            "help me",
            "help",
            "be sure",
            "make sure",
            "ensure",
            "us",
            "me",
            "i think",
            "i guess",
        ];
        match word {
            Word::Courtesy | Word::Filler | Word::Copula | Word::Part => named,
            Word::Subject | Word::To => false,
            Word::Clause => !VERB_FOLLOWS.contains(&self.text_of(at).to_lowercase().as_str()),
            _ => true,
        }
    }

    /// True for a part of a word with hyphens, such as "slow-burn".
    fn is_hyphenated(&self, at: usize) -> bool {
        let glued = |first: usize| {
            let (Some(one), Some(next)) = (self.terms.get(first), self.terms.get(first + 1)) else { return false };
            self.text.get(one.at.end..next.at.start) == Some("-")
        };
        at.checked_sub(1).is_some_and(glued) || glued(at)
    }

    /// True for a copula that begins a relative clause: "that is".
    fn is_relative(&self, copula: usize) -> bool {
        let text = self.text_of(copula).to_lowercase();
        let before = copula.checked_sub(1).map(|before| self.text_of(before).to_lowercase());
        let relative = |text: &str| matches!(text.split(' ').next(), Some("that" | "which" | "who"));
        relative(&text) || before.is_some_and(|before| relative(&before))
    }

    /// True for a number that counts something nobody knows: "at 8 pm", "PG-13", "a party of 6".
    pub(super) fn is_no_amount(&self, at: usize) -> bool {
        let glued = at.checked_sub(1).is_some_and(|before| {
            let between = self.terms[before].at.end..self.terms[at].at.start;
            matches!(self.sense(before), Some(Sense::Unknown)) && self.text.get(between) == Some("-")
        });
        let small =
            |at: &usize| matches!(self.word(*at), Some(Word::Article | Word::Filler | Word::Preposition | Word::About));
        let before = (0..at).rev().find(|before| !small(before));
        let of_unknown =
            before.is_some_and(|before| before + 1 < at && matches!(self.sense(before), Some(Sense::Unknown)));
        let after = (at + 1..).find(|&after| !matches!(self.sense(after), Some(Sense::Unknown))).unwrap_or(at);
        let counts = self.is_content(after) || matches!(self.word(after), Some(Word::Items | Word::Part));
        glued || of_unknown || (after > at + 1 && !counts)
    }

    /// Takes in a word that was not understood.
    pub(super) fn unknown(&mut self, description: &mut ItemDescription) {
        let place = self.terms[self.at].at.clone();
        let small = |at: &usize| matches!(self.word(*at), Some(Word::Article | Word::Filler));
        let before = (0..self.at).rev().find(|at| !small(at));
        let follows = before.is_some_and(|at| {
            self.is_content(at)
                || matches!(self.word(at), Some(Word::Items | Word::Subject | Word::Clause | Word::Role(_)))
        });
        let precedes =
            matches!(self.sense(self.at + 1), Some(Sense::Kind { .. })) || self.word(self.at + 1) == Some(Word::Items);
        // "horror sucks", "horror is for losers": behind a name a word may say anything about it.
        let is_word = self.text[place.clone()].contains(char::is_alphabetic);
        description.broken |= is_word && description.has_content() && (description.judged || (follows && !precedes));
        description.unknown = true;
        self.gap(place, None);
        self.at += 1;
    }

    /// A word that would mean something elsewhere.
    pub(super) fn lost_word(&mut self, description: &mut ItemDescription) -> bool {
        let place = self.terms[self.at].at.clone();
        description.unknown = true;
        self.gap(place, None);
        self.at += 1;
        true
    }
}
