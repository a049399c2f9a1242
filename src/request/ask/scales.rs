//! Adjectives without a number: "cheap", "old", "short", and their comparatives, which are about the list just shown.

use super::amounts::any_phrase;
use super::lexicon::{Dimension, Lexicon};
use super::stretches::Stretch;
use super::tokens::Token;
use crate::data::ItemId;

/// One end of a dimension.
struct Scale {
    dimension: Dimension,
    /// True for the end of the large numbers.
    high: bool,
    plain: &'static str,
    comparative: &'static str,
}

const SCALES: [Scale; 8] = [
    Scale {
        dimension: Dimension::Year,
        high: true,
        plain: "recent, recently made, recently released, newest, latest, modern, contemporary, brand new, new, current, newish, new ones",
        comparative: "newer, more recent, later, more modern, more current, younger",
    },
    Scale {
        dimension: Dimension::Year,
        high: false,
        plain: "old school, old fashioned, classic, classics, vintage, oldies, old, retro, dated, ancient, older ones than new, oldie, outdated",
        comparative: "older, earlier, more classic, less recent, less modern",
    },
    Scale {
        dimension: Dimension::Price,
        high: false,
        plain: "cheap, inexpensive, affordable, low priced, low price, a bargain, bargain, bargains, low cost, low budget prices, cheapest",
        comparative: "cheaper, less expensive, more affordable, less costly, less pricey",
    },
    Scale {
        dimension: Dimension::Price,
        high: true,
        plain: "expensive, pricey, high priced, costly, luxurious, overpriced, most expensive",
        comparative: "pricier, more expensive, dearer, costlier",
    },
    Scale {
        dimension: Dimension::Duration,
        high: false,
        plain: "short, brief, quick, shortest",
        comparative: "shorter, briefer, quicker",
    },
    Scale {
        dimension: Dimension::Duration,
        high: true,
        plain: "long, lengthy, longest, overlong",
        comparative: "longer, lengthier",
    },
    Scale {
        dimension: Dimension::Rating,
        high: true,
        plain: "highly rated, well rated, top rated, high rated, acclaimed, highest rated, best rated, well reviewed",
        comparative: "better rated, higher rated",
    },
    Scale {
        dimension: Dimension::Rating,
        high: false,
        plain: "poorly rated, badly rated, low rated, lowest rated, worst rated",
        comparative: "worse rated, lower rated",
    },
];

/// A scale that was read, with the stretch that it is taken as; no stretch where the catalogue has no such column.
pub(super) struct ParsedScale {
    pub stretch: Option<(usize, Stretch)>,
    pub dimension: Dimension,
    pub tokens: usize,
    pub taken_as: String,
}

/// The adjective that `tokens` begin with. "Too old" is further out than "old", so that "old, but not too old" is something; beside a
/// list that was `shown`, "older" is older than that.
pub(super) fn read(tokens: &[Token], too: bool, shown: Option<&[ItemId]>, lexicon: &Lexicon) -> Option<ParsedScale> {
    let plain = SCALES.iter().filter_map(|scale| Some((any_phrase(tokens, scale.plain)?, scale, false)));
    let comparative = SCALES.iter().filter_map(|scale| Some((any_phrase(tokens, scale.comparative)?, scale, true)));
    let (length, scale, compares) = plain.chain(comparative).max_by_key(|(length, ..)| *length)?;
    let dimension = scale.dimension;
    let Some(column) = lexicon.column(dimension) else {
        return Some(ParsedScale { stretch: None, dimension, tokens: length, taken_as: String::new() });
    };
    let beside = |at: f64, included: bool| match scale.high {
        true => Stretch { low: Some((at, included)), high: None },
        false => Stretch { low: None, high: Some((at, included)) },
    };
    if let Some(middle) = shown.filter(|_| compares).and_then(|shown| middle(shown, column, lexicon)) {
        let taken_as =
            format!("taken as {} than {middle}, the middle of the last list", if scale.high { "more" } else { "less" });
        return Some(ParsedScale {
            stretch: Some((column, beside(middle, false))),
            dimension,
            tokens: length,
            taken_as,
        });
    }
    let numbers = lexicon.numbers(column);
    let parts = if too { 4 } else { 3 };
    let place = if scale.high { numbers.len() * (parts - 1) / parts } else { numbers.len() / parts };
    let at = numbers.get(place).copied().unwrap_or(0.0);
    let part = if too { "quarter" } else { "third" };
    let (bound, end) = if scale.high { ("from", "highest") } else { ("up to", "lowest") };
    let field = &lexicon.catalogue.attributes()[column];
    let taken_as = format!("taken as {field} {bound} {at}, the {end} {part}");
    Some(ParsedScale { stretch: Some((column, beside(at, true))), dimension, tokens: length, taken_as })
}

/// The median of a column over some items.
fn middle(items: &[ItemId], column: usize, lexicon: &Lexicon) -> Option<f64> {
    let mut numbers: Vec<f64> = items.iter().filter_map(|&item| lexicon.number_of(item, column)).collect();
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied()
}
