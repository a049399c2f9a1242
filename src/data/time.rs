//! Timestamps in unix seconds: parsing of input columns and printing of days.

use jiff::Timestamp;

/// Parses unix seconds (a fraction is dropped) or a date in UTC: `2013-05-31`, `2013-05-31T20:15:00Z`.
pub fn parse_timestamp(text: &str) -> Option<i64> {
    parse_seconds(text).or_else(|| parse_date(text))
}

/// The day of a time as `2013-05-31`, or the seconds themselves outside the years −9999 to 9999.
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

fn parse_seconds(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    fraction.bytes().all(|byte| byte.is_ascii_digit()).then(|| whole.parse().ok())?
}

fn parse_date(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00:00"));
    let time = time.strip_suffix('Z').or_else(|| time.strip_suffix("+00:00")).unwrap_or(time);
    let time = time.split_once('.').map_or(time, |(whole, _)| whole);
    // The shorter forms of ISO 8601 are more likely something else than a date.
    let is_complete = (date.len(), time.len()) == ("2013-05-31".len(), "20:15:00".len());
    let time: Timestamp = is_complete.then(|| format!("{date}T{time}Z").parse().ok())??;
    Some(time.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn seconds_and_dates_are_read() {
        for (text, seconds) in [
            ("1365029107", 1_365_029_107),
            ("-5", -5),
            ("1365029107.75", 1_365_029_107),
            ("1970-01-01", 0),
            ("2000-02-29", 951_782_400),
            ("2013-05-31T20:15:00Z", 1_370_031_300),
            ("2013-05-31 20:15:00.123+00:00", 1_370_031_300),
        ] {
            assert_eq!(parse_timestamp(text), Some(seconds), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "soon", "1.2.3", ".", "1e9", "9999999999999999999", "2013-02-29", "2013-5-1", "13-05-31"] {
            assert_eq!(parse_timestamp(text), None, "{text}");
        }
        for text in ["2013-05-31T20:15", "2013-05-31T25:00:00", "2013-05-31T20:15:00+02:00", "2013-05-31-01"] {
            assert_eq!(parse_timestamp(text), None, "{text}");
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
        fn printing_a_day_and_reading_it_gives_its_midnight(seconds in -60_000_000_000_i64..250_000_000_000) {
            let midnight = seconds - seconds.rem_euclid(86_400);
            prop_assert_eq!(parse_timestamp(&day(seconds)), Some(midnight));
        }
    }
}
