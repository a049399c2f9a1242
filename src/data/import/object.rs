//! Files with an object on each line: JSON, or the Python literals that older releases hold under the same names.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::literal;
use crate::data::input::{InputLine, quote};
use crate::{Error, Result};

/// Reads the object of a line. `expected` describes it in the error of one that is something else.
pub(super) fn parse<T: DeserializeOwned>(line: &InputLine, expected: &str) -> Result<T> {
    let text = line.utf8()?;
    let read = match serde_json::from_str(text) {
        _ if !text.trim_start().starts_with('{') => Err("no object".to_owned()),
        Err(error) if error.is_data() => Err(error.to_string()),
        Err(_) => literal::parse(text).and_then(|value| serde_json::from_value(value).map_err(|e| e.to_string())),
        Ok(object) => Ok(object),
    };
    read.map_err(|reason| {
        Error::bad_input(line.place())
            .expected(expected)
            .found(format!("{} ({reason})", quote(text)))
            .next("check that this is the right file, and that it is whole")
            .into()
    })
}

/// A field as text: numbers as they are written, lists and what is missing as nothing.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// A price such as 4.99 or "$1,299.00" as a plain number; ranges, texts and scraps of pages are no price.
pub(super) fn price(value: &Value) -> String {
    let text = text(value).trim().trim_start_matches('$').replace(',', "");
    let digits_and_dot = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if digits_and_dot && text.parse::<f64>().is_ok() { text } else { String::new() }
}
