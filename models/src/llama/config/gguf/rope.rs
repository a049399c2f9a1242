//! The rotary embedding of a GGUF file, as llama.cpp reads it.
//!
//! The scaling's kind is linear where none is named; its factor has an older key; and a tensor may hold a divisor for each frequency,
//! which is applied beside the factor.

use super::{Keys, Metadata, ROPE_DIVISORS};
use crate::files::TensorSource;
use crate::llama::config::{RopeScaling, limit};
use crate::{Error, Result};

pub(super) const KIND: &str = "llama.rope.scaling.type";
pub(super) const FACTOR: &str = "llama.rope.scaling.factor";
/// [`FACTOR`] in files of 2023.
const OLDER_FACTOR: &str = "llama.rope.scale_linear";

/// Reads the scaling of the frequencies of heads of width `head_dim`.
pub(super) fn scaling(keys: &Metadata<'_>, head_dim: usize) -> Result<RopeScaling> {
    let factor = factor(keys)?;
    Ok(match (divisors(keys, head_dim)?, factor) {
        (Some(divisors), factor) => {
            let factor = factor.unwrap_or(1.0);
            RopeScaling::Divisors(divisors.iter().map(|divisor| (f64::from(*divisor) * factor) as f32).collect())
        }
        (None, Some(factor)) => RopeScaling::Linear { factor },
        (None, None) => RopeScaling::None,
    })
}

/// The factor by which all frequencies are divided.
fn factor(keys: &Metadata<'_>) -> Result<Option<f64>> {
    match keys.text(KIND, "linear")? {
        "none" => Ok(None),
        "linear" => {
            let key = [FACTOR, OLDER_FACTOR].into_iter().find(|key| keys.find(key).is_some());
            key.map(|key| keys.number(key, 0.0, limit::FACTOR, None)).transpose()
        }
        other => {
            Err(keys.at(KIND).expected("none or linear").found(format!("{other:?}, which is not supported")).into())
        }
    }
}

/// The divisors of the frequencies, `[head_dim / 2]`.
fn divisors(keys: &Metadata<'_>, head_dim: usize) -> Result<Option<Vec<f32>>> {
    let gguf = keys.0;
    let Some(shape) = gguf.shape(ROPE_DIVISORS) else { return Ok(None) };
    let refuse = |found: String| -> Error {
        Error::bad_input(format!("{}: tensor {ROPE_DIVISORS}", gguf.place().display()))
            .expected(format!("{} positive divisors", head_dim / 2))
            .found(found)
            .next("fetch the file again, or convert the model again")
            .into()
    };
    if shape != [head_dim / 2] {
        return Err(refuse(format!("shape {shape:?}")));
    }
    let divisors = gguf.read_f32(ROPE_DIVISORS)?;
    match divisors.iter().find(|divisor| **divisor <= 0.0) {
        None => Ok(Some(divisors)),
        Some(wrong) => Err(refuse(wrong.to_string())),
    }
}
