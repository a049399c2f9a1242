//! Years as people say them: "from the nineties", "after 2010", "1990-1999", "the early 80s and the 90s", "recent".

use super::amounts::{begins, word};
use super::lexicon::Lexicon;
use super::spans::{AttributeRange, Side, ValueRange};
use super::tokens::{Token, TokenKind};

/// Years that were read.
pub(super) struct ParsedYears {
    pub any_of: Vec<ValueRange>,
    pub tokens: usize,
    /// The assumption that was made.
    pub assumed: Option<String>,
}

const SIDES: [(Side, &str); 4] = [
    (
        Side::Above,
        "after, newer than, later than, younger than, more recent than, released after, made after, past, nothing before or in",
    ),
    (
        Side::From,
        "since, from no earlier than, no earlier than, not before, no older than, not older than, starting from, starting in, \
         nothing before, nothing older than, none before, none older than, released since, made since",
    ),
    (Side::Below, "before, older than, earlier than, prior to, pre, released before, made before, from before"),
    (
        Side::UpTo,
        "until, till, up to, through, no later than, not after, no newer than, not newer than, nothing after, nothing newer than, \
         none after, none newer than, at the latest in",
    ),
];

const IN: &str = "from the year, in the year, released in, made in, out of, from, in, of, during, year, dated, shot in";

/// Phrases behind a point that widen it to one side.
const BEHIND: [(Side, &str); 2] = [
    (
        Side::From,
        "or later, or newer, and later, and newer, onwards, onward, on, and after, or after, and onwards, and on, and up",
    ),
    (Side::UpTo, "or earlier, or older, and earlier, and older, and before, or before"),
];

/// The years that `tokens` begin with.
pub(super) fn read(tokens: &[Token], lexicon: &Lexicon) -> Option<ParsedYears> {
    compared(tokens, lexicon)
        .or_else(|| between(tokens, lexicon))
        .or_else(|| listed(tokens, lexicon))
        .or_else(|| of_late(tokens, lexicon))
}

/// The condition on the column of years.
pub(super) fn span(read: &ParsedYears, lexicon: &Lexicon) -> Option<AttributeRange> {
    Some(AttributeRange { column: lexicon.years()?, any_of: read.any_of.clone() })
}

/// "after 2010", "before the eighties".
fn compared(tokens: &[Token], lexicon: &Lexicon) -> Option<ParsedYears> {
    let (side, length) = SIDES.iter().find_map(|(side, phrases)| Some((*side, any_phrase(tokens, phrases)?)))?;
    let (point, more) = point(&tokens[length..], lexicon)?;
    Some(ParsedYears {
        any_of: vec![ValueRange::beside(side, point.years)],
        tokens: length + more,
        assumed: point.assumed,
    })
}

/// "between 1990 and 2000".
fn between(tokens: &[Token], lexicon: &Lexicon) -> Option<ParsedYears> {
    let length = any_phrase(tokens, "between, from between, made between, released between")?;
    let (first, more) = point(&tokens[length..], lexicon)?;
    let and = length + more;
    let middle = any_phrase(&tokens[and..], "and, to, until")?;
    let (last, rest) = point(&tokens[and + middle..], lexicon)?;
    Some(ParsedYears { any_of: vec![first.to(&last)], tokens: and + middle + rest, assumed: None })
}

/// "from 1990 to 1995", "the 80s and the 90s", "in 1999", "from 2010 on".
fn listed(tokens: &[Token], lexicon: &Lexicon) -> Option<ParsedYears> {
    let mut at = any_phrase(tokens, IN).unwrap_or(0);
    let (mut last, length) = point(&tokens[at..], lexicon)?;
    at += length;
    let mut read = ParsedYears { any_of: vec![last.stretch()], tokens: at, assumed: last.assumed.clone() };
    while let Some((joint, to)) = joint(&tokens[at..]) {
        let again = at + joint + any_phrase(&tokens[at + joint..], IN).unwrap_or(0);
        let Some((next, length)) = point(&tokens[again..], lexicon) else { break };
        at = again + length;
        if to {
            read.any_of.pop();
            read.any_of.push(last.to(&next));
        } else {
            read.any_of.push(next.stretch());
        }
        read.tokens = at;
        last = next;
    }
    if let [only] = read.any_of.as_mut_slice() {
        let behind = BEHIND.iter().find_map(|(side, phrases)| Some((*side, any_phrase(&tokens[at..], phrases)?)));
        if let Some((side, length)) = behind {
            *only = ValueRange::beside(side, last.years);
            read.tokens += length;
        }
    }
    Some(read)
}

/// The joint between two points; true where it means everything between them.
fn joint(tokens: &[Token]) -> Option<(usize, bool)> {
    if tokens.first()?.what == TokenKind::Dash {
        return Some((1, true));
    }
    if tokens[0].what == TokenKind::Comma {
        let more = any_phrase(&tokens[1..], "and, or").unwrap_or(0);
        return Some((1 + more, false));
    }
    let to = any_phrase(tokens, "to, until, till, through").map(|length| (length, true));
    to.or_else(|| any_phrase(tokens, "and, or").map(|length| (length, false)))
}

