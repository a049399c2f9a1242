//! Prices and other attributes as people say them: "under 20 dollars", "cheap", "rating above 7", "by Lego".

use super::amounts::begins;
use super::lexicon::{AttributeValue, LONGEST_NAME, Lexicon};
use super::spans::{AttributeRange, Side, ValueRange};
use super::tokens::{Token, TokenKind};
use super::when::any_phrase;

/// A condition on prices, which the catalogue may not have.
pub(super) struct Price {
    pub span: Option<AttributeRange>,
    pub tokens: usize,
    /// The assumption that was made.
    pub assumed: Option<String>,
}

const SIDES: [(Side, &str); 4] = [
    (Side::Below, "under, below, less than, cheaper than, lower than, smaller than, shorter than, fewer than, before"),
    (
        Side::UpTo,
        "at most, up to, no more than, not more than, max, maximum, within, at the most, a maximum of, not over, until, \
         no higher than",
    ),
    (
        Side::Above,
        "over, above, more than, greater than, higher than, better than, longer than, dearer than, exceeding, after",
    ),
    (
        Side::From,
        "at least, no less than, not less than, no lower than, not below, not under, minimum, a minimum of, from, since",
    ),
];

const CURRENCIES: &str = "dollars, dollar, bucks, buck, euros, euro, eur, usd, gbp, pounds, pound, quid, yen";

/// The price that `tokens` begin with.
pub(super) fn price(tokens: &[Token], lexicon: &Lexicon) -> Option<Price> {
    let before = any_phrase(
        tokens,
        "that cost, which cost, costing, priced at, priced, price, with a price of, with a price, at a price of, for, cost, costs",
    )
    .unwrap_or(0);
    let rest = &tokens[before..];
    let names_price = before > 0 && begins(tokens, "for").is_none();
    let read = compared(rest, names_price).or_else(|| between(rest));
    let column = lexicon.prices();
    let span = |stretch| column.map(|column| AttributeRange::one(column, stretch));
    if let Some((stretch, length)) = read {
        return Some(Price { span: span(stretch), tokens: before + length, assumed: None });
    }
    let prices = column.map(|column| lexicon.numbers(column)).unwrap_or_default();
    let third = |part: usize| prices.get(prices.len() * part / 3).copied().unwrap_or(0.0);
    let vague = |stretch, tokens, assumed| Some(Price { span: span(stretch), tokens, assumed: Some(assumed) });
    if let Some(length) =
        any_phrase(tokens, "cheap, inexpensive, affordable, low priced, low price, a bargain, bargain")
    {
        let most = third(1);
        let assumed = format!("taken as the cheapest third, up to {most}");
        return vague(ValueRange::beside(Side::UpTo, (most, most)), length, assumed);
    }
    if let Some(length) = any_phrase(tokens, "expensive, pricey, high priced, costly, luxurious") {
        let least = third(2);
        let assumed = format!("taken as the dearest third, from {least}");
        return vague(ValueRange::beside(Side::From, (least, least)), length, assumed);
    }
    let free = any_phrase(tokens, "for free, free of charge, free, that cost nothing")?;
    Some(Price { span: span(ValueRange::beside(Side::UpTo, (0.0, 0.0))), tokens: free, assumed: None })
}

/// "under 20 dollars"; a comparison alone is about a price only where a currency or the word itself says so.
fn compared(tokens: &[Token], names_price: bool) -> Option<(ValueRange, usize)> {
    let (side, length) = side(tokens)?;
    let (number, more, money) = sum(&tokens[length..])?;
    let is_price = money || names_price || begins(tokens, "cheaper than").is_some();
    is_price.then_some((ValueRange::beside(side, (number, number)), length + more))
}

