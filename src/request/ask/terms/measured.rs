//! Measures, comparisons with titles, scales and amounts as terms.

use super::titles::titles_ahead;
use super::{Parsed, Sense, TermReader};
use crate::request::ask::amounts::{self, Quantity};
use crate::request::ask::formula::Formula;
use crate::request::ask::lexicon::Dimension;
use crate::request::ask::stretches::{self, Point, Side, Stretch};
use crate::request::ask::tokens::Token;
use crate::request::ask::{measures, places, scales, years};

/// No price at all.
const FREE: &str = "free of charge, free, that cost nothing, cost nothing, costs nothing, for nothing, for free";

impl TermReader<'_, '_> {
    pub(super) fn measure(&self, tokens: &[Token]) -> Option<Parsed> {
        let late = years::of_late(tokens, self.lexicon);
        let read = measures::read(tokens, self.lexicon);
        let read = match (late, read) {
            (Some(late), Some(read)) if read.tokens > late.tokens => read,
            (late, read) => late.or(read)?,
        };
        let Some(column) = read.column.or_else(|| self.lexicon.column(read.dimension)) else {
            return Some(Parsed {
                sense: Sense::Lacking,
                tokens: read.tokens,
                assumed: None,
                lacks: Some(read.dimension.lacking()),
            });
        };
        let of = Formula::any(
            stretches::joined_stretches(read.any_of, read.dimension).into_iter().map(|stretch| stretch.formula(column)),
        );
        Some(Parsed {
            sense: Sense::Range { column, of, vague: false },
            tokens: read.tokens,
            assumed: read.assumed,
            lacks: None,
        })
    }

    /// "cheaper than Titanic", "older than the first".
    pub(super) fn relative(&self, tokens: &[Token]) -> Option<Parsed> {
        let (side, Some(dimension), length) = measures::side(tokens)? else { return None };
        if !matches!(side, Side::Above | Side::Below)
            || matches!(amounts::word(tokens, length - 1), Some(last) if last != "than")
        {
            return None;
        }
        let rest = &tokens[length..];
        let (items, more) = match self.shown.and_then(|shown| places::read(rest, true, shown)) {
            Some(places) => (places.items?, places.tokens),
            None => {
                let names = titles_ahead(rest);
                let (items, more) = names.iter().rev().find_map(|(name, more)| {
                    let items = self.lexicon.titled(name);
                    (!items.is_empty()).then(|| (items.to_vec(), *more))
                })?;
                (items, more)
            }
        };
        let column = self.lexicon.column(dimension)?;
        let number = self.lexicon.number_of(*items.last()?, column)?;
        let stretch = Point { dimension, low: number, high: number, unit: 1.0, tokens: 0, assumed: None }.beside(side);
        let assumed = Some(format!("taken as {} {number}", self.lexicon.catalogue.attributes()[column]));
        let sense = Sense::Range { column, of: stretch.formula(column), vague: false };
        Some(Parsed { sense, tokens: length + more, assumed, lacks: None })
    }

    pub(super) fn scale(&self, tokens: &[Token], too: bool) -> Option<Parsed> {
        // "feel free to …"
        let free = amounts::any_phrase(tokens, FREE).filter(|&length| amounts::word(tokens, length) != Some("to"));
        if free.is_some() && self.lexicon.column(Dimension::Price).is_some() {
            let column = self.lexicon.column(Dimension::Price)?;
            let of = Stretch { low: None, high: Some((0.0, true)) }.formula(column);
            return Parsed::new(Sense::Range { column, of, vague: false }, free?);
        }
        let read = scales::read(tokens, too, self.shown, self.lexicon)?;
        let Some((column, stretch)) = read.stretch else {
            return Some(Parsed {
                sense: Sense::Lacking,
                tokens: read.tokens,
                assumed: None,
                lacks: Some(read.dimension.lacking()),
            });
        };
        let sense = Sense::Range { column, of: stretch.formula(column), vague: true };
        Some(Parsed { sense, tokens: read.tokens, assumed: Some(read.taken_as), lacks: None })
    }

    pub(super) fn amount(&self, tokens: &[Token]) -> Option<Parsed> {
        let read = amounts::read(tokens)?;
        let assumed = match read.quantity {
            Quantity::Count(count) if read.vague => Some(format!("taken as {count}")),
            _ => None,
        };
        Some(Parsed { sense: Sense::Amount(read.quantity), tokens: read.tokens, assumed, lacks: None })
    }
}
