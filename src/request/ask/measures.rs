//! Stretches of years, prices, running times and ratings: "from the nineties", "under 20 dollars", "at least two hours", "$15 or less".
//!
//! ```text
//! measure = [lead] side point | [lead] "between" point "and" point | [lead] points [side behind] | field ["is"] [side] number
//! points  = point { ("and" | "or" | "," | "to" | "–") point }
//! point   = year | decade | century | "now" | number unit
//! ```
//!
//! A number alone is no measure: a unit, a currency, the form of a year, the name of a field or a word such as "cheaper" says what it counts.

use super::amounts::{any_phrase, begins, joined, number};
use super::lexicon::{Dimension, Lexicon};
use super::stretches::{ParsedMeasure, Point, Side, Stretch, stretch};
use super::tokens::{Token, TokenKind};
use super::years;

/// Comparisons, with the dimension that their word names.
const SIDES: [(Side, Option<Dimension>, &str); 16] = [
    (
        Side::Above,
        None,
        ">, over, above, more than, greater than, higher than, exceeding, in excess of, past, upwards of, beyond",
    ),
    (
        Side::Above,
        Some(Dimension::Year),
        "after, newer than, later than, younger than, more recent than, released after, made after, post, out after, since after, from after",
    ),
    (Side::Above, Some(Dimension::Price), "dearer than, pricier than, more expensive than, costlier than"),
    (Side::Above, Some(Dimension::Duration), "longer than"),
    (
        Side::Above,
        Some(Dimension::Rating),
        "rated above, rated over, rated higher than, rated better than, better than, rating above",
    ),
    (
        Side::From,
        None,
        "> =, at least, no less than, not less than, no lower than, not below, not under, minimum, min, a minimum of, minimum of, no fewer than, starting at, from at least",
    ),
    (
        Side::From,
        Some(Dimension::Year),
        "since, in or after, or after, on or after, starting from, starting in, starting with, released since, made since, beginning in, at the earliest from, no earlier than, as of",
    ),
    (Side::Below, None, "<, under, below, sub, less than, lower than, smaller than, fewer than, beneath, short of"),
    (
        Side::Below,
        Some(Dimension::Year),
        "before, older than, earlier than, prior to, pre, released before, made before, from before, predating",
    ),
    (Side::Below, Some(Dimension::Price), "cheaper than, less expensive than, for under, for less than, for below"),
    (Side::Below, Some(Dimension::Duration), "shorter than"),
    (Side::Below, Some(Dimension::Rating), "rated below, rated under, rated lower than, worse than"),
    (
        Side::UpTo,
        None,
        "< =, at most, up to, no more than, not more than, tops, max, maximum, within, at the most, a maximum of, maximum of, until, till, no higher than, up until, at the very most, not exceeding, not above, not over",
    ),
    (
        Side::UpTo,
        Some(Dimension::Price),
        "my budget is, our budget is, a budget of, with a budget of, on a budget of, within a budget of, budget of, budget, i can spend, \
         i can pay, i will pay, willing to pay",
    ),
    (
        Side::UpTo,
        None,
        "i have, i only have, we have, we only have, i have got, we have got, ive got, weve got, ive only got, weve only got, hes got, shes got, theyve got, he has, she has, they have, i have only, we have only, i have about, we have about, i only have about",
    ),
    (
        Side::UpTo,
        Some(Dimension::Year),
        "through, in or before, or before, on or before, at the latest in, at the latest, up to and including, by",
    ),
];

/// Comparisons behind a point.
const BEHIND: [(Side, &str); 2] = [
    (
        Side::From,
        "or later, or newer, and later, and newer, onwards, onward, on, and after, or after, and onwards, and on, and up, upwards, or more, \
         or above, or over, or longer, and above, and over, minimum, min, at least, +, plus, or higher, or better, and more, or up, upward, and onward, at minimum, and higher, and longer, or more recent",
    ),
    (
        Side::UpTo,
        "or earlier, or older, and earlier, and older, and before, or before, or less, or under, or below, or cheaper, or shorter, and under, \
         and below, max, maximum, tops, at most, at the most, at maximum, or fewer, or lower, and less, and cheaper, and shorter, or sooner, at the latest, top, at the very most, limit",
    ),
];

/// Words before a measure that say what it measures, or only lead to it.
const LEADS: [(Option<Dimension>, &str); 4] = [
    (
        Some(Dimension::Price),
        "that cost, which cost, costing, priced at, priced, with a price of, with a price, at a price of, cost, costs, that costs, which costs, \
         priced from, worth, price, prices",
    ),
    (
        Some(Dimension::Duration),
        "with a runtime of, with a running time of, a runtime of, running time, running, that run, which run, lasting, that last, that take, playtime of, with a length of, of length, length of, runtime of, runs, run",
    ),
    (
        Some(Dimension::Year),
        "from the year, in the year, released in, made in, from, in, out of, of, during, year, dated, shot in, made, released, published in, that came out, that came out in, came out, \
         came out in, filmed in, produced in, published, from sometime in, made in the year, of the year",
    ),
    (None, "for, with, is, are, that is, that are, which are, which is, at, within, by"),
];

