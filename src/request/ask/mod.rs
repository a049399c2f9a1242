//! Requests in plain English: "a few comedies from the nineties, nothing violent".
//!
//! Rules over the catalogue's own categories, attributes and titles, no model: the same words always mean the same, and what could not
//! be understood is said. A text becomes [`tokens`]; these become pieces ([`pieces`]): kinds of items and amounts on the one hand, and
//! marks such as "no" and "at least" on the other; pieces become clauses, one for each thing that is asked for ([`clauses`]); and the
//! clauses of all sentences make the request ([`meaning`], [`resolve`]). Everything that `tiller` itself writes into a prompt is read
//! back as the request that it came from.

mod amounts;
mod clauses;
mod description;
mod fields;
mod lexicon;
mod marks;
mod meaning;
mod pieces;
mod resolve;
mod spans;
mod spelling;
mod synonyms;
#[cfg(test)]
mod tests;
mod tokens;
mod when;

use std::ops::Range;

use serde::Serialize;

use self::lexicon::Lexicon;
use self::meaning::Meaning;
use self::pieces::PieceReader;
use super::Request;
use crate::data::Catalogue;

/// The length of a list where nobody says one.
pub const USUAL_LENGTH: u32 = 10;

/// The request that a text states.
#[derive(Debug, Clone, PartialEq)]
pub struct ParseResult {
    /// The request. Its history holds the titles that the text says the list should be like.
    pub request: Request,
    /// True where the text states the length of the list.
    pub says_length: bool,
    /// Words with an assumed meaning.
    pub assumed: Vec<Assumption>,
    /// Words that were ignored.
    pub not_understood: Vec<NotUnderstood>,
}

/// Words and what they were taken as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Assumption {
    /// The words.
    pub text: String,
    /// Their assumed meaning, as the end of a sentence: "taken as 3".
    pub taken_as: String,
}

/// Words that could not be made a part of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotUnderstood {
    /// The words.
    pub text: String,
    /// Why, where it is not simply that nobody knows them.
    pub why: Option<&'static str>,
}

/// A place of the text that was not understood.
#[derive(Debug, Clone)]
struct Gap {
    at: Range<usize>,
    why: Option<&'static str>,
}

impl ParseResult {
    /// Returns true where the text states a request.
    pub fn says_something(&self) -> bool {
        self.says_length || self.request.has_intention() || !self.request.history.is_empty()
    }
}

/// Reads texts about one catalogue.
pub struct AskParser<'a> {
    lexicon: Lexicon<'a>,
}

impl<'a> AskParser<'a> {
    /// Learns the names of a catalogue.
    pub fn new(catalogue: &'a Catalogue) -> Self {
        Self { lexicon: Lexicon::new(catalogue) }
    }

    /// Parses `text`. `k` is the length of the list where the text does not say it; parts of a list that are no whole number of
    /// percent are counted with it.
    pub fn read(&self, text: &str, k: u32) -> ParseResult {
        let tokens = tokens::tokens(text, &self.lexicon);
        let mut reader = PieceReader { text, lexicon: &self.lexicon, assumed: Vec::new(), gaps: Vec::new() };
        let pieces = reader.pieces(&tokens);
        let mut meaning = Meaning { assumed: reader.assumed, gaps: reader.gaps, ..Meaning::default() };
        for clauses in clauses::sentences(&pieces) {
            meaning.sentence(&clauses, text, &self.lexicon);
        }
        meaning.resolve(k, text, &self.lexicon)
    }
}
