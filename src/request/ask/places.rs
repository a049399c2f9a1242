//! Items of the list just shown, by their places: "the second", "#3", "the first two", "1 and 3", "all of them".

use super::amounts::{any_phrase, number, word};
use super::tokens::{Token, TokenKind};
use crate::data::ItemId;

const ORDINALS: [&str; 12] = [
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth",
];

const ITEMS: &str = "one, ones, film, films, movie, movies, game, games, book, books, item, items, title, titles, of them, of these, of those, of the list, entry, entries, suggestion, suggestions, recommendation, pick";

/// The items that were not spoken of.
pub(super) const OTHERS: &str = "the rest, the others, the other ones, the other two, the other three, all others, everything else, all the others, the remaining ones, others";

/// Places that were read.
pub(super) struct ParsedPlaces {
    /// The items there; `None` where the list is not that long.
    pub items: Option<Vec<ItemId>>,
    pub tokens: usize,
}

/// The places that `tokens` begin with. A number alone is a place only where titles are `expected`.
pub(super) fn read(tokens: &[Token], expected: bool, shown: &[ItemId]) -> Option<ParsedPlaces> {
    let the = any_phrase(tokens, "the").unwrap_or(0);
    let rest = &tokens[the..];
    let after = |length: usize| the + length + any_phrase(&tokens[the + length..], ITEMS).unwrap_or(0);
    let at = |place: usize| shown.get(place.checked_sub(1)?).map(|item| vec![*item]);
    if let Some(end) = any_phrase(rest, "first, last, top") {
        // "the first two", but not "the last 5 years".
        if let Some((count, length)) = number(&rest[end..])
            && any_phrase(&rest[end + length..], "years, year, decades").is_none()
        {
            let count = count as usize;
            let items = match word(rest, 0) {
                Some("last") => shown.len().checked_sub(count).map(|start| shown[start..].to_vec()),
                _ => shown.get(..count).map(<[ItemId]>::to_vec),
            };
            return Some(ParsedPlaces { items, tokens: after(end + length) });
        }
        let dated =
            any_phrase(&rest[end..], "year, years, decade, list, century, time, night, few, lists, thing, kind, sort")
                .is_some();
        if word(rest, 0) == Some("last") && !dated {
            return Some(ParsedPlaces { items: shown.last().map(|item| vec![*item]), tokens: after(end) });
        }
    }
    if let Some(place) = ordinal(rest) {
        return Some(ParsedPlaces { items: at(place), tokens: after(1) });
    }
    if let Some(length) = any_phrase(rest, "number, item, title, film, movie, game, book, entry, no, nr")
        && let Some((place, more)) = number(&rest[length..])
    {
        return Some(ParsedPlaces { items: at(place as usize), tokens: the + length + more });
    }
    if !expected {
        return None;
    }
    let alone = |length: usize| {
        let next = tokens.get(length).map(|next| &next.what);
        let joint = matches!(next, Some(TokenKind::Comma | TokenKind::Stop));
        next.is_none()
            || joint
            || any_phrase(&tokens[length..], "and, or, but, please, already, are, is, again, anymore").is_some()
    };
    if let Some(length) = any_phrase(
        tokens,
        "all of them, all of these, all of those, these, those, them, all these, all those, any of these, any of them, any of those, all, these ones, those ones, this list, that list, each of them, every one of them, it all, both, both of them",
    ) && alone(length)
    {
        return Some(ParsedPlaces { items: (!shown.is_empty()).then(|| shown.to_vec()), tokens: length });
    }
    let (place, length) = number(tokens)?;
    (alone(length) && place >= 1.0 && place <= shown.len() as f64)
        .then(|| ParsedPlaces { items: at(place as usize), tokens: length })
}

/// "second", "2nd".
fn ordinal(tokens: &[Token]) -> Option<usize> {
    let word = word(tokens, 0)?;
    let spelt = ORDINALS.iter().position(|ordinal| *ordinal == word).map(|at| at + 1);
    let digits = || {
        let number = ["st", "nd", "rd", "th"].iter().find_map(|end| word.strip_suffix(end))?;
        number.parse().ok().filter(|place: &usize| *place > 0)
    };
    // "the 20th century"
    (super::amounts::word(tokens, 1) != Some("century")).then(|| spelt.or_else(digits))?
}
