//! Numbers of items and parts of lists: "ten", "a dozen", "half", "two thirds", "30%".

use super::tokens::{Token, TokenKind};
use crate::request::Predicate;
use crate::request::{Amount, Relation, Share};

/// An amount as it was said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Quantity {
    Count(u32),
    Percent(f64),
    /// A part of a number, such as two out of five.
    Part(u32, u32),
}

/// A comparison with an amount, as it was worded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compared {
    AtLeast,
    AtMost,
    MoreThan,
    FewerThan,
    About,
    Exactly,
}

impl Quantity {
    /// The share of a list of `k` items. What is no whole number of percent becomes a number of items, and so do strict comparisons.
    pub fn share(self, of: Predicate, compared: Compared, k: u32) -> Share {
        let percent = match self {
            Quantity::Percent(percent) => Some(percent),
            Quantity::Part(some, all) => Some(f64::from(some) / f64::from(all) * 100.0).filter(|p| p.fract() == 0.0),
            Quantity::Count(_) => None,
        };
        let items = self.items(k);
        let count = |items: f64| Amount::Count(items.clamp(0.0, f64::from(u32::MAX)) as u32);
        let as_said = |rounded: f64| percent.map_or_else(|| count(rounded), Amount::Percent);
        const ROUNDING: f64 = 1e-9;
        let (relation, amount) = match compared {
            Compared::AtLeast => (Relation::AtLeast, as_said((items - ROUNDING).ceil())),
            Compared::AtMost => (Relation::AtMost, as_said((items + ROUNDING).floor())),
            Compared::MoreThan => (Relation::AtLeast, count((items + ROUNDING).floor() + 1.0)),
            Compared::FewerThan => (Relation::AtMost, count((items - ROUNDING).ceil() - 1.0)),
            Compared::About => (Relation::About, as_said(items.round())),
            Compared::Exactly => (Relation::Exactly, as_said(items.round())),
        };
        Share { of, relation, amount }
    }

    /// The comparison that is meant where none is said: exactly so many, or nearly where a list of `k` cannot have just that.
    pub fn plain(self, k: u32) -> Compared {
        if (self.items(k) - self.items(k).round()).abs() < 1e-9 { Compared::Exactly } else { Compared::About }
    }

    /// The number of items that it is in a list of `k`.
    pub fn items(self, k: u32) -> f64 {
        match self {
            Quantity::Count(count) => f64::from(count),
            Quantity::Percent(percent) => f64::from(k) * percent / 100.0,
            Quantity::Part(some, all) => f64::from(k) * f64::from(some) / f64::from(all),
        }
    }
}

const NUMBERS: [(&str, u32); 28] = [
    ("zero", 0),
    ("one", 1),
    ("two", 2),
    ("three", 3),
    ("four", 4),
    ("five", 5),
    ("six", 6),
    ("seven", 7),
    ("eight", 8),
    ("nine", 9),
    ("ten", 10),
    ("eleven", 11),
    ("twelve", 12),
    ("thirteen", 13),
    ("fourteen", 14),
    ("fifteen", 15),
    ("sixteen", 16),
    ("seventeen", 17),
    ("eighteen", 18),
    ("nineteen", 19),
    ("twenty", 20),
    ("thirty", 30),
    ("forty", 40),
    ("fifty", 50),
    ("sixty", 60),
    ("seventy", 70),
    ("eighty", 80),
    ("ninety", 90),
];

/// Amounts of several words, and those that are no number; the longest first.
const PHRASES: [(&str, Quantity); 35] = [
    ("the first half", Quantity::Part(1, 2)),
    ("the second half", Quantity::Part(1, 2)),
    ("half and half", Quantity::Part(1, 2)),
    ("half half", Quantity::Part(1, 2)),
    ("every second", Quantity::Part(1, 2)),
    ("every other", Quantity::Part(1, 2)),
    ("every third", Quantity::Part(1, 3)),
    ("every fourth", Quantity::Part(1, 4)),
    ("the other half of", Quantity::Part(1, 2)),
    ("the other half", Quantity::Part(1, 2)),
    ("other half", Quantity::Part(1, 2)),
    ("fifty fifty", Quantity::Part(1, 2)),
    ("half a dozen", Quantity::Count(6)),
    ("a couple of", Quantity::Count(2)),
    ("a pair of", Quantity::Count(2)),
    ("couple of", Quantity::Count(2)),
    ("pair of", Quantity::Count(2)),
    ("handful of", Quantity::Count(5)),
    ("a single one", Quantity::Count(1)),
    ("a single", Quantity::Count(1)),
    ("a handful of", Quantity::Count(5)),
    ("a handful", Quantity::Count(5)),
    ("a couple", Quantity::Count(2)),
    ("a pair", Quantity::Count(2)),
    ("a few", Quantity::Count(3)),
    ("two dozen", Quantity::Count(24)),
    ("a dozen", Quantity::Count(12)),
    ("one dozen", Quantity::Count(12)),
    ("a hundred", Quantity::Count(100)),
    ("one hundred", Quantity::Count(100)),
    ("one half", Quantity::Part(1, 2)),
    ("a half", Quantity::Part(1, 2)),
    ("half", Quantity::Part(1, 2)),
    ("dozen", Quantity::Count(12)),
    ("several", Quantity::Count(5)),
];

