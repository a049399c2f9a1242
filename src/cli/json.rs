//! Printing of JSON for `--json`.

use serde::Serialize;

use crate::run::figures;
use crate::{Error, Result};

/// Prints a value as indented JSON.
///
/// # Errors
/// A value that JSON cannot express.
pub(super) fn print_json(value: &(impl Serialize + ?Sized)) -> Result<()> {
    println!("{}", text(figures::json_pretty(value))?);
    Ok(())
}

/// Prints a value as one line of JSON.
///
/// # Errors
/// A value that JSON cannot express.
pub(super) fn print_json_line(value: &(impl Serialize + ?Sized)) -> Result<()> {
    println!("{}", json_line(value)?);
    Ok(())
}

/// Serializes a value as one line without a line end.
///
/// # Errors
/// A value that JSON cannot express.
pub(super) fn json_line(value: &(impl Serialize + ?Sized)) -> Result<String> {
    text(figures::json(value))
}

fn text(json: serde_json::Result<Vec<u8>>) -> Result<String> {
    let json = json.map_err(|e| Error::Failed(format!("JSON: {e}")))?;
    String::from_utf8(json).map_err(|e| Error::Failed(format!("JSON: {e}")))
}
