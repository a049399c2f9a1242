//! The rotary embedding of a `config.json`, by the precedence of transformers 5.
//!
//! The newer form has everything in the section `rope_parameters`; the older one has `rope_theta` at the top and the scaling in
//! `rope_scaling`. Files mix them:
//! - `rope_scaling`, unless it is empty, goes before `rope_parameters`;
//! - `rope_theta` of the section in use goes before the one at the top;
//! - `original_max_position_embeddings` is that of the section in use, and `max_position_embeddings` stands in for it.
//!
//! Where transformers would drop a key at another place without a word, the file is refused.

use super::{Keys, Object};
use crate::Result;
use crate::llama::config::{RopeScaling, limit};

/// The base where no section names one.
const THETA: f64 = 10_000.0;

/// Reads base and scaling from the whole file; `max_positions` is its `max_position_embeddings`.
pub(super) fn read(file: &Object<'_>, max_positions: usize) -> Result<(f64, RopeScaling)> {
    refuse_partial(file)?;
    let at_the_top = theta(file, THETA)?;
    let newer = file.section("rope_parameters")?;
    let older = file.section("rope_scaling")?.filter(|section| !section.is_empty());
    let Some(rope) = older.as_ref().or(newer.as_ref()) else { return Ok((at_the_top, RopeScaling::None)) };
    refuse_partial(rope)?;
    rope.refuse_sections("one rotation for all layers")?;
    let base = theta(rope, at_the_top)?;
    if let Some(newer) = &newer
        && theta(newer, base)? != base
    {
        return Err(newer
            .at("rope_theta")
            .expected(format!("{base}, which is the base beside rope_scaling"))
            .found(theta(newer, base)?)
            .next("keep one of the sections rope_parameters and rope_scaling")
            .into());
    }
    Ok((base, scaling(rope, file, max_positions)?))
}

fn theta(keys: &Object<'_>, default: f64) -> Result<f64> {
    keys.number("rope_theta", 1.0, limit::THETA, Some(default))
}

/// Refuses a rotation of a part of each head.
fn refuse_partial(keys: &Object<'_>) -> Result<()> {
    const KEY: &str = "partial_rotary_factor";
    match keys.number(KEY, 0.0, limit::FACTOR, Some(1.0))? {
        1.0 => Ok(()),
        part => Err(keys.at(KEY).expected("1, a rotation of whole heads").found(part).into()),
    }
}

/// The scaling that a section describes; its kind is called `rope_type`, once `type`.
fn scaling(rope: &Object<'_>, file: &Object<'_>, max_positions: usize) -> Result<RopeScaling> {
    const ORIGINAL: &str = "original_max_position_embeddings";
    let kind = if rope.find("rope_type").is_some() { "rope_type" } else { "type" };
    let factor = || rope.number("factor", 0.0, limit::FACTOR, None);
    if rope.find(kind).is_none() && rope.find("factor").is_some() {
        let expected = "default, linear or llama3 beside a factor";
        return Err(rope.at("rope_type").expected(expected).found("no such key").into());
    }
    match rope.text(kind, "default")? {
        "default" => Ok(RopeScaling::None),
        "linear" => Ok(RopeScaling::Linear { factor: factor()? }),
        "llama3" => {
            let low_freq_factor = rope.number("low_freq_factor", 0.0, limit::FACTOR, None)?;
            let original_max_positions = rope.size(ORIGINAL, limit::POSITIONS, Some(max_positions))?;
            let at_the_top = file.size(ORIGINAL, limit::POSITIONS, Some(original_max_positions))?;
            if rope.find(ORIGINAL).is_none() && at_the_top != original_max_positions {
                return Err(rope.at(ORIGINAL).expected("the key here").found("it at the top of the file").into());
            }
            Ok(RopeScaling::Llama3 {
                factor: factor()?,
                low_freq_factor,
                // The blend divides by the distance of the two.
                high_freq_factor: rope.number("high_freq_factor", low_freq_factor, limit::FACTOR, None)?,
                original_max_positions,
            })
        }
        other => {
            let expected = "default, linear or llama3";
            Err(rope.at(kind).expected(expected).found(format!("{other:?}, which is not supported")).into())
        }
    }
}
