//! Python's methods and operators on strings, as far as chat templates use them and `minijinja` lacks them or does not bound them.

use minijinja::formatting::{FormatStyle, format};
use minijinja::value::{Kwargs, Tuple, ValueKind, from_args};
use minijinja::{Error, ErrorKind, State, Value};
use minijinja_contrib::pycompat::unknown_method_callback;

use super::limits::measured;

/// The name of the filter in place of `%`.
pub(super) const PERCENT: &str = "percent";

/// The longest text that a method may make.
const LONGEST: usize = 1 << 24;

/// The most digits of a width or a precision.
const DIGITS: usize = 3;

/// Calls a method that a value itself does not have.
pub(super) fn method(state: &mut State, value: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    let Some(text) = value.as_str().filter(|_| value.kind() == ValueKind::String) else {
        measured(state, value.clone())?;
        return unknown_method_callback(state, value, method, args);
    };
    let strings = |parts: &[&str]| parts.iter().map(|part| Value::from(*part)).collect::<Vec<_>>();
    Ok(match method {
        "split" | "rsplit" => {
            let (separator, limit, named): (Option<&str>, Option<i64>, Kwargs) = from_args(args)?;
            let separator = separator.or(named.get("sep")?);
            let limit = limit.or(named.get("maxsplit")?).and_then(|limit| usize::try_from(limit).ok());
            named.assert_all_used()?;
            if separator == Some("") {
                return Err(wrong("an empty separator"));
            }
            let parts = if method == "split" { split(text, separator, limit) } else { rsplit(text, separator, limit) };
            Value::from(strings(&parts))
        }
        "partition" | "rpartition" => {
            let (separator,): (&str,) = from_args(args)?;
            let found = if method == "partition" { text.split_once(separator) } else { text.rsplit_once(separator) };
            let parts = match found {
                Some((before, after)) => [before, separator, after],
                None if method == "partition" => [text, "", ""],
                None => ["", "", text],
            };
            Value::from(Tuple::from(strings(&parts)))
        }
        "removeprefix" => {
            let (prefix,): (&str,) = from_args(args)?;
            text.strip_prefix(prefix).unwrap_or(text).into()
        }
        "removesuffix" => {
            let (suffix,): (&str,) = from_args(args)?;
            text.strip_suffix(suffix).unwrap_or(text).into()
        }
        "casefold" => {
            let () = from_args(args)?;
            text.to_lowercase().into()
        }
        "swapcase" => {
            let () = from_args(args)?;
            let swap = |c: char| -> String {
                if c.is_uppercase() { c.to_lowercase().collect() } else { c.to_uppercase().collect() }
            };
            text.chars().map(swap).collect::<String>().into()
        }
        "index" | "rindex" => {
            let found = unknown_method_callback(state, value, if method == "index" { "find" } else { "rfind" }, args)?;
            if found == Value::from(-1) {
                return Err(wrong("a text without the one that is looked for"));
            }
            found
        }
        "ljust" | "rjust" | "center" | "zfill" => justify(text, method, args)?,
        "replace" => {
            let (old, new): (&str, &str) = from_args(args.get(..2).unwrap_or(args))?;
            bounded(text.matches(old).count().saturating_mul(new.len()).saturating_add(text.len()))?;
            unknown_method_callback(state, value, method, args)?
        }
        "join" => {
            let (parts,): (&Value,) = from_args(args)?;
            let mut length = 0usize;
            for part in parts.try_iter()? {
                state.consume_fuel(1)?;
                let part = part.as_str().ok_or_else(|| wrong("join takes strings"))?.len();
                length = length.saturating_add(part).saturating_add(text.len());
            }
            bounded(length)?;
            unknown_method_callback(state, value, method, args)?
        }
        "format" => {
            check_widths(text)?;
            unknown_method_callback(state, value, method, args)?
        }
        _ => return unknown_method_callback(state, value, method, args),
    })
}

/// `format % values`: a tuple for several values, a dictionary for named ones.
pub(super) fn percent(template: &str, values: &Value) -> Result<String, Error> {
    check_widths(template)?;
    if template.contains('*') {
        return Err(wrong("a width that is a value"));
    }
    let values = match values.is_tuple() {
        true => values.try_iter()?.collect(),
        false => vec![values.clone()],
    };
    format(FormatStyle::Printf, template, &values)
}

/// Splits from the left; runs of white space without a separator.
fn split<'t>(text: &'t str, separator: Option<&str>, limit: Option<usize>) -> Vec<&'t str> {
    match (separator, limit) {
        (Some(separator), Some(limit)) => text.splitn(limit.saturating_add(1), separator).collect(),
        (Some(separator), None) => text.split(separator).collect(),
        (None, None) => text.split_whitespace().collect(),
        (None, Some(limit)) => {
            let (mut parts, mut rest) = (Vec::new(), text.trim_start());
            while let Some((word, after)) = rest.split_once(char::is_whitespace).filter(|_| parts.len() < limit) {
                parts.push(word);
                rest = after.trim_start();
            }
            parts.extend(Some(rest).filter(|rest| !rest.is_empty()));
            parts
        }
    }
}

/// Splits from the right.
fn rsplit<'t>(text: &'t str, separator: Option<&str>, limit: Option<usize>) -> Vec<&'t str> {
    let Some(limit) = limit else { return split(text, separator, None) };
    let mut parts: Vec<&str> = match separator {
        Some(separator) => text.rsplitn(limit.saturating_add(1), separator).collect(),
        None => {
            let (mut parts, mut rest) = (Vec::new(), text.trim_end());
            while let Some((before, word)) = rest.rsplit_once(char::is_whitespace).filter(|_| parts.len() < limit) {
                parts.push(word);
                rest = before.trim_end();
            }
            parts.extend(Some(rest).filter(|rest| !rest.is_empty()));
            parts
        }
    };
    parts.reverse();
    parts
}

/// Fills a text up to a width.
fn justify(text: &str, method: &str, args: &[Value]) -> Result<Value, Error> {
    let (width, fill): (i64, Option<&str>) = from_args(args)?;
    let missing = usize::try_from(width).unwrap_or(0).saturating_sub(text.chars().count());
    bounded(missing.saturating_mul(fill.map_or(1, str::len)))?;
    let fill = |count: usize| fill.unwrap_or(if method == "zfill" { "0" } else { " " }).repeat(count);
    Ok(match method {
        "ljust" => format!("{text}{}", fill(missing)),
        "center" => {
            // Python puts the odd one to the left only in an odd width.
            let left = missing / 2 + (missing & width as usize & 1);
            format!("{}{text}{}", fill(left), fill(missing - left))
        }
        "zfill" => {
            let sign = text.len() - text.trim_start_matches(['+', '-']).len();
            let (sign, digits) = text.split_at(sign.min(1));
            format!("{sign}{}{digits}", fill(missing))
        }
        _ => format!("{}{text}", fill(missing)),
    }
    .into())
}

/// Refuses a text that is too long to make.
fn bounded(length: usize) -> Result<(), Error> {
    if length > LONGEST { Err(Error::from(ErrorKind::OutOfFuel)) } else { Ok(()) }
}

/// Refuses widths and precisions that no text needs.
fn check_widths(template: &str) -> Result<(), Error> {
    let is_wide = |digits: &str| digits.len() > DIGITS;
    match template.split(|c: char| !c.is_ascii_digit()).any(is_wide) {
        true => Err(wrong("a width of more than three digits")),
        false => Ok(()),
    }
}

fn wrong(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}
