//! Points in time: dates as text, dates as digits, and the printing of days.

use jiff::Timestamp;

/// Microseconds of a second. Importers keep times in microseconds, data sets in whole seconds.
pub const MICROS: i64 = 1_000_000;

/// The first second that is no time: some 3,000 years ahead. Numbers from here on are counts of smaller units.
pub const SECONDS_END: i64 = 100_000_000_000;

/// Parses a date, in UTC where it names no offset, to microseconds: `2013-05-31`, `2013/05/31`, `2013-05-31 20:15:00.5`,
/// `2013-05-31T20:15:00+02:00`, `2013-05-31 20:15 +0200`.
pub fn parse_date(text: &str) -> Option<i64> {
    let text = text.strip_suffix(" UTC").unwrap_or(text);
    let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00:00"));
    let zone_at = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = (time[..zone_at].trim_end(), &time[zone_at..]);
    let (clock, fraction) = clock.split_at_checked("20:15:00".len()).unwrap_or((clock, ""));
    let seconds = if clock.len() == "20:15".len() { ":00" } else { "" };
    // The shorter forms of ISO 8601 are more likely something else than a date.
    let is_clock = clock.len() + seconds.len() == "20:15:00".len();
    let date = Some(date).filter(|date| date.len() == "2013-05-31".len() && !date.contains('-')).map_or_else(
        || date.to_owned(),
        // The year comes first: day and month cannot be mistaken for each other.
        |date| date.replace('/', "-"),
    );
    if date.len() != "2013-05-31".len() || !is_clock || !clock.bytes().all(|byte| byte.is_ascii_digit() || byte == b':')
    {
        return None;
    }
    let zone = if zone.is_empty() { "Z" } else { zone };
    let time: Timestamp = format!("{date}T{clock}{seconds}{fraction}{zone}").parse().ok()?;
    (time.as_second() < SECONDS_END).then(|| time.as_microsecond())
}

/// Returns true for digits that read as a date: `20130531`, `201305312015`, `20130531201500`, from 1900 to 2099.
pub fn is_date_digits(digits: &str) -> bool {
    let part = |from: usize, to: usize| digits.get(from..to).and_then(|part| part.parse::<u32>().ok());
    let within = |from: usize, most: u32| part(from, from + 2).is_some_and(|value| value <= most);
    [8, 12, 14].contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && part(0, 4).is_some_and(|year| (1900..2100).contains(&year))
        && part(4, 6).is_some_and(|month| (1..=12).contains(&month))
        && part(6, 8).is_some_and(|day| (1..=31).contains(&day))
        && (digits.len() < 12 || within(8, 23) && within(10, 59))
        && (digits.len() < 14 || within(12, 59))
}

/// Parses digits that [`is_date_digits`] takes for a date to microseconds; `None` for a day that no calendar has.
pub fn parse_date_digits(digits: &str) -> Option<i64> {
    let part = |from: usize, otherwise| digits.get(from..from + 2).unwrap_or(otherwise);
    let [month, day, hour, minute, second] =
        [(4, ""), (6, ""), (8, "00"), (10, "00"), (12, "00")].map(|(a, b)| part(a, b));
    parse_date(&format!("{}-{month}-{day}T{hour}:{minute}:{second}Z", digits.get(..4)?))
}

/// The day of a time in seconds as `2013-05-31`, or the seconds themselves outside the years −9999 to 9999.
pub fn day(timestamp: i64) -> String {
    let time = Timestamp::from_second(timestamp);
    time.map_or_else(|_| format!("{timestamp} seconds"), |time| time.strftime("%F").to_string())
}

/// The year at the start of a text such as `1999`, `1999-2001` or `1999-10-15`: exactly four digits.
pub fn leading_year(text: &str) -> Option<u16> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let year = text.get(..4).filter(|_| digits == 4)?.parse().ok()?;
    (1800..=2199).contains(&year).then_some(year)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates_are_read() {
        for (text, micros) in [
            ("1970-01-01", 0),
            ("2000-02-29", 951_782_400_000_000),
            ("2013-05-31T20:15:00Z", 1_370_031_300_000_000),
            ("2013-05-31 20:15", 1_370_031_300_000_000),
            ("2013-05-31 20:15:00 UTC", 1_370_031_300_000_000),
            ("2013-05-31 20:15:00.25+00:00", 1_370_031_300_250_000),
            ("2013-05-31T22:15:00+02:00", 1_370_031_300_000_000),
            ("2013-05-31 22:15:00+0200", 1_370_031_300_000_000),
            ("2013-05-31 22:15:00 +02:00", 1_370_031_300_000_000),
            ("2013-05-31T20:15Z", 1_370_031_300_000_000),
            ("2013-05-31 18:15-02:00", 1_370_031_300_000_000),
            ("2013/05/31 20:15", 1_370_031_300_000_000),
            ("1970/01/01", 0),
        ] {
            assert_eq!(parse_date(text), Some(micros), "{text}");
        }
        for (digits, date) in [
            ("20130531", "2013-05-31"),
            ("201305312015", "2013-05-31T20:15:00"),
            ("20130531201530", "2013-05-31T20:15:30"),
        ] {
            assert!(is_date_digits(digits), "{digits}");
            assert_eq!(parse_date_digits(digits), parse_date(date), "{digits}");
        }
        assert!(is_date_digits("20130231") && parse_date_digits("20130231").is_none(), "no such day");
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "soon",
            "2013-02-29",
            "2013-5-1",
            "13-05-31",
            "31.05.2013",
            "9999-12-31",
            "2013-05-31-01",
            "05/31/2013",
            "31/05/2013",
            "2013/5/31",
            "2013/31/05",
            "2013-05/31",
        ] {
            assert_eq!(parse_date(text), None, "{text}");
        }
        for text in
            ["2013-05-31T20", "2013-05-31T25:00:00", "2013-05-31T20:15:00x", "2013-05-31Tüü:üü:üü", "2013-05-31 +02:00"]
        {
            assert_eq!(parse_date(text), None, "{text}");
        }
        for digits in ["1365029107", "20131301", "20130500", "18991231", "2013053120", "201305312460", "2013-5-1"] {
            assert!(!is_date_digits(digits), "{digits}");
        }
    }

    #[test]
    fn years_stand_alone() {
        assert_eq!(leading_year("1999-10-15"), Some(1999));
        assert_eq!(leading_year("2006–2007"), Some(2006));
        for text in ["", "199", "19999", "0999", "Soon", "9999"] {
            assert_eq!(leading_year(text), None, "{text}");
        }
    }

    #[test]
    fn the_farthest_times_print_without_a_panic() {
        assert_eq!(day(0), "1970-01-01");
        assert_eq!(day(-1), "1969-12-31");
        assert!(day(i64::MAX).len() > 10 && day(i64::MIN).len() > 10);
    }

    proptest! {
        #[test]
        fn printing_a_day_and_reading_it_gives_its_midnight(seconds in -60_000_000_000_i64..SECONDS_END) {
            let midnight = seconds - seconds.rem_euclid(86_400);
            prop_assert_eq!(parse_date(&day(seconds)), Some(midnight * MICROS));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[0-9TZü:. +-]{0,24}") {
            let _ = (parse_date(&text), is_date_digits(&text), leading_year(&text));
        }
    }
}