/// "between 10 and 20 dollars", "10 to 20 dollars", "$10-$20".
fn between(tokens: &[Token]) -> Option<(ValueRange, usize)> {
    let start = any_phrase(tokens, "between, from").unwrap_or(0);
    let (low, length, money) = sum(&tokens[start..])?;
    let at = start + length;
    let joint = match tokens.get(at)?.what {
        TokenKind::Dash => 1,
        _ => any_phrase(&tokens[at..], "and, to")?,
    };
    let (high, more, more_money) = sum(&tokens[at + joint..])?;
    (money || more_money).then_some((ValueRange::between(low, high), at + joint + more))
}

/// A number, how many tokens it takes, and whether a currency stands beside it.
fn sum(tokens: &[Token]) -> Option<(f64, usize, bool)> {
    let sign = usize::from(tokens.first()?.what == TokenKind::Money);
    let TokenKind::Number(number) = tokens.get(sign)?.what else { return None };
    let after = match tokens.get(sign + 1).map(|token| &token.what) {
        Some(TokenKind::Money) => 1,
        Some(TokenKind::Percent) => return None,
        _ => any_phrase(tokens.get(sign + 1..)?, CURRENCIES).unwrap_or(0),
    };
    Some((number, sign + 1 + after, sign + after > 0))
}

fn side(tokens: &[Token]) -> Option<(Side, usize)> {
    let sides = SIDES.iter().filter_map(|(side, phrases)| Some((*side, any_phrase(tokens, phrases)?)));
    sides.max_by_key(|(_, length)| *length)
}

/// "rating above 7", "length between 90 and 120": a field's name and what its number shall be.
pub(super) fn number_of_field(tokens: &[Token], lexicon: &Lexicon) -> Option<(AttributeRange, usize)> {
    let (column, length) = field(tokens, lexicon)?;
    let between = || {
        let start = any_phrase(&tokens[length..], "between, of between, from")? + length;
        let (low, more, _) = sum(&tokens[start..])?;
        let joint = any_phrase(&tokens[start + more..], "and, to")?;
        let (high, last, _) = sum(&tokens[start + more + joint..])?;
        Some((ValueRange::between(low, high), start + more + joint + last))
    };
    let compared = || {
        let at = length + any_phrase(&tokens[length..], "is, of, was, has to be, must be, should be").unwrap_or(0);
        let (side, more) = side(&tokens[at..]).unwrap_or((Side::At, 0));
        let (number, last, _) = sum(&tokens[at + more..])?;
        Some((ValueRange::beside(side, (number, number)), at + more + last))
    };
    let (stretch, tokens) = between().or_else(compared)?;
    (!lexicon.numbers(column).is_empty()).then_some((AttributeRange::one(column, stretch), tokens))
}

/// A field's name.
fn field(tokens: &[Token], lexicon: &Lexicon) -> Option<(usize, usize)> {
    (1..=3).rev().find_map(|length| Some((lexicon.field(&joined(tokens, length)?)?, length)))
}

/// A value such as "Lego", with or without its field's name before it.
pub(super) fn value<'a>(tokens: &[Token], lexicon: &'a Lexicon) -> Option<(&'a AttributeValue, usize)> {
    let longest = |tokens: &[Token]| {
        (1..=LONGEST_NAME).rev().find_map(|length| Some((lexicon.value(&joined(tokens, length)?)?, length)))
    };
    let behind_field = || {
        let (column, length) = field(tokens, lexicon)?;
        let at = length + any_phrase(&tokens[length..], "is, of, was, must be, should be").unwrap_or(0);
        let (value, more) = longest(&tokens[at..])?;
        (value.column == column).then_some((value, at + more))
    };
    behind_field().or_else(|| longest(tokens))
}

/// The first `length` tokens as a name is looked up, where all of them are words or numbers.
pub(super) fn joined(tokens: &[Token], length: usize) -> Option<String> {
    let words = tokens.get(..length)?.iter().map(|token| match &token.what {
        TokenKind::Word(word) => Some(word.clone()),
        TokenKind::Number(number) => Some(number.to_string()),
        _ => None,
    });
    Some(words.collect::<Option<Vec<_>>>()?.join(" "))
}
