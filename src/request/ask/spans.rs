//! Stretches of numbers, such as the years 1990 to 1999 or the prices below 20, as conditions.

use super::lexicon::Lexicon;

/// One end of a stretch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Endpoint {
    pub at: f64,
    pub included: bool,
}

/// The numbers between two ends; without an end there is no bound on that side.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct ValueRange {
    pub low: Option<Endpoint>,
    pub high: Option<Endpoint>,
}

/// An attribute that is to lie in one of some stretches.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AttributeRange {
    pub column: usize,
    pub any_of: Vec<ValueRange>,
}

/// The side of a point that a comparison means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Above,
    From,
    Below,
    UpTo,
    At,
}

impl ValueRange {
    /// The stretch on one side of a point that reaches from `low` to `high` itself, such as a decade.
    pub fn beside(side: Side, (low, high): (f64, f64)) -> Self {
        let end = |at, included| Some(Endpoint { at, included });
        match side {
            Side::Above => Self { low: end(high, false), high: None },
            Side::From => Self { low: end(low, true), high: None },
            Side::Below => Self { low: None, high: end(low, false) },
            Side::UpTo => Self { low: None, high: end(high, true) },
            Side::At => Self { low: end(low, true), high: end(high, true) },
        }
    }

    /// From one number to another, both of them included.
    pub fn between(low: f64, high: f64) -> Self {
        Self::beside(Side::At, (low.min(high), low.max(high)))
    }

    fn holds(&self, number: f64) -> bool {
        let above = |end: Endpoint| number > end.at || (end.included && number == end.at);
        let below = |end: Endpoint| number < end.at || (end.included && number == end.at);
        self.low.is_none_or(above) && self.high.is_none_or(below)
    }

    /// Returns true where the other range, in whole numbers, begins where this one ends or before, so that the two are one.
    fn reaches(&self, next: &ValueRange) -> bool {
        match (self.high, next.low) {
            (Some(end), Some(start)) => start.at <= end.at + 1.0,
            _ => true,
        }
    }

    /// The numbers that are not in it, where they lie on one side.
    fn opposite(&self) -> Option<Self> {
        let turned = |end: Endpoint| Some(Endpoint { at: end.at, included: !end.included });
        match (self.low, self.high) {
            (Some(low), None) => Some(Self { low: None, high: turned(low) }),
            (None, Some(high)) => Some(Self { low: turned(high), high: None }),
            _ => None,
        }
    }
}

impl AttributeRange {
    pub fn one(column: usize, stretch: ValueRange) -> Self {
        Self { column, any_of: vec![stretch] }
    }

    /// The numbers that are not in it, where that is as simple to say.
    pub fn opposite(&self) -> Option<Self> {
        match self.any_of.as_slice() {
            [one] => Some(Self::one(self.column, one.opposite()?)),
            _ => None,
        }
    }

    /// The condition in the words of the flags.
    pub fn text(&self, lexicon: &Lexicon) -> String {
        let field = &lexicon.catalogue.attributes()[self.column];
        let mut stretches = self.any_of.clone();
        stretches.sort_by(|a, b| start(a).total_cmp(&start(b)));
        let joined =
            stretches.iter().copied().reduce(|all, next| ValueRange { low: all.low, high: last_of(all, next) });
        let in_one_piece = stretches.windows(2).all(|pair| pair[0].reaches(&pair[1]));
        match joined {
            Some(joined) if in_one_piece => one_stretch(field, &joined),
            _ => {
                // Alternatives can only be said as the values themselves, of which those that no item has are left out.
                let mut values = lexicon.numbers(self.column);
                values.retain(|&value| stretches.iter().any(|stretch| stretch.holds(value)));
                values.dedup();
                let values: Vec<String> = values.iter().map(f64::to_string).collect();
                format!("{field}={}", values.join("|"))
            }
        }
    }
}

fn start(stretch: &ValueRange) -> f64 {
    stretch.low.map_or(f64::NEG_INFINITY, |end| end.at)
}

/// The later end of two; none where one of them has none.
fn last_of(a: ValueRange, b: ValueRange) -> Option<Endpoint> {
    let (a, b) = (a.high?, b.high?);
    Some(if b.at >= a.at { b } else { a })
}

fn one_stretch(field: &str, stretch: &ValueRange) -> String {
    let low = stretch.low.map(|end| format!("{field}{}{}", if end.included { ">=" } else { ">" }, end.at));
    let high = stretch.high.map(|end| format!("{field}{}{}", if end.included { "<=" } else { "<" }, end.at));
    low.into_iter().chain(high).collect::<Vec<_>>().join(" and ")
}
