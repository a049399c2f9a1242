//! Escaping and formatting of text for the page.

use indicatif::HumanCount;

use crate::data::titles::is_unsafe;

/// Replaces control and invisible characters; line breaks are kept.
pub fn visible(text: &str) -> String {
    let shown =
        |c: char| if c == '\n' || !is_unsafe(c.encode_utf8(&mut [0; 4])) { c } else { char::REPLACEMENT_CHARACTER };
    text.replace("\r\n", "\n").chars().map(|c| if c == '\t' { ' ' } else { shown(c) }).collect()
}

/// Escapes a text for an element or a quoted attribute.
pub fn escaped(text: &str) -> String {
    visible(text).chars().fold(String::new(), |mut out, c| {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
        out
    })
}

/// Formats a number with its significant digits: 0.0123, 1.23, 123, 12,345.
pub fn number(value: f64) -> String {
    let size = value.abs();
    match size {
        _ if !value.is_finite() => "–".into(),
        0.0 => "0".into(),
        _ if !(1e-4..1e7).contains(&size) => format!("{value:.2e}"),
        _ if size >= 1000.0 => grouped(value),
        _ if value.fract() == 0.0 => format!("{value}"),
        _ if size >= 100.0 => format!("{value:.0}"),
        _ if size >= 10.0 => format!("{value:.1}"),
        _ if size >= 0.1 => format!("{value:.3}"),
        _ => format!("{value:.4}"),
    }
}

/// A rounded number with separators between thousands.
fn grouped(value: f64) -> String {
    let digits = HumanCount(value.abs().round() as u64);
    if value < 0.0 { format!("−{digits}") } else { digits.to_string() }
}

/// Formats a duration in seconds.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    match whole {
        0..120 => format!("{seconds:.1} s"),
        120..7200 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_is_markup() {
        assert_eq!(
            escaped("<script>alert('x' & \"y\")</script>"),
            "&lt;script&gt;alert(&#39;x&#39; &amp; &quot;y&quot;)&lt;/script&gt;"
        );
        assert_eq!(escaped("a\u{0}\u{1b}[2J\u{202e}b\tc\r\nd"), "a\u{fffd}\u{fffd}[2J\u{fffd}b c\nd");
    }

    #[test]
    fn numbers_keep_the_digits_that_say_something() {
        let all =
            [0.0, 0.012345, 0.1234, 1.5, 12.345, 123.4, 7.0, 12345.6, -45678.0, 3e-5, 2.5e9, f64::NAN].map(number);
        assert_eq!(
            all,
            ["0", "0.0123", "0.123", "1.500", "12.3", "123", "7", "12,346", "−45,678", "3.00e-5", "2.50e9", "–"]
        );
        assert_eq!([3.25, 150.0, 9000.0].map(duration), ["3.2 s", "2 min 30 s", "2 h 30 min"]);
    }
}
