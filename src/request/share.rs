//! Shares of a list: `Comedy<=30%`, `Drama>=2`, `year>=2010 ~ 50%`.
//!
//! These are the method's proportion tasks I2: LP (at most), MP (at least), EP (about). The method rounds every share down to a
//! count. Here a bound means what it says: at least 30 % of 7 items are 3 items, and at most 30 % are 2.

use std::fmt;

use super::names::category;
use super::predicate::Predicate;
use crate::data::Catalogue;
use crate::{Error, Result};

/// A bound on the number of a list's items of a kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    /// The kind that is counted: a category, or any condition.
    pub of: Predicate,
    /// The relation between the number of such items and the amount.
    pub relation: Relation,
    /// The amount.
    pub amount: Amount,
}

/// The relation between a number of items and an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// `<=`, the method's LP.
    AtMost,
    /// `>=`, the method's MP.
    AtLeast,
    /// `=`
    Exactly,
    /// `~`, the method's EP: no further away than one item.
    About,
}

/// A number of items.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Amount {
    /// A number of items.
    Count(u32),
    /// This part of the list, 0 to 100.
    Percent(f64),
}

/// The number of items of a kind that a list may hold, both ends included. `min > max` can never be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// At least so many.
    pub min: u32,
    /// At most so many.
    pub max: u32,
}

impl Bound {
    /// The distance of `count` from the bound.
    pub fn missed_by(self, count: u32) -> u32 {
        self.min.saturating_sub(count) + count.saturating_sub(self.max)
    }
}

impl Share {
    /// Reads a share such as `Comedy<=30%`: a category or a condition, then `<=`, `>=`, `=` or `~`, then a count or a percentage. Its
    /// form in words, "at most 30% Comedy", is read as well.
    ///
    /// # Errors
    /// Any part missing or unknown, a percentage above 100.
    pub fn parse(text: &str, catalogue: &Catalogue) -> Result<Self> {
        let place = format!("the share {text:?}");
        let bad = |found: String, next: &str| -> Error {
            let expected = "CATEGORY or CONDITION, then <=, >=, = or ~, then a count or a percentage";
            Error::bad_input(&place).expected(expected).found(found).next(next).into()
        };
        const EXAMPLE: &str = "write for example Comedy<=30%";
        if let Some(share) = Self::parse_words(text, catalogue) {
            return Ok(share);
        }
        let Some((start, end)) = last_operator(text) else {
            return Err(bad("no operator".into(), EXAMPLE));
        };
        let (kind, operator, amount) = (text[..start].trim(), &text[start..end], text[end..].trim());
        let relation = match operator {
            "<=" => Relation::AtMost,
            ">=" => Relation::AtLeast,
            "=" => Relation::Exactly,
            "~" => Relation::About,
            other => return Err(bad(format!("the operator {other:?}"), "<= is at most, >= at least, ~ about")),
        };
        let Some(amount) = Amount::parse(amount) else {
            return Err(bad(format!("the amount {amount:?}"), "write a count such as 3, or 0% to 100%"));
        };
        if kind.is_empty() {
            return Err(bad("nothing to count".into(), EXAMPLE));
        }
        let of = match category(&place, kind, catalogue) {
            Ok(category) => Predicate::category(category, catalogue),
            Err(_) if kind.contains(['<', '>', '=']) => Predicate::parse(kind, catalogue)?,
            Err(_) if catalogue.attributes().iter().any(|field| field.eq_ignore_ascii_case(kind)) => {
                return Err(bad("a condition without its amount".into(), "write for example year>=2010 >= 30%"));
            }
            Err(unknown) => return Err(unknown),
        };
        Ok(Self { of, relation, amount })
    }

    /// Reads the form in words of [`Share`]'s `Display`; `None` for any other text.
    fn parse_words(text: &str, catalogue: &Catalogue) -> Option<Self> {
        let in_words = |relation: &Relation| text.strip_prefix(relation.words())?.strip_prefix(' ');
        let (relation, rest) = Relation::ALL.into_iter().find_map(|relation| Some((relation, in_words(&relation)?)))?;
        let (amount, of) = rest.split_once(' ')?;
        let amount = Amount::parse(amount)?;
        let of = if matches!(amount, Amount::Count(_)) { of.strip_prefix("of ")? } else { of };
        let of = match catalogue.category(of) {
            Some(category) => Predicate::category(category, catalogue),
            None => Predicate::parse(of, catalogue).ok()?,
        };
        Some(Self { of, relation, amount })
    }

    /// The counts that satisfy the share in a list of `k` items; empty (`min > max`) where no whole number does.
    pub fn bound(&self, k: u32) -> Bound {
        let amount = match self.amount {
            Amount::Count(count) => f64::from(count),
            Amount::Percent(percent) => f64::from(k) * percent / 100.0,
        };
        let (least, most) = match self.relation {
            Relation::AtMost => (0.0, amount),
            Relation::AtLeast => (amount, f64::from(k)),
            Relation::Exactly => (amount, amount),
            Relation::About => (amount - 1.0, amount + 1.0),
        };
        // Half a millionth of an item keeps 30 % of 10 at 3. Past k + 1 all minima are equally out of reach.
        const ROUNDING: f64 = 5e-7;
        let min = (least - ROUNDING).ceil().clamp(0.0, f64::from(k) + 1.0) as u32;
        let max = (most + ROUNDING).floor().clamp(0.0, f64::from(k)) as u32;
        Bound { min, max }
    }
}

