//! The model that a command needs.

use std::path::PathBuf;

use crate::pull::resolve_model;
use crate::{Error, Result};

/// The path of the model that `--model` names.
///
/// # Errors
/// No model, with the `next` step; one that is neither there nor in the list of `tiller pull`.
pub(super) fn required(model: Option<&str>, next: &str) -> Result<PathBuf> {
    let missing = || {
        Error::bad_input("--model")
            .expected("a Hugging Face folder, a .gguf file, or a name from `tiller pull --list`")
            .found("none")
            .next(next)
    };
    resolve_model(model.ok_or_else(missing)?)
}