/// The measure that `tokens` begin with.
pub(super) fn read(tokens: &[Token], lexicon: &Lexicon) -> Option<ParsedMeasure> {
    let named = of_field(tokens, lexicon);
    let mut best = named;
    let leads = LEADS.iter().filter_map(|(dimension, phrases)| Some((any_phrase(tokens, phrases)?, *dimension)));
    for (lead, dimension) in leads.chain([(0, None)]) {
        let rest = &tokens[lead..];
        // A lead names the dimension only of bare numbers; "from 5 to 10 dollars" are prices.
        for mut found in
            [compared(rest, dimension, lexicon), between(rest, dimension, lexicon), listed(rest, dimension, lexicon)]
                .into_iter()
                .flatten()
        {
            found.tokens += lead;
            if best.as_ref().is_none_or(|best| found.tokens > best.tokens) {
                best = Some(found);
            }
        }
    }
    best
}

/// "after 2010", "under 20 dollars", "at least two hours".
fn compared(tokens: &[Token], named: Option<Dimension>, lexicon: &Lexicon) -> Option<ParsedMeasure> {
    let (side, dimension, length) = side(tokens)?;
    // "before about 1990"
    let length = length + any_phrase(&tokens[length..], ABOUT).unwrap_or(0);
    let hint = dimension.or(named.filter(|dimension| *dimension != Dimension::Year));
    let point = point(&tokens[length..], hint, lexicon).filter(|point| point.low.is_finite())?;
    if dimension.is_some_and(|dimension| dimension != point.dimension && !(dimension == Dimension::Year)) {
        return None;
    }
    // "for less than five players" is no price.
    let end = length + point.tokens;
    let bare = point.tokens == 1 && begins(tokens, "for").is_some();
    if bare && !ends_clause(&tokens[end..]) {
        return None;
    }
    let tokens = end;
    Some(ParsedMeasure {
        any_of: vec![point.beside(side)],
        dimension: point.dimension,
        column: None,
        tokens,
        assumed: point.assumed,
    })
}

/// True where no name follows that a number before it may count.
fn ends_clause(tokens: &[Token]) -> bool {
    const GOES_ON: &str =
        "and, or, but, please, that, which, with, without, from, no, not, in, by, each, apiece, tops, max";
    let sign = |token: &Token| matches!(token.what, TokenKind::Comma | TokenKind::Stop);
    tokens.first().is_none_or(sign) || any_phrase(tokens, GOES_ON).is_some()
}

/// "between 1990 and 2000", "from 10 to 20 dollars".
fn between(tokens: &[Token], named: Option<Dimension>, lexicon: &Lexicon) -> Option<ParsedMeasure> {
    let start = any_phrase(tokens, "between, anywhere between, somewhere between").unwrap_or(0);
    let joints = if start > 0 { "and, to, until, till" } else { "to, until, till, through, up to" };
    let (low, high, length) = ends(&tokens[start..], joints, named, lexicon)?;
    let any_of = vec![low.to(&high)];
    Some(ParsedMeasure { any_of, dimension: high.dimension, column: None, tokens: start + length, assumed: None })
}

/// Two points of one dimension, which only one of them may name, with what joins them.
fn ends(tokens: &[Token], joints: &str, named: Option<Dimension>, lexicon: &Lexicon) -> Option<(Point, Point, usize)> {
    let joint_at = |at: usize| match tokens.get(at)?.what {
        TokenKind::Dash => Some(1),
        _ => any_phrase(&tokens[at..], joints),
    };
    let first = point(tokens, named, lexicon);
    let open = number(tokens);
    let (length, joint) = match &first {
        Some(point) => (point.tokens, joint_at(point.tokens)?),
        None => (open?.1, joint_at(open?.1)?),
    };
    let hint = first.as_ref().map(|point| point.dimension).filter(|dimension| *dimension != Dimension::Year).or(named);
    let last = point(&tokens[length + joint..], hint, lexicon)?;
    let first = match first {
        Some(first) if first.dimension == last.dimension => first,
        // "10 to 20 dollars": the unit of the second end is that of both.
        _ => {
            let (number, tokens) = open?;
            if last.dimension == Dimension::Year {
                return None;
            }
            Point { low: number * last.unit, high: number * last.unit, tokens, ..last.clone() }
        }
    };
    let tokens = length + joint + last.tokens;
    Some((first, last, tokens))
}

/// Words for nearly so much.
const ABOUT: &str = "about, around, roughly, approximately, approx, circa, of about, of around, for about, for around";

