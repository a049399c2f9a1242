//! The times of one file, whose unit the first of them shows: seconds, milliseconds, microseconds, nanoseconds or the
//! digits of dates. A file that mixes units is refused: the last item of a user is what a model is tested on.

use std::fmt;

use super::input::quote;
use super::time::{MICROS, SECONDS_END, is_date_digits, parse_date, parse_date_digits};
use crate::{Error, Result};

/// Seconds below this one, in the year 1973, may count from a start of their own instead of from 1970.
const FIRST_ABSOLUTE_SECOND: u64 = 100_000_000;

/// Words that programs write where a value is missing.
const MISSING: [&str; 9] = ["", "nan", "nat", "null", "none", "na", "n/a", "<na>", "\\n"];

/// A unit of times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeUnit {
    /// Seconds since 1970, or since a start of their own.
    Seconds,
    /// Milliseconds since 1970.
    Milliseconds,
    /// Microseconds since 1970.
    Microseconds,
    /// Nanoseconds since 1970.
    Nanoseconds,
    /// The digits of a date: `20130531`.
    DateDigits,
}

impl fmt::Display for TimeUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TimeUnit::Seconds => "seconds",
            TimeUnit::Milliseconds => "milliseconds",
            TimeUnit::Microseconds => "microseconds",
            TimeUnit::Nanoseconds => "nanoseconds",
            TimeUnit::DateDigits => "digits of a date (YYYYMMDD)",
        })
    }
}

/// A reader of one file's times.
#[derive(Debug, Clone, Default)]
pub struct TimeColumn {
    first: Option<FirstTime>,
    absolute: bool,
    /// A written-out date after 1973, and seconds from a start of their own, which no file has both of: the text and its place.
    date: Option<(String, String)>,
    counted: Option<(String, String)>,
}

/// The time that shows the unit of its file.
#[derive(Debug, Clone)]
struct FirstTime {
    unit: TimeUnit,
    text: String,
    place: String,
}

impl TimeColumn {
    /// The unit of the file's numbers; `None` before the first one, or where all times are written-out dates.
    pub fn unit(&self) -> Option<TimeUnit> {
        self.first.as_ref().map(|first| first.unit)
    }

    /// Reads a time to microseconds; `None` for an empty cell or a word such as NaN.
    ///
    /// # Errors
    /// Text that is neither a number nor a date, and a number in another unit than the first of the file.
    pub fn read(&mut self, text: &str, place: impl Fn() -> String) -> Result<Option<i64>> {
        let text = text.trim();
        if is_missing(text) {
            return Ok(None);
        }
        let Some(number) = Decimal::parse(text) else {
            let time = parse_date(text).ok_or_else(|| bad_timestamp(place(), text))?;
            if time >= FIRST_ABSOLUTE_SECOND.cast_signed() * MICROS {
                self.date.get_or_insert_with(|| (text.to_owned(), place()));
            }
            return self.check_start(text, place).map(|()| Some(time));
        };
        // Zero is the same in every unit.
        if number.whole == 0 {
            return Ok(Some(number.micros(TimeUnit::Seconds)));
        }
        let unit = self.unit_of(&number, text, &place)?;
        if unit == TimeUnit::DateDigits {
            return parse_date_digits(number.digits).map(Some).ok_or_else(|| no_such_day(place(), text));
        }
        let is_absolute = number.whole >= FIRST_ABSOLUTE_SECOND;
        self.absolute |= unit == TimeUnit::Seconds && is_absolute;
        if !is_absolute {
            self.counted.get_or_insert_with(|| (text.to_owned(), place()));
            self.check_start(text, place)?;
        }
        Ok(Some(number.micros(unit)))
    }

    /// Refuses `text` where the file has written-out dates and seconds from a start of their own.
    fn check_start(&self, text: &str, place: impl Fn() -> String) -> Result<()> {
        let (Some((date, at)), Some((seconds, counted_at))) = (&self.date, &self.counted) else { return Ok(()) };
        let (kind, first, first_at) =
            if text == date { ("a number", seconds, counted_at) } else { ("a date", date, at) };
        Err(Error::bad_input(place())
            .expected(format!("{kind}, as {} at {first_at}", quote(first)))
            .found(quote(text))
            .next("write all times of the file in one way")
            .into())
    }

    fn unit_of(&mut self, number: &Decimal, text: &str, place: &impl Fn() -> String) -> Result<TimeUnit> {
        let Some(first) = &self.first else {
            let unit = if number.is_date_digits() { TimeUnit::DateDigits } else { number.unit_by_size() };
            self.first = Some(FirstTime { unit, text: text.to_owned(), place: place() });
            return Ok(unit);
        };
        // Among seconds from a start of their own, 20200913 is a second like the others.
        let counts = first.unit == TimeUnit::Seconds && !self.absolute;
        let unit = if number.is_date_digits() && !counts { TimeUnit::DateDigits } else { number.unit_by_size() };
        if unit == first.unit { Ok(unit) } else { Err(mixed_units(first, unit, text, place())) }
    }
}

/// Returns true for an empty cell and for the words that programs write into one.
pub fn is_missing(text: &str) -> bool {
    MISSING.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// A number as it is written.
struct Decimal<'a> {
    negative: bool,
    whole: u64,
    digits: &'a str,
    fraction: &'a str,
}

