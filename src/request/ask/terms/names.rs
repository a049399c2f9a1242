//! Categories and values by their names, right or misspelt.

use super::titles::titles_ahead;
use super::{Expected, Parsed, Sense, TermReader};
use crate::data::CategoryId;
use crate::request::ask::amounts::{self, joined};
use crate::request::ask::formula::Formula;
use crate::request::ask::lexicon::{CategoryTerm, LONGEST_NAME};
use crate::request::ask::spelling::is_other_word;
use crate::request::ask::tokens::{Token, TokenKind};
use crate::request::ask::vocabulary;

impl TermReader<'_, '_> {
    pub(super) fn kind(&self, tokens: &[Token]) -> Option<Parsed> {
        let (kind, length) = (1..=LONGEST_NAME).rev().find_map(|length| {
            let name = joined(tokens, length)?;
            Some((self.lexicon.kind(&name)?, length))
        })?;
        let assumed = kind.loose.then(|| format!("taken as {}", self.in_words(kind)));
        Some(Parsed { sense: kind_of(kind), tokens: length, assumed, lacks: None })
    }

    pub(super) fn value(&self, tokens: &[Token]) -> Option<Parsed> {
        let longest = |tokens: &[Token]| {
            (1..=LONGEST_NAME).rev().find_map(|length| Some((self.lexicon.value(&joined(tokens, length)?)?, length)))
        };
        let behind_field = || {
            let (column, length) =
                (1..=3).rev().find_map(|length| Some((self.lexicon.field(&joined(tokens, length)?)?, length)))?;
            let at = length + amounts::any_phrase(&tokens[length..], "is, of, was, must be, should be").unwrap_or(0);
            let (value, more) = longest(&tokens[at..])?;
            (value.column == column).then_some((value, at + more))
        };
        let (value, length) = behind_field().or_else(|| longest(tokens))?;
        Parsed::new(Sense::Value { column: value.column, value: value.value.clone() }, length)
    }

    pub(super) fn has_other_sense(&self, tokens: &[Token]) -> bool {
        vocabulary::read(tokens).is_some()
            || self.kind(tokens).is_some()
            || self.amount(tokens).is_some()
            || self.measure(tokens).is_some()
            || self.scale(tokens, false).is_some()
            || self.value(tokens).is_some()
    }

    /// The intended sense of a misspelt word.
    pub(super) fn misspelt(&self, tokens: &[Token], expected: Option<Expected>) -> Parsed {
        let unknown = || Parsed { sense: Sense::Unknown, tokens: 1, assumed: None, lacks: None };
        let TokenKind::Word(word) = &tokens[0].what else { return unknown() };
        if is_other_word(word) {
            return unknown();
        }
        let read_as =
            |sense, name: &str| Parsed { sense, tokens: 1, assumed: Some(format!("read as {name:?}")), lacks: None };
        let title = || titles_ahead(tokens).iter().rev().find_map(|(name, length)| self.near_title(name, *length));
        let kind = || self.lexicon.nearest_kind(word).map(|(name, kind)| read_as(kind_of(kind), name));
        let function = || vocabulary::nearest(word).map(|(name, word)| read_as(Sense::Word(word), name));
        let found = match expected {
            Some(Expected::Role(_)) => title().or_else(kind).or_else(function),
            Some(Expected::Refused) => kind().or_else(function).or_else(title),
            None => kind().or_else(function),
        };
        found.unwrap_or_else(unknown)
    }

    /// Categories as a person lists them.
    pub(super) fn in_words(&self, kind: &CategoryTerm) -> String {
        let name = |id: &CategoryId| self.lexicon.catalogue.categories()[id.index()].as_str();
        let any = |ids: &Vec<_>| ids.iter().map(name).collect::<Vec<_>>().join(" or ");
        kind.all.iter().map(any).collect::<Vec<_>>().join(" and ")
    }
}

pub(super) fn kind_of(kind: &CategoryTerm) -> Sense {
    Sense::Kind { of: Formula::of_term(kind), adjective: kind.adjective, loose: kind.loose }
}