const ABOUT_BEHIND: &str = "or so, or thereabouts, thereabouts, give or take, more or less";

/// "the 80s and the 90s", "in 1999", "2010 or later", "about 90 minutes".
fn listed(tokens: &[Token], named: Option<Dimension>, lexicon: &Lexicon) -> Option<ParsedMeasure> {
    let lead = any_phrase(tokens, ABOUT).unwrap_or(0);
    let roughly = lead > 0;
    let mut last = point(&tokens[lead..], named, lexicon)?;
    // "dramas about the sixties" tell of them.
    if last.dimension == Dimension::Year && last.low < last.high && begins(tokens, "about").is_some() {
        return None;
    }
    let mut at = lead + last.tokens;
    let mut any_of = vec![last.beside(Side::At)];
    let mut assumed = last.assumed.clone();
    while let Some((joint, to)) = joint(&tokens[at..]) {
        let lead = any_phrase(&tokens[at + joint..], "from, in, of, from the year, the").unwrap_or(0);
        let Some(next) = point(&tokens[at + joint + lead..], None, lexicon) else { break };
        if next.dimension != last.dimension {
            break;
        }
        at += joint + lead + next.tokens;
        if to {
            any_of.pop();
            any_of.push(last.to(&next));
        } else {
            any_of.push(next.beside(Side::At));
        }
        last = next;
    }
    if let [only] = any_of.as_mut_slice() {
        let behind = BEHIND.iter().filter_map(|(side, phrases)| Some((any_phrase(&tokens[at..], phrases)?, *side)));
        if let Some((length, side)) = behind.max_by_key(|(length, _)| *length) {
            *only = last.beside(side);
            at += length;
        } else if let Some(behind) = any_phrase(&tokens[at..], ABOUT_BEHIND).or(roughly.then_some(0))
            && let Some((near, taken_as)) = last.nearly()
        {
            (*only, assumed) = (near, Some(taken_as));
            at += behind;
        } else if last.dimension == Dimension::Price && named.is_none() {
            // Who has 15 dollars takes what costs less, too.
            *only = last.beside(Side::UpTo);
            assumed = Some("taken as at most that".to_owned());
        }
    }
    // "now" alone is no year.
    let is_bound = any_of.iter().any(|stretch| {
        stretch.low.is_some_and(|(low, _)| low.is_finite()) || stretch.high.is_some_and(|(high, _)| high.is_finite())
    });
    is_bound.then_some(ParsedMeasure { any_of, dimension: last.dimension, column: None, tokens: at, assumed })
}

/// The joint between two points; true where it means everything between them.
fn joint(tokens: &[Token]) -> Option<(usize, bool)> {
    match tokens.first()?.what {
        TokenKind::Dash => return Some((1, true)),
        TokenKind::Comma => return Some((1 + any_phrase(&tokens[1..], "and, or").unwrap_or(0), false)),
        _ => {}
    }
    let to = any_phrase(tokens, "to, until, till, through, up to").map(|length| (length, true));
    to.or_else(|| any_phrase(tokens, "and, or").map(|length| (length, false)))
}

/// "rating above 7", "length between 90 and 120", "year: 1999".
fn of_field(tokens: &[Token], lexicon: &Lexicon) -> Option<ParsedMeasure> {
    let lead = any_phrase(tokens, "with a, with, a, whose, of").unwrap_or(0);
    let (column, length) =
        (1..=3).rev().find_map(|length| Some((lexicon.field(&joined(tokens.get(lead..)?, length)?)?, length)))?;
    let is = any_phrase(&tokens[lead + length..], "is, of, was, has to be, must be, should be, are").unwrap_or(0);
    let at = lead + length + is;
    let rest = &tokens[at..];
    let sum = |tokens: &[Token]| {
        let sign = usize::from(tokens.first()?.what == TokenKind::Money);
        let (number, length) = number(&tokens[sign..])?;
        let unit = UNITS.iter().find_map(|(_, _, units)| any_phrase(tokens.get(sign + length..)?, units)).unwrap_or(0);
        Some((number, sign + length + unit))
    };
    let between = || {
        let start = any_phrase(rest, "between, from").unwrap_or(0);
        let (low, more) = sum(&rest[start..])?;
        let joint = match rest.get(start + more)?.what {
            TokenKind::Dash => 1,
            _ if start > 0 => any_phrase(&rest[start + more..], "and, to")?,
            _ => any_phrase(&rest[start + more..], "to")?,
        };
        let (high, last) = sum(&rest[start + more + joint..])?;
        Some((
            Stretch { low: Some((low.min(high), true)), high: Some((low.max(high), true)) },
            start + more + joint + last,
        ))
    };
    let compared = || {
        let (side, _, more) = side(rest).unwrap_or((Side::At, None, 0));
        let (number, last) = sum(&rest[more..])?;
        let behind =
            BEHIND.iter().find_map(|(side, phrases)| Some((any_phrase(&rest[more + last..], phrases)?, *side)));
        let (behind, side) = behind.filter(|_| side == Side::At).unwrap_or((0, side));
        Some((stretch(side, number, number), more + last + behind))
    };
    let (any_of, more) = between().or_else(compared)?;
    (!lexicon.numbers(column).is_empty()).then_some(ParsedMeasure {
        any_of: vec![any_of],
        dimension: lexicon.dimension(column),
        column: Some(column),
        tokens: at + more,
        assumed: None,
    })
}