/// Amounts that everybody counts differently.
const VAGUE: [&str; 5] = ["a few", "a handful", "a handful of", "handful of", "several"];

const FRACTIONS: [(&str, u32); 8] = [
    ("half", 2),
    ("third", 3),
    ("quarter", 4),
    ("fourth", 4),
    ("fifth", 5),
    ("sixth", 6),
    ("eighth", 8),
    ("tenth", 10),
];

/// An amount that was read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ParsedAmount {
    pub quantity: Quantity,
    /// The number of its tokens.
    pub tokens: usize,
    /// True for an amount such as "several", which readers count differently.
    pub vague: bool,
}

/// "older as 1990", "not more as three": people whose own language compares with "as" mean "than".
pub(super) fn compare_with_than(tokens: &mut [Token]) {
    let compares = |word: &str| matches!(word, "more" | "less") || (word.ends_with("er") && word.len() > 4);
    for at in 1..tokens.len() {
        let counted = matches!(tokens.get(at + 1), Some(Token { what: TokenKind::Money, .. }))
            || tokens.get(at + 1..).is_some_and(|rest| number(rest).is_some());
        if word(tokens, at) == Some("as") && word(tokens, at - 1).is_some_and(compares) && counted {
            tokens[at].what = TokenKind::Word("than".to_owned());
        }
    }
}

/// The amount that `tokens` begin with.
pub(super) fn read(tokens: &[Token]) -> Option<ParsedAmount> {
    let exact = |quantity, tokens| Some(ParsedAmount { quantity, tokens, vague: false });
    for (phrase, quantity) in PHRASES {
        if let Some(length) = begins(tokens, phrase) {
            return Some(ParsedAmount { quantity, tokens: length, vague: VAGUE.contains(&phrase) });
        }
    }
    let (number, length) = match word(tokens, 0) {
        Some("a" | "an") => (1.0, 1),
        _ => number(tokens)?,
    };
    let count = whole(number);
    if let (Some(some), Some(parts)) = (count, word(tokens, length).and_then(fraction)) {
        return (1..=parts).contains(&some).then(|| exact(Quantity::Part(some, parts), length + 1))?;
    }
    if matches!(word(tokens, 0), Some("a" | "an")) {
        return None;
    }
    let percent = match tokens.get(length).map(|token| &token.what) {
        Some(TokenKind::Percent) => 1,
        Some(TokenKind::Word(word)) if matches!(word.as_str(), "percent" | "pct") => 1,
        Some(TokenKind::Word(word)) if word == "per" && self::word(tokens, length + 1) == Some("cent") => 2,
        _ => 0,
    };
    if percent > 0 {
        return (0.0..=100.0).contains(&number).then(|| exact(Quantity::Percent(number), length + percent))?;
    }
    for (between, most) in [("out of every", u32::MAX), ("out of", u32::MAX), ("in every", u32::MAX), ("in", 20)] {
        let all = begins(&tokens[length..], between).and_then(|words| Some((words, count_at(tokens, length + words)?)));
        let all = all.filter(|(_, (all, _))| *all <= most);
        if let (Some(some), Some((words, (all, more)))) = (count, all) {
            return (some <= all && all > 0).then(|| exact(Quantity::Part(some, all), length + words + more))?;
        }
    }
    exact(Quantity::Count(count?), length)
}

fn count_at(tokens: &[Token], at: usize) -> Option<(u32, usize)> {
    number(tokens.get(at..)?).and_then(|(number, length)| Some((whole(number)?, length)))
}

fn whole(number: f64) -> Option<u32> {
    const MOST: f64 = 1e6;
    (number.fract() == 0.0 && (0.0..=MOST).contains(&number)).then_some(number as u32)
}

/// A number in words: "seven", "twenty five", "two thousand", "a hundred and fifty".
pub(super) fn spelt(tokens: &[Token]) -> Option<(f64, usize)> {
    let (mut number, mut length) = below_hundred(tokens)?;
    for (name, factor) in [("hundred", 100.0), ("thousand", 1000.0)] {
        if word(tokens, length) == Some(name) {
            (number, length) = (number * factor, length + 1);
            let and = usize::from(word(tokens, length) == Some("and"));
            let rest = if tokens.len() > length + and { below_hundred(&tokens[length + and..]) } else { None };
            if let Some((rest, more)) = rest {
                (number, length) = (number + rest, length + and + more);
            }
        }
    }
    Some((number, length))
}

