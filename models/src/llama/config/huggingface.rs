//! `config.json` of a Hugging Face folder.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::keys::{Found, Keys};
use super::{LlamaConfig, Names, RopeScaling, limit, read_sizes};
use crate::Result;
use crate::files::json::{self, UniqueMap};

const NAMES: Names = Names {
    d_model: "hidden_size",
    d_ff: "intermediate_size",
    n_layers: "num_hidden_layers",
    n_heads: "num_attention_heads",
    n_kv_heads: "num_key_value_heads",
    head_dim: "head_dim",
    max_positions: "max_position_embeddings",
    rms_eps: "rms_norm_eps",
};

impl LlamaConfig {
    /// Reads `folder/config.json`, in the older form (`rope_theta` and `rope_scaling` at the top) or the newer one
    /// (`rope_parameters`).
    ///
    /// # Errors
    /// A file that is not there or not JSON; a model of another architecture; a missing, impossible or unsupported value, by key.
    pub fn from_huggingface(folder: &Path) -> Result<Self> {
        let file = folder.join("config.json");
        let UniqueMap(values) = json::read(&file, "a JSON object with the model's sizes")?;
        let keys = Object { file: &file, within: "", values: Lookup::Top(&values) };

        keys.require("model_type", "llama")?;
        keys.require("hidden_act", "silu")?;
        keys.refuse_flag("attention_bias")?;
        keys.refuse_flag("mlp_bias")?;
        let vocab_size = keys.size("vocab_size", limit::VOCAB, None)?;
        let (rope_theta, rope_scaling) = match keys.section("rope_parameters")? {
            Some(rope) => (theta(&rope)?, scaling(&rope)?),
            None => {
                let scaling = keys.section("rope_scaling")?.map(|rope| scaling(&rope)).transpose()?;
                (theta(&keys)?, scaling.unwrap_or(RopeScaling::None))
            }
        };
        let tied_embeddings = keys.flag("tie_word_embeddings")?;
        Ok(Self { rope_theta, rope_scaling, tied_embeddings, ..read_sizes(&keys, &NAMES, vocab_size)? })
    }
}

fn theta(keys: &Object<'_>) -> Result<f64> {
    keys.number("rope_theta", 1.0, limit::THETA, Some(10_000.0))
}

/// The scaling that a `rope_parameters` or `rope_scaling` section describes; its kind is called `rope_type`, once `type`.
fn scaling(rope: &Object<'_>) -> Result<RopeScaling> {
    let kind = if rope.find("rope_type").is_some() { "rope_type" } else { "type" };
    let factor = || rope.number("factor", 0.0, limit::FACTOR, None);
    match rope.text(kind, "default")? {
        "default" => Ok(RopeScaling::None),
        "linear" => Ok(RopeScaling::Linear { factor: factor()? }),
        "llama3" => {
            let low_freq_factor = rope.number("low_freq_factor", 0.0, limit::FACTOR, None)?;
            Ok(RopeScaling::Llama3 {
                factor: factor()?,
                low_freq_factor,
                // The blend divides by the distance of the two.
                high_freq_factor: rope.number("high_freq_factor", low_freq_factor, limit::FACTOR, None)?,
                original_max_positions: rope.size("original_max_position_embeddings", limit::POSITIONS, None)?,
            })
        }
        other => {
            let expected = "default, linear or llama3";
            Err(rope.at(kind).expected(expected).found(format!("{other:?}, which is not supported")).into())
        }
    }
}

/// A JSON object: the whole file, or one of its sections.
struct Object<'a> {
    file: &'a Path,
    /// The section's name and a dot, or nothing.
    within: &'a str,
    values: Lookup<'a>,
}

enum Lookup<'a> {
    Top(&'a BTreeMap<String, Value>),
    Section(&'a serde_json::Map<String, Value>),
}

impl<'a> Object<'a> {
    fn value(&self, key: &str) -> Option<&'a Value> {
        match self.values {
            Lookup::Top(values) => values.get(key),
            Lookup::Section(values) => values.get(key),
        }
    }

    fn section(&self, key: &'a str) -> Result<Option<Object<'a>>> {
        match self.value(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(values)) => {
                Ok(Some(Object { file: self.file, within: key, values: Lookup::Section(values) }))
            }
            Some(other) => Err(self.at(key).expected("an object").found(other).into()),
        }
    }
}

impl Keys for Object<'_> {
    fn find(&self, key: &str) -> Option<Found<'_>> {
        Some(match self.value(key)? {
            Value::Null => return None,
            Value::Bool(flag) => Found::Flag(*flag),
            Value::String(text) => Found::Text(text),
            Value::Number(n) => match (n.as_u64(), n.as_f64()) {
                (Some(n), _) => Found::Unsigned(n),
                (None, Some(x)) => Found::Number(x),
                (None, None) => Found::Other(n.to_string()),
            },
            Value::Array(_) => Found::Other("an array".into()),
            Value::Object(_) => Found::Other("an object".into()),
        })
    }

    fn place(&self, key: &str) -> String {
        let dot = if self.within.is_empty() { "" } else { "." };
        format!("{}: {}{dot}{key}", self.file.display(), self.within)
    }
}
