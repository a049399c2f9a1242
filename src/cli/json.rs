//! Printing of JSON for `--json`.

use serde::Serialize;

use crate::{Error, Result};

/// Prints a value as indented JSON.
///
/// # Errors
/// A value that JSON cannot express.
pub(super) fn print_json(value: &(impl Serialize + ?Sized)) -> Result<()> {
    println!("{}", serde_json::to_string_pretty(value).map_err(failed)?);
    Ok(())
}

/// Serializes a value as one line without a line end.
///
/// # Errors
/// A value that JSON cannot express.
pub(super) fn json_line(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(failed)
}

fn failed(e: serde_json::Error) -> Error {
    Error::Failed(format!("JSON: {e}"))
}