/// Units by their dimension, with what one of them is in the smallest of them.
const UNITS: [(Dimension, f64, &str); 4] = [
    (
        Dimension::Price,
        1.0,
        "dollars, dollar, bucks, buck, euros, euro, eur, usd, gbp, pounds, pound, quid, yen, us dollars",
    ),
    (Dimension::Duration, 1.0, "minutes, minute, mins, min, minutes long, minutes in length"),
    (Dimension::Duration, 60.0, "hours, hour, hrs, hr, h, hours long, hours in length"),
    (Dimension::Rating, 1.0, "stars, star, points"),
];

/// The point that `tokens` begin with. A bare number is one where its dimension is known.
pub(super) fn point(tokens: &[Token], known: Option<Dimension>, lexicon: &Lexicon) -> Option<Point> {
    with_unit(tokens, lexicon).or_else(|| years::point(tokens, lexicon)).or_else(|| {
        let (number, length) = number(tokens)?;
        let dimension = known.filter(|dimension| *dimension != Dimension::Year)?;
        let percent = tokens.get(length).is_some_and(|next| next.what == TokenKind::Percent);
        // "no list longer than 5": so few minutes are none.
        const SHORTEST: f64 = 20.0;
        let few = dimension == Dimension::Duration && lexicon.minutes_in_duration() == 1.0 && number < SHORTEST;
        (!percent && !few).then_some(Point {
            dimension,
            low: number,
            high: number,
            unit: 1.0,
            tokens: length,
            assumed: None,
        })
    })
}

/// "$20", "20 euros", "two hours and 30 minutes", "an hour and a half".
fn with_unit(tokens: &[Token], lexicon: &Lexicon) -> Option<Point> {
    let sign = usize::from(tokens.first()?.what == TokenKind::Money);
    let tokens_after = tokens.get(sign..)?;
    let (mut number, mut at) = number(tokens_after)
        .or_else(|| begins(tokens_after, "half an").map(|length| (0.5, length)))
        .or_else(|| begins(tokens_after, "an").map(|length| (1.0, length)))
        .or_else(|| begins(tokens_after, "a").map(|length| (1.0, length)))?;
    at += sign;
    if let Some(length) = begins(&tokens[at..], "and a half") {
        (number, at) = (number + 0.5, at + length);
    }
    let behind = tokens.get(at).is_some_and(|next| next.what == TokenKind::Money);
    if sign > 0 || behind {
        let unit = if behind { 1 } else { 0 };
        return Some(Point {
            dimension: Dimension::Price,
            low: number,
            high: number,
            unit: 1.0,
            tokens: at + unit,
            assumed: None,
        });
    }
    let unit = |tokens: &[Token]| {
        let units = UNITS
            .iter()
            .filter_map(|(dimension, factor, units)| Some((any_phrase(tokens, units)?, *dimension, *factor)));
        units.max_by_key(|(length, _, _)| *length)
    };
    let (length, dimension, factor) = unit(&tokens[at..])?;
    at += length;
    let mut total = number * factor;
    if factor > 1.0 {
        if let Some(length) = begins(&tokens[at..], "and a half") {
            (total, at) = (total + factor / 2.0, at + length);
        } else {
            let and = any_phrase(&tokens[at..], "and").unwrap_or(0);
            if let Some((more, length)) = super::amounts::number(tokens.get(at + and..)?)
                && let Some((unit, Dimension::Duration, 1.0)) = unit(&tokens[at + and + length..])
            {
                (total, at) = (total + more, at + and + length + unit);
            }
        }
    }
    let scale = if dimension == Dimension::Duration { lexicon.minutes_in_duration() } else { 1.0 };
    let value = total / scale;
    Some(Point { dimension, low: value, high: value, unit: factor / scale, tokens: at, assumed: None })
}

/// The comparison that `tokens` begin with: the longest one, with the dimension that it names.
pub(super) fn side(tokens: &[Token]) -> Option<(Side, Option<Dimension>, usize)> {
    let sides =
        SIDES.iter().filter_map(|(side, dimension, phrases)| Some((*side, *dimension, any_phrase(tokens, phrases)?)));
    // Of equally long ones the first counts.
    sides.reduce(|best, next| if next.2 > best.2 { next } else { best })
}
