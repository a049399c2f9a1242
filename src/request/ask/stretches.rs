//! Points and stretches of a field's numbers: "1999" and "the nineties" are points, "after 1999" is a stretch.

use super::formula::{Formula, Literal, NumberBound};
use super::lexicon::Dimension;

/// A measure that was read.
#[derive(Debug, Clone)]
pub(super) struct ParsedMeasure {
    /// Stretches of which a number lies in one.
    pub any_of: Vec<Stretch>,
    pub dimension: Dimension,
    /// The column of a field that was named.
    pub column: Option<usize>,
    pub tokens: usize,
    /// The assumption that was made.
    pub assumed: Option<String>,
}

/// The numbers between two ends, each with whether it belongs to them; without an end there is no bound on that side.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Stretch {
    pub low: Option<(f64, bool)>,
    pub high: Option<(f64, bool)>,
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

/// A number, or a stretch such as a decade that counts as one.
#[derive(Debug, Clone)]
pub(super) struct Point {
    pub dimension: Dimension,
    pub low: f64,
    pub high: f64,
    /// One of the unit that was said, in the unit of the column.
    pub unit: f64,
    pub tokens: usize,
    pub assumed: Option<String>,
}

impl Point {
    /// The stretch on one side of the point.
    pub fn beside(&self, side: Side) -> Stretch {
        stretch(side, self.low, self.high)
    }

    /// The stretch around a price, a running time or a year, and how it was taken; `None` where the point is rough itself.
    pub fn nearly(&self) -> Option<(Stretch, String)> {
        const PART: f64 = 0.1;
        let round = |number: f64| (number * 100.0).round() / 100.0;
        let (low, high) = match self.dimension {
            Dimension::Price | Dimension::Duration => (round(self.low * (1.0 - PART)), round(self.high * (1.0 + PART))),
            Dimension::Year if self.low == self.high => (self.low - 1.0, self.high + 1.0),
            _ => return None,
        };
        let taken_as = match self.dimension {
            Dimension::Year => format!("taken as {low} to {high}"),
            _ => "taken as a tenth more or less".to_owned(),
        };
        Some((Stretch { low: Some((low, true)), high: Some((high, true)) }, taken_as))
    }

    /// From this point to another one, both of them included.
    pub fn to(&self, last: &Point) -> Stretch {
        let (low, high) = if self.low <= last.low { (self.low, last.high) } else { (last.low, self.high) };
        let end = |at: f64| at.is_finite().then_some((at, true));
        Stretch { low: end(low), high: end(high) }
    }
}

/// The stretch on one side of a point that reaches from `low` to `high`.
pub(super) fn stretch(side: Side, low: f64, high: f64) -> Stretch {
    match side {
        Side::Above => Stretch { low: Some((high, false)), high: None },
        Side::From => Stretch { low: Some((low, true)), high: None },
        Side::Below => Stretch { low: None, high: Some((low, false)) },
        Side::UpTo => Stretch { low: None, high: Some((high, true)) },
        Side::At => Stretch { low: Some((low, true)), high: Some((high, true)) },
    }
}

/// Stretches in order, those that follow each other as one: years are whole numbers.
pub(super) fn joined_stretches(mut stretches: Vec<Stretch>, dimension: Dimension) -> Vec<Stretch> {
    let start = |stretch: &Stretch| stretch.low.map_or(f64::NEG_INFINITY, |(at, _)| at);
    stretches.sort_by(|a, b| start(a).total_cmp(&start(b)));
    let mut joined: Vec<Stretch> = Vec::new();
    for next in stretches {
        match joined.last_mut() {
            Some(Stretch { high: Some((end, _)), .. })
                if dimension == Dimension::Year && start(&next) <= *end + 1.0 =>
            {
                let further = next.high.is_none_or(|(at, _)| at > *end);
                if let (true, Some(last)) = (further, joined.last_mut()) {
                    last.high = next.high;
                }
            }
            _ => joined.push(next),
        }
    }
    joined
}

impl Stretch {
    /// The condition that a column's number lies in the stretch.
    pub fn formula(self, column: usize) -> Formula {
        let end =
            |low: bool| move |(at, included)| Formula::Is(Literal::Bound(NumberBound { column, low, at, included }));
        Formula::all(self.low.map(end(true)).into_iter().chain(self.high.map(end(false))))
    }
}
