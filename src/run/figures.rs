//! Figures as text and as JSON, in which zero has no sign: an empty sum is −0 in floating point.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

/// A number with so many decimal places.
pub fn fixed(value: f64, places: usize) -> String {
    let text = format!("{value:.places$}");
    let is_zero = value.is_finite() && !text.bytes().any(|digit| (b'1'..=b'9').contains(&digit));
    if is_zero { text.trim_start_matches('-').to_owned() } else { text }
}

/// Serializes a value as one line of JSON.
///
/// # Errors
/// A value that JSON cannot express.
pub fn json(value: &(impl Serialize + ?Sized)) -> serde_json::Result<Vec<u8>> {
    write_with(CompactFormatter, value)
}

/// Serializes a value as indented JSON.
///
/// # Errors
/// A value that JSON cannot express.
pub fn json_pretty(value: &(impl Serialize + ?Sized)) -> serde_json::Result<Vec<u8>> {
    write_with(PrettyFormatter::new(), value)
}

fn write_with(formatter: impl Formatter, value: &(impl Serialize + ?Sized)) -> serde_json::Result<Vec<u8>> {
    let mut text = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut text, UnsignedZero(formatter)))?;
    Ok(text)
}

/// A formatter that writes −0 as 0.
struct UnsignedZero<F>(F);

impl<F: Formatter> Formatter for UnsignedZero<F> {
    fn write_f32<W: Write + ?Sized>(&mut self, to: &mut W, value: f32) -> io::Result<()> {
        self.0.write_f32(to, value + 0.0)
    }

    fn write_f64<W: Write + ?Sized>(&mut self, to: &mut W, value: f64) -> io::Result<()> {
        self.0.write_f64(to, value + 0.0)
    }

    fn begin_array<W: Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        self.0.begin_array(to)
    }

    fn end_array<W: Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        self.0.end_array(to)
    }

    fn begin_array_value<W: Write + ?Sized>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(to, first)
    }

    fn end_array_value<W: Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        self.0.end_array_value(to)
    }

    fn begin_object<W: Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        self.0.begin_object(to)
    }

    fn end_object<W: Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        self.0.end_object(to)
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(to, first)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        self.0.begin_object_value(to)
    }

    fn end_object_value<W: Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        self.0.end_object_value(to)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn zero_has_no_sign_and_other_numbers_keep_theirs() {
        for (value, text) in [(-0.0, "0.000"), (-0.0004, "0.000"), (-0.0006, "-0.001"), (1.5, "1.500")] {
            assert_eq!(fixed(value, 3), text);
        }
        assert_eq!((fixed(f64::NEG_INFINITY, 1), fixed(-0.4, 0)), ("-inf".to_owned(), "0".to_owned()));
    }

    #[test]
    fn json_is_as_serde_writes_it_except_for_negative_zero() {
        let empty_sum: f64 = [].iter().sum();
        assert!(empty_sum.is_sign_negative(), "the reason for this module");
        let value = json!({ "a": [empty_sum, -1.5, 0.1, {}], "b": { "c": [], "d": -0.0_f32 } });
        assert_eq!(json(&value).unwrap(), br#"{"a":[0.0,-1.5,0.1,{}],"b":{"c":[],"d":0.0}}"#);
        let plain = serde_json::to_vec_pretty(&value).unwrap();
        let plain = String::from_utf8(plain).unwrap().replace("-0.0", "0.0");
        assert_eq!(String::from_utf8(json_pretty(&value).unwrap()).unwrap(), plain);
        assert_eq!(json(&0.1_f32).unwrap(), b"0.1");
    }
}