/// "recent", "classic", "the last five years": measured by the years that the catalogue has.
fn of_late(tokens: &[Token], lexicon: &Lexicon) -> Option<ParsedYears> {
    let years = lexicon.years().map(|column| lexicon.numbers(column)).unwrap_or_default();
    let newest = years.last().copied().unwrap_or(0.0);
    let quantile = |part: usize| years.get(years.len() * part / 4).copied().unwrap_or(0.0);
    let said = |stretch: ValueRange, tokens, assumed: String| {
        Some(ParsedYears { any_of: vec![stretch], tokens, assumed: Some(assumed) })
    };
    if let Some(length) =
        any_phrase(tokens, "from the last, of the last, in the last, from the past, the last, the past, last, past")
    {
        let TokenKind::Number(number) = tokens.get(length)?.what else { return None };
        any_phrase(&tokens[length + 1..], "years, year")?;
        let from = newest - number + 1.0;
        return said(
            ValueRange::beside(Side::From, (from, from)),
            length + 2,
            format!("counted from {newest}, the newest there is"),
        );
    }
    const NEW: &str = "recent, recently made, newest, latest, modern, contemporary, brand new, new";
    if let Some(length) = any_phrase(tokens, NEW) {
        let from = newest - 4.0;
        return said(
            ValueRange::beside(Side::From, (from, from)),
            length,
            format!("taken as the years from {from} on"),
        );
    }
    const OLD: &str = "old school, classic, classics, vintage, oldies, old";
    if let Some(length) = any_phrase(tokens, OLD) {
        let to = quantile(1);
        return said(
            ValueRange::beside(Side::UpTo, (to, to)),
            length,
            format!("taken as the years up to {to}, the oldest quarter"),
        );
    }
    None
}

/// A year, a decade or a century.
struct Point {
    years: (f64, f64),
    assumed: Option<String>,
}

impl Point {
    fn stretch(&self) -> ValueRange {
        ValueRange::beside(Side::At, self.years)
    }

    fn to(&self, last: &Point) -> ValueRange {
        ValueRange::between(self.years.0, last.years.1)
    }
}

const DECADES: [(&str, u32); 11] = [
    ("noughties", 0),
    ("two thousands", 0),
    ("tens", 10),
    ("twenties", 20),
    ("thirties", 30),
    ("forties", 40),
    ("fifties", 50),
    ("sixties", 60),
    ("seventies", 70),
    ("eighties", 80),
    ("nineties", 90),
];

fn point(tokens: &[Token], lexicon: &Lexicon) -> Option<(Point, usize)> {
    let mut at = any_phrase(tokens, "the years, years, the year, the").unwrap_or(0);
    if let TokenKind::Number(year) = tokens.get(at)?.what {
        let is_year = year.fract() == 0.0 && (1800.0..2200.0).contains(&year);
        let is_amount =
            matches!(tokens.get(at + 1).map(|next| &next.what), Some(TokenKind::Percent | TokenKind::Money));
        return (is_year && !is_amount).then_some((Point { years: (year, year), assumed: None }, at + 1));
    }
    if let Some((years, length)) = century(&tokens[at..]) {
        return Some((Point { years, assumed: None }, at + length));
    }
    const PARTS: [(&str, (f64, f64)); 3] = [("early", (0.0, 3.0)), ("mid, middle", (4.0, 6.0)), ("late", (7.0, 9.0))];
    let part = PARTS.iter().find_map(|(words, part)| Some((*part, any_phrase(&tokens[at..], words)?)));
    let ((from, to), length) = part.unwrap_or(((0.0, 9.0), 0));
    at += length;
    at += if length > 0 { any_phrase(&tokens[at..], "the").unwrap_or(0) } else { 0 };
    let (decade, length, assumed) = decade(&tokens[at..], lexicon)?;
    Some((Point { years: (decade + from, decade + to), assumed }, at + length))
}

/// "the 20th century", "this century".
fn century(tokens: &[Token]) -> Option<((f64, f64), usize)> {
    let length = 1 + begins(tokens.get(1..)?, "century")?;
    let number: f64 = match word(tokens, 0)? {
        "this" => 21.0,
        "last" => 20.0,
        number => number.strip_suffix("th").or_else(|| number.strip_suffix("st"))?.parse().ok()?,
    };
    (19.0..=22.0).contains(&number).then_some(((number * 100.0 - 99.0, number * 100.0), length))
}

/// The first year of a decade: "90s", "1990s", "nineties".
fn decade(tokens: &[Token], lexicon: &Lexicon) -> Option<(f64, usize, Option<String>)> {
    let spelt = DECADES.iter().find_map(|(words, decade)| Some((*decade, begins(tokens, words)?)));
    let (number, length) = match spelt {
        Some(spelt) => spelt,
        None => {
            let digits = word(tokens, 0)?.strip_suffix('s')?;
            let right_length = matches!(digits.len(), 2 | 4) && digits.ends_with('0');
            (digits.parse().ok().filter(|_| right_length)?, 1)
        }
    };
    if number >= 100 {
        return (1800..2200).contains(&number).then_some((f64::from(number), length, None));
    }
    let years = lexicon.years().map(|column| lexicon.numbers(column)).unwrap_or_default();
    let newest = years.last().copied().unwrap_or(f64::INFINITY);
    let (last, this) = (f64::from(1900 + number), f64::from(2000 + number));
    // Nobody means the 1900s or the 1910s; the twenties may be either.
    let decade = if number < 20 || (number == 20 && newest >= this) { this } else { last };
    let assumed = (number == 20).then(|| format!("taken as the {decade}s"));
    Some((decade, length, assumed))
}

/// The length of the longest of some phrases that `tokens` begin with.
pub(super) fn any_phrase(tokens: &[Token], phrases: &str) -> Option<usize> {
    phrases.split(", ").filter_map(|phrase| begins(tokens, phrase)).max()
}