impl<'a> Decimal<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (digits, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let whole = digits.parse().ok().filter(|_| all_digits(digits) && all_digits(fraction))?;
        Some(Self { negative, whole, digits, fraction })
    }

    fn is_date_digits(&self) -> bool {
        !self.negative && is_date_digits(self.digits) && self.fraction.bytes().all(|digit| digit == b'0')
    }

    /// The unit in which the number is a time of the years 1973 to 5138, or seconds where it is less.
    fn unit_by_size(&self) -> TimeUnit {
        const END: u64 = SECONDS_END as u64;
        match self.whole {
            0..END => TimeUnit::Seconds,
            END..100_000_000_000_000 => TimeUnit::Milliseconds,
            100_000_000_000_000..100_000_000_000_000_000 => TimeUnit::Microseconds,
            _ => TimeUnit::Nanoseconds,
        }
    }

    fn micros(&self, unit: TimeUnit) -> i64 {
        // Digits of the fraction that make microseconds.
        let places = match unit {
            TimeUnit::Seconds => 6,
            TimeUnit::Milliseconds => 3,
            _ => 0,
        };
        let fraction = self.fraction.bytes().chain(std::iter::repeat(b'0')).take(places);
        let fraction = fraction.fold(0, |value, digit| 10 * value + i64::from(digit - b'0'));
        let whole = match unit {
            TimeUnit::Nanoseconds => (self.whole / 1000).cast_signed(),
            _ => self.whole.cast_signed() * 10_i64.pow(places as u32),
        };
        if self.negative { -(whole + fraction) } else { whole + fraction }
    }
}

/// The error about a time at `place` that cannot be read.
pub fn bad_timestamp(place: String, found: &str) -> Error {
    let scientific = found.starts_with(|c: char| c.is_ascii_digit()) && found.contains(['e', 'E']);
    Error::bad_input(place)
        .expected("a timestamp (unix seconds, or a date such as 2013-05-31T20:15:00Z)")
        .found(quote(found))
        .next(if scientific {
            "write the number with all its digits"
        } else {
            "write it as a number of seconds or as a date; an empty field stands for no time"
        })
        .into()
}

fn no_such_day(place: String, found: &str) -> Error {
    Error::bad_input(place)
        .expected("a day of the calendar as YYYYMMDD")
        .found(quote(found))
        .next("correct it, or leave the field empty")
        .into()
}

fn mixed_units(first: &FirstTime, unit: TimeUnit, text: &str, place: String) -> Error {
    Error::bad_input(place)
        .expected(format!("a time in {}, as {} at {}", first.unit, quote(&first.text), first.place))
        .found(format!("{}, which reads as {unit}", quote(text)))
        .next("write all times of the file in one unit")
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[&str]) -> Result<Vec<Option<i64>>> {
        let mut column = TimeColumn::default();
        (1..).zip(texts).map(|(line, text)| column.read(text, || format!("t.csv line {line}"))).collect()
    }

    #[test]
    fn every_unit_is_recognised_and_fractions_keep_their_order() {
        const DAY: i64 = 1_599_955_200 * MICROS;
        for (text, micros) in [
            ("1599955200", DAY),
            ("1599955200.75", DAY + 750_000),
            ("1599955200007", DAY + 7_000),
            ("1599955200007.5", DAY + 7_500),
            ("1599955200000007", DAY + 7),
            ("1599955200000007999", DAY + 7),
            ("20200913", DAY),
            ("20200913.0", DAY),
            ("2020-09-13", DAY),
            ("-5.5", -5_500_000),
            ("0.5", 500_000),
        ] {
            assert_eq!(read(&[text]).unwrap(), [Some(micros)], "{text}");
        }
    }

    #[test]
    fn two_units_in_one_file_are_refused_with_both_lines() {
        for (texts, first, found) in [
            (["1600000020", "1600086401000"], "seconds, as \"1600000020\"", "milliseconds"),
            (["1600000020007", "1600086401"], "milliseconds", "seconds"),
            (["1600000020000000", "1600000020000000000"], "microseconds", "nanoseconds"),
            (["20200913", "1600086401"], "digits of a date (YYYYMMDD)", "seconds"),
            (["1600000020", "20200913"], "seconds", "digits of a date"),
        ] {
            let message = read(&texts).unwrap_err().to_string();
            assert!(message.starts_with(&format!("t.csv line 2: expected a time in {first}")), "{message}");
            assert!(message.contains("at t.csv line 1, found") && message.contains(found), "{message}");
        }
        assert!(read(&["20200913", "20200931"]).unwrap_err().to_string().contains("a day of the calendar"));
    }

    #[test]
    fn zero_written_out_dates_and_seconds_of_a_start_of_their_own_fit_in() {
        assert!(read(&["0", "1600000020007", "2020-09-13", "0"]).is_ok());
        assert_eq!(read(&["5", "20200913"]).unwrap(), [Some(5 * MICROS), Some(20_200_913 * MICROS)]);
        assert!(read(&["5", "1600000020", "20200913"]).is_err());
        assert!(read(&["5", "1600000020007"]).is_err());
        assert!(read(&["2020-09-13", "1599955200"]).is_ok() && read(&["1970-01-02", "5"]).is_ok());
        for (texts, first) in
            [(["5", "2020-09-13"], "a number, as \"5\""), (["2020-09-13", "5"], "a date, as \"2020-09-13\"")]
        {
            let message = read(&texts).unwrap_err().to_string();
            assert!(message.starts_with(&format!("t.csv line 2: expected {first} at t.csv line 1")), "{message}");
        }
    }

    #[test]
    fn missing_times_are_told_from_bad_ones() {
        for text in ["", "  ", "NaN", "NaT", "null", "\\N", "None", "N/A"] {
            assert_eq!(read(&[text]).unwrap(), [None], "{text}");
        }
        for text in ["soon", "1.2.3", ".", "5.", "--5", "99999999999999999999"] {
            let message = read(&[text]).unwrap_err().to_string();
            assert!(message.contains("line 1: expected a timestamp") && message.contains("next:"), "{message}");
        }
        assert!(read(&["1.6E+12"]).unwrap_err().to_string().contains("all its digits"));
    }
}