impl Relation {
    const ALL: [Relation; 4] = [Relation::AtMost, Relation::AtLeast, Relation::Exactly, Relation::About];

    /// The relation in words.
    fn words(self) -> &'static str {
        match self {
            Relation::AtMost => "at most",
            Relation::AtLeast => "at least",
            Relation::Exactly => "exactly",
            Relation::About => "about",
        }
    }
}

impl Amount {
    fn parse(text: &str) -> Option<Self> {
        match text.strip_suffix('%') {
            Some(percent) => {
                let percent = percent.trim().parse().ok()?;
                (0.0..=100.0).contains(&percent).then_some(Amount::Percent(percent))
            }
            None => text.parse().ok().map(Amount::Count),
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let relation = self.relation.words();
        match self.amount {
            Amount::Count(count) => write!(f, "{relation} {count} of {}", self.of),
            Amount::Percent(percent) => write!(f, "{relation} {percent}% {}", self.of),
        }
    }
}

/// The start and end of the last operator; names and conditions before it may hold others.
fn last_operator(text: &str) -> Option<(usize, usize)> {
    let last = text.rfind(['<', '>', '=', '~'])?;
    let two_signs = text[last..].starts_with('=') && text[..last].ends_with(['<', '>', '=', '!']);
    Some((last - usize::from(two_signs), last + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{CategoryId, Item};

    fn films() -> Catalogue {
        let item = Item {
            key: "1".into(),
            title: "A".into(),
            categories: vec![CategoryId(0)],
            attributes: vec!["2010".into()],
        };
        Catalogue::new(vec![item], vec!["Comedy".into(), "Sci-Fi, <Space>".into()], vec!["year".into()])
    }

    fn bound(text: &str, k: u32) -> (u32, u32) {
        let Bound { min, max } = Share::parse(text, &films()).unwrap().bound(k);
        (min, max)
    }

    #[test]
    fn shares_become_counts_that_mean_what_they_say() {
        assert_eq!(bound("Comedy<=30%", 10), (0, 3));
        assert_eq!(bound("comedy <= 30 %", 7), (0, 2));
        assert_eq!(bound("Comedy>=30%", 7), (3, 7));
        assert_eq!(bound("Comedy=30%", 10), (3, 3));
        assert_eq!(bound("Comedy=4", 10), (4, 4));
        assert_eq!(bound("Comedy~30%", 10), (2, 4));
        assert_eq!(bound("Comedy~30%", 7), (2, 3), "2.1 items: 3.1 would be the first too many");
        assert_eq!(bound("Comedy~0%", 10), (0, 1));
        assert_eq!(bound("Comedy~100%", 10), (9, 10));
        assert_eq!(bound("year>=2010>=50%", 10), (5, 10));
        assert_eq!(bound("year>=2010 and category=Comedy ~ 2", 10), (1, 3));
        assert_eq!(bound("Sci-Fi, <Space><=1", 10), (0, 1), "a name may end with a sign");
    }

    #[test]
    fn the_form_in_words_is_read_back() {
        for text in ["Comedy<=30%", "Comedy>=3", "Comedy=0", "Comedy~12.5%", "year>=2010>=50%", "Sci-Fi, <Space><=1"] {
            let share = Share::parse(text, &films()).unwrap();
            assert_eq!(Share::parse(&share.to_string(), &films()).unwrap(), share, "{share}");
        }
    }

    #[test]
    fn about_stays_within_the_methods_tolerance() {
        for k in 1..=20 {
            for percent in 0..=100 {
                let share = Share::parse(&format!("Comedy~{percent}%"), &films()).unwrap();
                let rounded_down = percent * k / 100;
                let Bound { min, max } = share.bound(k);
                assert!(min <= max && min + 1 >= rounded_down && max <= rounded_down + 1, "{percent}% of {k}");
            }
        }
    }

    #[test]
    fn what_no_list_can_hold_leaves_no_count() {
        assert_eq!(bound("Comedy=30%", 7), (3, 2));
        assert_eq!(bound("Comedy>=12", 10), (11, 10));
        assert_eq!(bound("Comedy>=4294967295", 10), (11, 10));
    }

    #[test]
    fn what_cannot_be_read_is_said_with_a_next_step() {
        for (text, told) in [
            ("Comedy", "no operator"),
            ("Comedy<30%", "<= is at most"),
            ("Comedy<=", "the amount \"\""),
            ("Comedy<=130%", "0% to 100%"),
            ("Comedy<=-3", "the amount"),
            ("Comedy<=NaN%", "the amount"),
            ("Comdy<=30%", "did you mean \"Comedy\""),
            ("year>=2010", "year>=2010 >= 30%"),
            ("<=30%", "nothing to count"),
        ] {
            let error = Share::parse(text, &films()).unwrap_err();
            assert!(error.to_string().contains(told), "{text:?} gave: {error}");
        }
    }
}
