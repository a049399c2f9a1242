//! Times as unix seconds, and the little of the calendar that reading and printing them takes.

const SECONDS_PER_DAY: i64 = 86_400;
const DAYS_PER_ERA: i64 = 146_097;
/// Days from 1 March of year 0 to 1 January 1970.
const EPOCH: i64 = 719_468;

/// Reads unix seconds (a fraction is dropped) or a date in UTC: `2013-05-31`, `2013-05-31T20:15:00Z`.
pub fn parse_timestamp(text: &str) -> Option<i64> {
    parse_seconds(text).or_else(|| parse_date(text))
}

/// The day of a time, as `2013-05-31`.
pub fn day(timestamp: i64) -> String {
    let (year, month, day) = civil(timestamp.div_euclid(SECONDS_PER_DAY));
    format!("{year:04}-{month:02}-{day:02}")
}

/// The year at the start of a text such as `1999`, `1999-2001` or `1999-10-15`: four digits that no fifth follows.
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
    let [year, month, day] = numbers(date, '-')?;
    let time = time.strip_suffix('Z').or_else(|| time.strip_suffix("+00:00")).unwrap_or(time);
    let [hour, minute, second] = numbers(time.split_once('.').map_or(time, |(whole, _)| whole), ':')?;
    let days = days_from_civil(year, month, day);
    let valid = date.len() == 10 && civil(days) == (year, month, day) && hour < 24 && minute < 60 && second <= 60;
    valid.then_some(days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second)
}

/// Three numbers of two to four digits between separators.
fn numbers(text: &str, separator: char) -> Option<[i64; 3]> {
    let mut parts = text.split(separator).map(|part| {
        let digits = (2..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse().ok()).flatten()
    });
    let three = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(three)
}

/// Days since 1970-01-01 of a day in the Gregorian calendar.
///
/// Years start in March here, so that a leap day ends its year; an era is the 400 years after which all repeats.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * DAYS_PER_ERA + day_of_era - EPOCH
}

/// Year, month and day of a number of days since 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + EPOCH;
    let (era, day_of_era) = (days.div_euclid(DAYS_PER_ERA), days.rem_euclid(DAYS_PER_ERA));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
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
            let midnight = seconds - seconds.rem_euclid(SECONDS_PER_DAY);
            prop_assert_eq!(parse_timestamp(&day(seconds)), Some(midnight));
        }
    }
}
