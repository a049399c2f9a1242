//! From terms to statements, by recursive descent. The grammar is that of [the module](super).

mod asides;
mod back;
mod counts;
mod describe;
mod ellipsis;
mod lists;
mod opening;
mod preamble;
mod several;
mod statement;
mod topics;
mod unclear;
mod unknown;

use std::ops::Range;

use crate::request::ask::description::Reach;
use crate::request::ask::formula::Formula;
use crate::request::ask::terms::{Sense, Term};
use crate::request::ask::tree::{Joint, Statement};
use crate::request::ask::vocabulary::{Refusal, Word};
use crate::request::ask::{Assumption, Gap};

/// Terms on the way to statements.
pub(super) struct StatementParser<'t> {
    text: &'t str,
    terms: &'t [Term],
    reach: Reach,
    at: usize,
    pub statements: Vec<Statement>,
    pub assumed: Vec<Assumption>,
    pub gaps: Vec<Gap>,
    /// A verb or a speaker stands before the description that is being read.
    speaks: bool,
    /// An amount stands before the description that is being read.
    counted: bool,
    /// The amount is a number of items.
    numbered: bool,
    /// "a" stands before the description that is being read.
    single: bool,
    /// Something that the description is preferred to may follow it.
    prefers: bool,
    /// It says what was seen or liked.
    tells: bool,
    /// "not" and nothing else stands before the description.
    contrasts: bool,
    /// The kinds that the descriptions around the one being read name.
    around: Vec<Vec<Formula>>,
    /// The last correction is "I mean": it may be about a single word.
    means: bool,
    /// The last correction takes back what was said, and not only how many or of what sort.
    revokes: bool,
    /// A condition that no request can state stands before this place of the sentence.
    conditional: bool,
    /// A wish stands before that condition.
    wished: bool,
    /// "then" joins the statement that is being read to the one before it.
    then: bool,
    /// The joint before a clause that says nothing about the list: it joins what follows.
    carried: Joint,
    /// The one kind that the last clause that asks for nothing names.
    mentioned: Option<Formula>,
    /// The text asks for this in the place of what was asked before.
    pub replaces: bool,
}

