//! A text as a row of terms: each is the longest sense that the catalogue or the language has for the words at its place.

mod context;
mod measured;
mod names;
mod speech;
mod titles;

use std::ops::Range;

use super::amounts::{Quantity, begins, joined};
use super::formula::Formula;
use super::lexicon::Lexicon;
use super::tokens::{Token, TokenKind, is_verdict};
use super::vocabulary::{self, Refusal, TitleRole, Word};
use super::{Assumption, Gap};
use crate::data::ItemId;
use crate::request::Predicate;

/// One thing that a text says.
#[derive(Debug, Clone)]
pub(super) struct Term {
    pub sense: Sense,
    /// Bytes of the text.
    pub at: Range<usize>,
}

/// The meaning of a term.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Sense {
    /// A category by a noun ("comedies") or an adjective ("funny"); "violent" is a loose one, which only suggests categories.
    Kind {
        of: Formula,
        adjective: bool,
        loose: bool,
    },
    /// A field's value.
    Value {
        column: usize,
        value: String,
    },
    /// A stretch of a field's numbers. A `vague` one gives way to one with a number.
    Range {
        column: usize,
        of: Formula,
        vague: bool,
    },
    /// A condition in the notation of the flags.
    Condition(Predicate),
    /// Items that share a title, or items of the list just shown.
    Titles(NamedItems),
    /// A quoted name that a category and a title share.
    Either(Formula, ItemId),
    Amount(Quantity),
    Word(Word),
    Comma,
    Stop,
    /// Understood, but the catalogue has no such column.
    Lacking,
    Unknown,
}

/// Titles that one name stands for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NamedItems {
    pub items: Vec<ItemId>,
    /// True where only one of them can be meant.
    pub same_name: bool,
}

/// The longest sense of what follows, before it is known which one wins.
struct Parsed {
    sense: Sense,
    tokens: usize,
    assumed: Option<String>,
    /// Why it counts for nothing although it was understood.
    lacks: Option<&'static str>,
}

impl Parsed {
    fn new(sense: Sense, tokens: usize) -> Option<Self> {
        (tokens > 0).then_some(Self { sense, tokens, assumed: None, lacks: None })
    }
}

/// Reads tokens into terms; notes what was assumed and what was not understood.
pub(super) struct TermReader<'a, 'b> {
    pub text: &'b str,
    pub lexicon: &'b Lexicon<'a>,
    /// The list just shown, in a conversation.
    pub shown: Option<&'b [ItemId]>,
    pub assumed: Vec<Assumption>,
    pub gaps: Vec<Gap>,
    /// A place that the list just shown does not have.
    pub missing_place: bool,
}

impl TermReader<'_, '_> {
    /// The terms of `tokens`, in order.
    pub fn terms(&mut self, tokens: &[Token]) -> Vec<Term> {
        let mut terms: Vec<Term> = Vec::new();
        let mut at = 0;
        // Titles may follow "like", "include", "no" and their kind, until something else is said.
        let mut expected = None;
        while at < tokens.len() {
            let rest = &tokens[at..];
            let clause_starts = at == 0 || matches!(tokens[at - 1].what, TokenKind::Comma | TokenKind::Stop);
            let too = matches!(terms.last(), Some(Term { sense: Sense::Word(Word::Too), .. }));
            let parsed = self
                .places(rest, expected, &terms)
                .or_else(|| self.sequels(rest, expected))
                .or_else(|| self.longest(rest, expected, clause_starts, too))
                .unwrap_or_else(|| self.misspelt(rest, expected));
            let place = rest[0].at.start..rest[parsed.tokens - 1].at.end;
            if let Some(taken_as) = parsed.assumed {
                self.assumed.push(Assumption { text: self.text[place.clone()].to_owned(), taken_as });
            }
            expected = match &parsed.sense {
                Sense::Word(Word::Role(role)) => Some(Expected::Role(*role)),
                Sense::Word(Word::Refuse(_)) => Some(Expected::Refused),
                Sense::Word(
                    Word::Article
                    | Word::Filler
                    | Word::More
                    | Word::Anything
                    | Word::Items
                    | Word::And
                    | Word::Or
                    | Word::Clause
                    | Word::Courtesy
                    | Word::To,
                )
                | Sense::Titles(_) => expected,
                Sense::Comma if matches!(terms.last(), Some(Term { sense: Sense::Titles(_), .. })) => expected,
                _ => None,
            };
            at += parsed.tokens;
            if parsed.sense == Sense::Unknown && self.is_decoration(&place) {
                self.gaps.push(Gap { at: place, why: None });
                continue;
            }
            if parsed.lacks.is_some() {
                self.gaps.push(Gap { at: place.clone(), why: parsed.lacks });
            }
            terms.push(Term { sense: parsed.sense, at: place });
            at += self.suffix(&tokens[at - 1..], &mut terms);
        }
        self.in_context(&mut terms);
        terms
    }

