//! `config.json` of a Hugging Face folder.

mod rope;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::keys::{Found, Keys};
use super::{LlamaConfig, Names, limit, read_sizes};
use crate::files::json::{self, UniqueMap};
use crate::{Error, Result};

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

/// The class of a Llama, and its spelling in the first checkpoints.
const ARCHITECTURES: [&str; 2] = ["LlamaForCausalLM", "LLaMAForCausalLM"];

/// Keys of architectures that are a Llama but for what these keys say: Granite, MiniCPM, Cohere, Gemma, OLMo, Mixtral, Llama 4, SmolLM 3.
const FOREIGN: [&str; 18] = [
    "attention_multiplier",
    "embedding_multiplier",
    "residual_multiplier",
    "logits_scaling",
    "logit_scale",
    "scale_emb",
    "scale_depth",
    "query_pre_attn_scalar",
    "attn_logit_softcapping",
    "final_logit_softcapping",
    "clip_qkv",
    "use_qk_norm",
    "num_experts",
    "num_local_experts",
    "n_routed_experts",
    "attention_chunk_size",
    "no_rope_layers",
    "no_rope_layer_interval",
];

impl LlamaConfig {
    /// Reads `folder/config.json`; `rope` says how its sections about the rotary embedding are read.
    ///
    /// # Errors
    /// A file that is not there or not JSON; a model of another architecture, or one that only resembles a Llama; a missing,
    /// impossible or unsupported value, by key.
    pub fn from_huggingface(folder: &Path) -> Result<Self> {
        if folder.is_file() {
            return Err(Error::bad_input(folder.display())
                .expected("a Hugging Face folder, or a GGUF file, which begins with \"GGUF\"")
                .found("another file")
                .next("name the folder that holds config.json and the weights")
                .into());
        }
        let file = folder.join("config.json");
        let UniqueMap(values) = json::read(&file, "a JSON object with the model's sizes")?;
        let keys = Object { file: &file, within: "", values: Lookup::Top(&values) };

        keys.require("model_type", "llama")?;
        keys.require_each("architectures", &ARCHITECTURES)?;
        keys.require_each("layer_types", &["full_attention"])?;
        keys.require("hidden_act", "silu")?;
        keys.refuse_flag("attention_bias")?;
        keys.refuse_flag("mlp_bias")?;
        FOREIGN.iter().try_for_each(|key| keys.refuse_foreign(key))?;
        let sizes = read_sizes(&keys, &NAMES, keys.size("vocab_size", limit::VOCAB, None)?)?;
        if !matches!(keys.find("use_sliding_window"), Some(Found::Flag(false))) {
            keys.refuse_window("sliding_window", sizes.max_positions)?;
        }
        let (rope_theta, rope_scaling) = rope::read(&keys, sizes.max_positions)?;
        let tied_embeddings = keys.flag("tie_word_embeddings")?;
        Ok(Self { rope_theta, rope_scaling, tied_embeddings, ..sizes })
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

    fn is_empty(&self) -> bool {
        match self.values {
            Lookup::Top(values) => values.is_empty(),
            Lookup::Section(values) => values.is_empty(),
        }
    }

    /// Refuses sections within this one.
    fn refuse_sections(&self, expected: &str) -> Result<()> {
        let Lookup::Section(values) = self.values else { return Ok(()) };
        match values.iter().find(|(_, value)| value.is_object()) {
            None => Ok(()),
            Some((key, _)) => Err(self.at(key).expected(expected).found("a section").into()),
        }
    }

    /// Refuses a list that has other texts than `known`.
    fn require_each(&self, key: &str, known: &[&str]) -> Result<()> {
        let expected = || self.at(key).expected(format!("a list of nothing but {}", known.join(", ")));
        match self.value(key) {
            None | Some(Value::Null) => Ok(()),
            Some(Value::Array(texts)) => {
                match texts.iter().find(|text| !text.as_str().is_some_and(|t| known.contains(&t))) {
                    None => Ok(()),
                    Some(other) => Err(expected().found(other).into()),
                }
            }
            Some(other) => Err(expected().found(other).into()),
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
