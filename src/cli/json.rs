//! What `--json` prints.

use serde::Serialize;

use crate::{Error, Result};

/// Prints a value, in lines for people to read, too.
///
/// # Errors
/// A value that JSON cannot express.
pub(super) fn print_json(value: &(impl Serialize + ?Sized)) -> Result<()> {
    println!("{}", serde_json::to_string_pretty(value).map_err(failed)?);
    Ok(())
}

/// A value as one line, without its end.
///
/// # Errors
/// A value that JSON cannot express.
pub(super) fn json_line(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(failed)
}

fn failed(e: serde_json::Error) -> Error {
    Error::Failed(format!("JSON: {e}"))
}