    /// True for a sign that says nothing: "🙂".
    fn is_decoration(&self, place: &Range<usize>) -> bool {
        let sign = &self.text[place.clone()];
        !sign.contains(char::is_alphanumeric) && !sign.is_ascii() && !is_verdict(sign)
    }

    /// "horror-free", "horror-less": the refusal goes before what it refuses. The number of tokens taken.
    fn suffix(&self, tokens: &[Token], terms: &mut Vec<Term>) -> usize {
        let [last, next, ..] = tokens else { return 0 };
        let hyphen =
            self.text.get(last.at.end..next.at.start).is_some_and(|between| matches!(between, "-" | "‑" | "–"));
        // "romance-light comedies": how little nobody can tell.
        if hyphen
            && begins(&tokens[1..], "light").is_some()
            && matches!(terms.last(), Some(Term { sense: Sense::Kind { .. }, .. }))
        {
            terms.extend([Term { sense: Sense::Unknown, at: next.at.clone() }]);
            terms.iter_mut().rev().take(2).for_each(|term| term.sense = Sense::Unknown);
            return 1;
        }
        let refuses = hyphen && ["free", "less", "proof"].iter().any(|word| begins(&tokens[1..], word).is_some());
        let content = terms
            .last()
            .is_some_and(|term| !matches!(term.sense, Sense::Word(_) | Sense::Comma | Sense::Stop | Sense::Amount(_)));
        if !(refuses && content) {
            return 0;
        }
        let place = terms.len() - 1;
        terms.insert(place, Term { sense: Sense::Word(Word::Refuse(Refusal::Non)), at: next.at.clone() });
        1
    }

    /// The longest sense; of equally long ones the first of the order below.
    fn longest(&self, tokens: &[Token], expected: Option<Expected>, clause_starts: bool, too: bool) -> Option<Parsed> {
        let single = match &tokens[0].what {
            TokenKind::Comma => Parsed::new(Sense::Comma, 1),
            TokenKind::Stop => Parsed::new(Sense::Stop, 1),
            TokenKind::Condition(text) => {
                Predicate::parse(text, self.lexicon.catalogue).ok().and_then(|p| Parsed::new(Sense::Condition(p), 1))
            }
            TokenKind::Quoted(name) => self.quoted(name, expected),
            // Signs without the numbers that they belong to.
            TokenKind::Percent | TokenKind::Money => Parsed::new(Sense::Word(Word::Filler), 1),
            TokenKind::Dash => Parsed::new(Sense::Word(Word::To), 1),
            TokenKind::Word(_) | TokenKind::Number(_) => None,
        };
        let function = || self.function(tokens);
        let known = [
            single,
            self.measure(tokens),
            self.relative(tokens),
            function().filter(|(word, _)| *word != Word::Items).and_then(word),
            self.kind(tokens),
            function().and_then(word),
            self.amount(tokens),
            self.scale(tokens, too),
            self.value(tokens),
        ];
        let known =
            known.into_iter().flatten().reduce(|best, next| if next.tokens > best.tokens { next } else { best });
        let title = self.title(tokens, expected, clause_starts);
        match (known, title) {
            (Some(known), Some(title)) if self.is_title(&known, &title, tokens, expected) => Some(title),
            (known, title) => known.or(title),
        }
    }

    /// The phrase that the language has here; "like It" is not "like it" where that is a title.
    fn function(&self, tokens: &[Token]) -> Option<(Word, usize)> {
        let (word, length) = vocabulary::read(tokens)?;
        // "from the US"
        if length == 1 && self.is_abbreviation(&tokens[0]) && self.value(tokens).is_some() {
            return None;
        }
        let last = &tokens[length - 1];
        let titled = length > 1
            && self.is_capital(last)
            && !self.is_shouted()
            && joined(&tokens[length - 1..], 1).is_some_and(|name| !self.lexicon.titled(&name).is_empty());
        if titled { vocabulary::read(&tokens[..length - 1]) } else { Some((word, length)) }
    }

    fn is_capital(&self, token: &Token) -> bool {
        self.text[token.at.clone()].starts_with(|c: char| c.is_uppercase() || c.is_numeric())
    }

    /// True for a word in capitals where others are not.
    fn is_abbreviation(&self, token: &Token) -> bool {
        let word = &self.text[token.at.clone()];
        word.len() > 1 && word.chars().all(char::is_uppercase) && !self.is_shouted()
    }

    /// True for a text all in capitals, where they say nothing.
    fn is_shouted(&self) -> bool {
        !self.text.contains(|c: char| c.is_lowercase())
    }
}

/// A reason to expect titles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Role(TitleRole),
    Refused,
}

fn word((word, tokens): (Word, usize)) -> Option<Parsed> {
    Parsed::new(Sense::Word(word), tokens)
}