/// A number in one or two words.
fn below_hundred(tokens: &[Token]) -> Option<(f64, usize)> {
    let of = |word: &str| NUMBERS.iter().find(|(name, _)| *name == word).map(|(_, number)| *number);
    let first = match tokens.first()?.what {
        TokenKind::Number(number) if matches!(word(tokens, 1), Some("hundred" | "thousand")) => {
            return Some((number, 1));
        }
        _ => word(tokens, 0).and_then(of)?,
    };
    match word(tokens, 1).and_then(of) {
        Some(unit @ 1..=9) if (20..100).contains(&first) => Some((f64::from(first + unit), 2)),
        _ => Some((f64::from(first), 1)),
    }
}

/// A number in digits or in words.
pub(super) fn number(tokens: &[Token]) -> Option<(f64, usize)> {
    spelt(tokens).or_else(|| match tokens.first()?.what {
        TokenKind::Number(number) => Some((number, 1)),
        _ => None,
    })
}

fn fraction(word: &str) -> Option<u32> {
    let singular = word.strip_suffix('s').unwrap_or(word);
    FRACTIONS.iter().find(|(name, _)| *name == singular || *name == word).map(|(_, parts)| *parts)
}

/// The word at a place.
pub(super) fn word(tokens: &[Token], at: usize) -> Option<&str> {
    match &tokens.get(at)?.what {
        TokenKind::Word(word) => Some(word),
        _ => None,
    }
}

/// The number of tokens that the words of `phrase` take, where `tokens` begin with them.
pub(super) fn begins(tokens: &[Token], phrase: &str) -> Option<usize> {
    let mut length = 0;
    for expected in phrase.split(' ') {
        if word(tokens, length) != Some(expected) {
            return None;
        }
        length += 1;
    }
    Some(length)
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

/// The length of the longest of some phrases that `tokens` begin with.
pub(super) fn any_phrase(tokens: &[Token], phrases: &str) -> Option<usize> {
    let first = word(tokens, 0)?;
    phrases
        .split(", ")
        .filter(|phrase| phrase.trim_start().starts_with(first))
        .filter_map(|phrase| begins(tokens, phrase.trim()))
        .max()
}

#[cfg(test)]
mod tests {
    use super::super::tokens::{NameLookup, tokens};
    use super::*;

    struct Nothing;

    impl NameLookup for Nothing {
        fn is_name(&self, _: &str) -> bool {
            false
        }

        fn condition(&self, _: &str) -> Option<usize> {
            None
        }
    }

    #[test]
    fn amounts_are_read_in_words_and_in_digits() {
        use Quantity::*;
        for (text, quantity, length) in [
            ("ten films", Count(10), 1),
            ("12 films", Count(12), 1),
            ("twenty-five films", Count(25), 2),
            ("a dozen films", Count(12), 2),
            ("half a dozen films", Count(6), 3),
            ("half of them", Part(1, 2), 1),
            ("a third of them", Part(1, 3), 2),
            ("two thirds comedies", Part(2, 3), 2),
            ("three quarters", Part(3, 4), 2),
            ("30% drama", Percent(30.0), 2),
            ("thirty per cent drama", Percent(30.0), 3),
            ("12.5 percent", Percent(12.5), 2),
            ("one out of three", Part(1, 3), 4),
        ] {
            let read = read(&tokens(text, &Nothing)).unwrap();
            assert_eq!((read.quantity, read.tokens), (quantity, length), "{text}");
        }
        for text in ["a comedy", "third", "films", "140%", "5 thirds", "1.5 films", ""] {
            assert_eq!(read(&tokens(text, &Nothing)), None, "{text}");
        }
    }

    #[test]
    fn parts_of_a_list_become_percentages_or_whole_items() {
        let kind = || Predicate::all([]);
        let said = |quantity: Quantity, compared, k| {
            let share = quantity.share(kind(), compared, k);
            (share.relation, share.amount)
        };
        use Quantity::*;
        assert_eq!(said(Part(1, 2), Compared::AtLeast, 7), (Relation::AtLeast, Amount::Percent(50.0)));
        assert_eq!(said(Part(1, 3), Compared::AtLeast, 10), (Relation::AtLeast, Amount::Count(4)));
        assert_eq!(said(Part(1, 3), Compared::AtMost, 10), (Relation::AtMost, Amount::Count(3)));
        assert_eq!(said(Part(1, 3), Compared::AtMost, 9), (Relation::AtMost, Amount::Count(3)));
        assert_eq!(said(Part(1, 2), Compared::MoreThan, 10), (Relation::AtLeast, Amount::Count(6)));
        assert_eq!(said(Percent(50.0), Compared::MoreThan, 7), (Relation::AtLeast, Amount::Count(4)));
        assert_eq!(said(Count(3), Compared::FewerThan, 7), (Relation::AtMost, Amount::Count(2)));
        assert_eq!((Part(1, 2).plain(10), Part(1, 2).plain(5)), (Compared::Exactly, Compared::About));
    }
}