impl<'t> StatementParser<'t> {
    pub fn new(text: &'t str, terms: &'t [Term], reach: Reach) -> Self {
        let (statements, assumed, gaps) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            text,
            terms,
            reach,
            at: 0,
            statements,
            assumed,
            gaps,
            speaks: false,
            counted: false,
            numbered: false,
            single: false,
            prefers: false,
            tells: false,
            contrasts: false,
            around: Vec::new(),
            means: false,
            revokes: false,
            conditional: false,
            wished: false,
            then: false,
            carried: Joint::Fresh,
            mentioned: None,
            replaces: false,
        }
    }

    /// Reads all terms.
    pub fn read(mut self) -> Self {
        loop {
            let joint = self.joint();
            if self.at >= self.terms.len() {
                self.join_wishes();
                return self;
            }
            let start = self.at;
            self.statement(joint);
            if self.at == start {
                // Nothing that a statement may begin with: it says nothing, or it was reported.
                self.at += 1;
            }
        }
    }

    fn sense(&self, at: usize) -> Option<&'t Sense> {
        self.terms.get(at).map(|term| &term.sense)
    }

    fn word(&self, at: usize) -> Option<Word> {
        match self.sense(at) {
            Some(Sense::Word(word)) => Some(*word),
            _ => None,
        }
    }

    fn text_of(&self, at: usize) -> &'t str {
        self.terms.get(at).map_or("", |term| &self.text[term.at.clone()])
    }

    /// The bytes from one term to the one last read; the terms of "horror-free" are not in the order of the text.
    fn place(&self, start: usize) -> Range<usize> {
        let last = self.at.max(start + 1).min(self.terms.len());
        let places = || self.terms[start..last].iter().map(|term| &term.at);
        let first = places().map(|at| at.start).min().unwrap_or_default();
        first..places().map(|at| at.end).max().unwrap_or(first)
    }

    fn gap(&mut self, at: Range<usize>, why: Option<&'static str>) {
        self.gaps.push(Gap { at, why });
    }

    /// True for something that is asked for.
    fn is_content(&self, at: usize) -> bool {
        matches!(
            self.sense(at),
            Some(
                Sense::Kind { .. }
                    | Sense::Value { .. }
                    | Sense::Range { .. }
                    | Sense::Condition(_)
                    | Sense::Titles(_)
                    | Sense::Either(..)
            )
        )
    }

    fn is_boundary(&self, at: usize) -> bool {
        match self.sense(at) {
            None | Some(Sense::Comma | Sense::Stop) => true,
            Some(Sense::Word(Word::Filler)) => self.gives_reason(at),
            Some(Sense::Word(word)) => matches!(word, Word::And | Word::Or | Word::But | Word::Correction),
            _ => false,
        }
    }

    /// The terms from a place up to the next boundary.
    fn clause(&self, at: usize) -> std::ops::Range<usize> {
        let end = (at..).find(|&at| self.is_boundary(at)).unwrap_or(at);
        at..end
    }

    /// True where a refusal at this place has nothing behind it in its clause.
    fn refuses_backwards(&self, at: usize) -> bool {
        let counts = |at: usize| {
            self.is_content(at) || matches!(self.sense(at), Some(Sense::Amount(_) | Sense::Unknown | Sense::Lacking))
        };
        let compares = |at: usize| {
            matches!(
                self.word(at),
                Some(Word::Mostly | Word::Every | Word::Rest | Word::Little | Word::Items | Word::Anything)
            )
        };
        // "horror: no, even if it is free"
        let mut behind = self.clause(at + 1).take_while(|&at| !self.is_condition(at));
        self.answers_kind(at) || !behind.any(|at| counts(at) || compares(at))
    }

    /// True for the "no" of "drama no comedy yes": in a clause where a kind has its "yes" behind it, another has its "no" there.
    fn answers_kind(&self, at: usize) -> bool {
        let behind_kind = |at: usize| at > 0 && self.is_content(at - 1);
        let start = (0..at).rev().find(|&at| self.is_boundary(at)).map_or(0, |at| at + 1);
        let no = self.word(at) == Some(Word::Refuse(Refusal::No))
            || matches!(self.text_of(at).to_lowercase().as_str(), "nah" | "nope");
        no && behind_kind(at) && (start..self.clause(at).end).any(|at| self.is_yes(at) && behind_kind(at))
    }

    /// True for "yes".
    fn is_yes(&self, at: usize) -> bool {
        self.word(at) == Some(Word::Courtesy)
            && matches!(self.text_of(at).to_lowercase().as_str(), "yes" | "yeah" | "yep" | "✅" | "👍" | "✔")
    }

    /// True where the terms from here on are an amount.
    fn is_amount(&self, at: usize) -> bool {
        match self.sense(at) {
            Some(Sense::Amount(_)) => !self.is_pronoun(at),
            Some(Sense::Word(
                Word::Compared(_)
                | Word::Beside(_)
                | Word::About
                | Word::Only
                | Word::Between
                | Word::Some
                | Word::Article,
            )) => {
                let next = (at + 1..).find(|&at| {
                    !matches!(
                        self.word(at),
                        Some(
                            Word::Article
                                | Word::Filler
                                | Word::More
                                | Word::Clause
                                | Word::Courtesy
                                | Word::Compared(_)
                        )
                    )
                });
                next.is_some_and(|next| matches!(self.sense(next), Some(Sense::Amount(_))) && !self.is_pronoun(next))
            }
            _ => false,
        }
    }

    /// True for the second amount of "3 to 5", "one or two", "between 3 and 5".
    fn is_second_end(&self, at: usize) -> bool {
        let joint = match self.word(at.wrapping_sub(1)) {
            Some(Word::To | Word::Or) => true,
            Some(Word::And) => self.word(at.wrapping_sub(3)) == Some(Word::Between),
            _ => false,
        };
        joint
            && matches!(self.sense(at), Some(Sense::Amount(_)))
            && matches!(self.sense(at.wrapping_sub(2)), Some(Sense::Amount(_)))
    }

    /// True where a word says how many of what follows.
    fn counts(&self, at: usize) -> bool {
        matches!(
            self.word(at),
            Some(Word::Some | Word::Mostly | Word::Little | Word::Every | Word::Rest | Word::Refuse(_))
        )
    }

    /// "a romantic one", "the French one", "every second one": a word for an item.
    fn is_pronoun(&self, at: usize) -> bool {
        let each = at > 0 && self.text_of(at - 1).to_lowercase().starts_with("every ");
        let follows = at > 0
            && (self.is_content(at - 1)
                || matches!(self.word(at - 1), Some(Word::Article)) && self.text_of(at - 1).len() > 1);
        self.text_of(at).eq_ignore_ascii_case("one") && (each || (follows && !self.is_content(at + 1)))
    }

    /// The joint of the next statement to the one before it.
    fn joint(&mut self) -> Joint {
        let mut joint = std::mem::replace(&mut self.carried, Joint::Fresh);
        self.then = false;
        loop {
            self.then |= self.text_of(self.at).eq_ignore_ascii_case("then");
            let next = match self.sense(self.at) {
                Some(Sense::Stop) => Joint::Fresh,
                Some(Sense::Comma) => Joint::Comma,
                Some(Sense::Word(Word::And | Word::With)) => Joint::And,
                Some(Sense::Word(Word::Or)) => Joint::Or,
                Some(Sense::Word(Word::But)) => Joint::But,
                Some(Sense::Word(Word::Correction)) => {
                    let text = self.text_of(self.at).to_lowercase();
                    self.means = text.contains("mean");
                    self.revokes = self.means
                        || ["no wait", "scratch", "strike", "forget", "actually no", "rather", "thought"]
                            .iter()
                            .any(|word| text.contains(word));
                    Joint::Correction
                }
                _ => return joint,
            };
            // Of ", and" and ", but" the later word decides; a full stop ends it all.
            joint = if next == Joint::Fresh { Joint::Fresh } else { joint.max(next) };
            self.at += 1;
        }
    }
}
