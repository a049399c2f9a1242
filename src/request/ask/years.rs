//! Points in time as people say them: "1999", "'85", "the nineties", "the early 2000s", "the 20th century", "now".

use super::amounts::{any_phrase, begins, number, word};
use super::lexicon::{Dimension, Lexicon};
use super::stretches::{ParsedMeasure, Point, Stretch};
use super::tokens::{Token, TokenKind};

const DECADES: [(&str, u32); 12] = [
    ("noughties", 0),
    ("two thousands", 0),
    ("aughts", 0),
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

/// The point in time that `tokens` begin with.
pub(super) fn point(tokens: &[Token], lexicon: &Lexicon) -> Option<Point> {
    let said = |(low, high): (f64, f64), tokens, assumed| {
        Some(Point { dimension: Dimension::Year, low, high, unit: 1.0, tokens, assumed })
    };
    if let Some(length) = any_phrase(tokens, "now, today, the present, the present day, present, this day, nowadays") {
        return said((f64::INFINITY, f64::INFINITY), length, None);
    }
    let mut at = any_phrase(tokens, "the years, years, the year, the").unwrap_or(0);
    let years = matches!(at.checked_sub(1).and_then(|last| word(tokens, last)), Some("years"));
    match &tokens.get(at)?.what {
        // "the years 80"
        TokenKind::Number(decade) if years && (20.0..100.0).contains(decade) && decade % 10.0 == 0.0 => {
            let first = f64::from(in_century(*decade as u32, lexicon));
            return said((first, first + 9.0), at + 1, Some(format!("taken as the {first}s")));
        }
        TokenKind::Number(year) => {
            let is_year = year.fract() == 0.0 && (1800.0..2200.0).contains(year);
            let is_amount =
                matches!(tokens.get(at + 1).map(|next| &next.what), Some(TokenKind::Percent | TokenKind::Money));
            return if is_year && !is_amount { said((*year, *year), at + 1, None) } else { None };
        }
        TokenKind::Word(word) if word.starts_with('\'') => {
            let year = f64::from(in_century(word[1..].parse().ok()?, lexicon));
            return said((year, year), at + 1, Some(format!("taken as {year}")));
        }
        _ => {}
    }
    if let Some((year, length)) = spelt(&tokens[at..]) {
        return said((year, year), at + length, None);
    }
    if let Some((years, length)) = century(&tokens[at..]) {
        return said(years, at + length, None);
    }
    const PARTS: [(&str, (f64, f64)); 3] = [
        ("early, the early, beginning of, the beginning of, start of, the start of", (0.0, 3.0)),
        ("mid, middle, middle of, the middle of, the mid", (3.0, 6.0)),
        ("late, the late, end of, the end of", (6.0, 9.0)),
    ];
    let part = PARTS.iter().find_map(|(words, part)| Some((*part, any_phrase(&tokens[at..], words)?)));
    let ((from, to), length) = part.unwrap_or(((0.0, 9.0), 0));
    at += length;
    at += if length > 0 { any_phrase(&tokens[at..], "the").unwrap_or(0) } else { 0 };
    let (decade, length, assumed) = decade(&tokens[at..], lexicon)?;
    said((decade + from, decade + to), at + length, assumed)
}

/// "the last five years", "this year": counted from the newest year of the catalogue.
pub(super) fn of_late(tokens: &[Token], lexicon: &Lexicon) -> Option<ParsedMeasure> {
    let lead = any_phrase(tokens, "from, of, in, within, during, over, made in, released in, from within").unwrap_or(0);
    let rest = &tokens[lead..];
    let newest =
        lexicon.column(Dimension::Year).and_then(|column| lexicon.numbers(column).last().copied()).unwrap_or(0.0);
    let since = |low: f64, tokens| {
        Some(ParsedMeasure {
            any_of: vec![Stretch { low: Some((low, true)), high: None }],
            dimension: Dimension::Year,
            column: None,
            tokens: lead + tokens,
            assumed: Some(format!("counted from {newest}, the newest there is")),
        })
    };
    if let Some(length) = any_phrase(rest, "this year, this years, the current year") {
        return since(newest, length);
    }
    if let Some(length) = any_phrase(rest, "last year, last years, the last year, the past year") {
        return since(newest - 1.0, length);
    }
    if let Some(length) = any_phrase(rest, "this decade, the current decade") {
        return since((newest / 10.0).floor() * 10.0, length);
    }
    if let Some(length) = any_phrase(rest, "last decade, the last decade, the past decade") {
        return since(newest - 9.0, length);
    }
    let last = any_phrase(rest, "the last, the past, last, past, the previous, the most recent")?;
    let (count, length) = number(&rest[last..]).or_else(|| begins(&rest[last..], "few").map(|length| (3.0, length)))?;
    let unit = any_phrase(&rest[last + length..], "years, year")?;
    since(newest - count + 1.0, last + length + unit)
}

/// "nineteen eighty-five", "twenty twelve".
fn spelt(tokens: &[Token]) -> Option<(f64, usize)> {
    let century = match word(tokens, 0)? {
        "nineteen" => 1900.0,
        "twenty" => 2000.0,
        _ => return None,
    };
    let (digits, length) = super::amounts::spelt(&tokens[1..])?;
    (10.0..100.0).contains(&digits).then_some((century + digits, 1 + length))
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
    let in_the = ["nineteen", "twenty"].iter().find_map(|century| {
        let (_, decade) = *DECADES.iter().find(|(words, _)| word(tokens, 1) == Some(words))?;
        (word(tokens, 0) == Some(century)).then_some((if *century == "nineteen" { 1900 } else { 2000 } + decade, 2))
    });
    let (number, length) = match in_the.or(spelt) {
        Some(spelt) => spelt,
        None => {
            let digits = word(tokens, 0)?.strip_suffix('s')?.trim_start_matches('\'');
            let right_length = matches!(digits.len(), 2 | 4) && digits.ends_with('0');
            (digits.parse().ok().filter(|_| right_length)?, 1)
        }
    };
    if number >= 100 {
        return (1800..2200).contains(&number).then_some((f64::from(number), length, None));
    }
    let decade = in_century(number, lexicon);
    let assumed = (number == 20).then(|| format!("taken as the {decade}s"));
    Some((f64::from(decade), length, assumed))
}

/// The year that ends in two digits: in this century only where the catalogue reaches it. Nobody means the 1900s or the 1910s.
fn in_century(digits: u32, lexicon: &Lexicon) -> u32 {
    let newest = lexicon.column(Dimension::Year).and_then(|column| lexicon.numbers(column).last().copied());
    let this = 2000 + digits;
    let reached = newest.unwrap_or(f64::INFINITY) >= f64::from(this);
    if digits < 20 || (digits <= 30 && reached) { this } else { 1900 + digits }
}
