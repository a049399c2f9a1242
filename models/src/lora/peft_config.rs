//! `adapter_config.json`: the keys that are read, refused and written.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Adapter;
use super::adapter::LM_HEAD;
use super::pattern::ByPattern;
use super::targets::{TargetKeys, TargetModules};
use super::token_rows::TokenIndices;
use crate::files::json;
use crate::{Error, Result};

/// The part of the configuration that decides the meaning of the weights.
#[derive(Debug)]
pub(super) struct PeftConfig {
    path: PathBuf,
    rank: usize,
    alpha: f64,
    rank_pattern: ByPattern<usize>,
    alpha_pattern: ByPattern<f64>,
    targets: TargetModules,
    /// The tokens with rows of their own.
    pub token_indices: Option<TokenIndices>,
    pub dropout: f64,
    pub rank_stabilised: bool,
    pub base_model: Option<String>,
}

/// The content of the file.
#[derive(Deserialize)]
struct File {
    peft_type: String,
    r: usize,
    lora_alpha: f64,
    #[serde(default)]
    lora_dropout: Option<f64>,
    #[serde(default)]
    rank_pattern: Option<Map<String, Value>>,
    #[serde(default)]
    alpha_pattern: Option<Map<String, Value>>,
    #[serde(flatten)]
    targets: TargetKeys,
    #[serde(default)]
    trainable_token_indices: Option<TokenIndices>,
    #[serde(default)]
    use_rslora: Option<bool>,
    #[serde(default)]
    base_model_name_or_path: Option<String>,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// Keys that, when set, make the adapter more than low-rank parts and rows of tokens beside frozen weights.
const REFUSED: [&str; 13] = [
    "use_dora",
    "lora_bias",
    "fan_in_fan_out",
    "modules_to_save",
    "target_parameters",
    "layer_replication",
    "alora_invocation_tokens",
    "arrow_config",
    "use_qalora",
    "use_bdlora",
    "kasa_config",
    "monteclora_config",
    "velora_config",
];

/// Initialisations that change the frozen weights as well, from which the parts cannot be separated here.
const REFUSED_INITS: [&str; 5] = ["pissa", "olora", "corda", "loftq", "lora_ga"];

impl PeftConfig {
    pub fn read(path: &Path) -> Result<Self> {
        let file: File = json::read(path, "a PEFT configuration")?;
        let refuse = |key: &str, expected: &str, found: &dyn std::fmt::Display| -> Result<Self> {
            Err(Error::bad_input(format!("{}: {key}", path.display()))
                .expected(expected)
                .found(found)
                .next("use a plain LoRA adapter; merge others into their model with PEFT")
                .into())
        };
        if file.peft_type != "LORA" {
            return refuse("peft_type", "LORA", &file.peft_type);
        }
        for key in REFUSED {
            if let Some(value) = file.others.get(key).filter(|value| !is_off(value)) {
                return refuse(key, "nothing or false", value);
            }
        }
        match file.others.get("bias") {
            None | Some(Value::Null) => {}
            Some(Value::String(bias)) if bias == "none" => {}
            Some(other) => return refuse("bias", "\"none\"", other),
        }
        if let Some(Value::String(init)) = file.others.get("init_lora_weights")
            && REFUSED_INITS.iter().any(|refused| init.starts_with(refused))
        {
            return refuse("init_lora_weights", "an initialisation that leaves the frozen weights alone", init);
        }
        if file.r == 0 {
            return refuse("r", "a rank of 1 or more", &0);
        }
        let rank = |value: &Value| value.as_u64().and_then(|rank| usize::try_from(rank).ok()).filter(|rank| *rank > 0);
        let rank_pattern = match by_pattern(file.rank_pattern.unwrap_or_default(), rank) {
            Ok(ranks) => ranks,
            Err(found) => return refuse("rank_pattern", "ranks of 1 or more by name or regular expression", &found),
        };
        let alpha_pattern = match by_pattern(file.alpha_pattern.unwrap_or_default(), Value::as_f64) {
            Ok(alphas) => alphas,
            Err(found) => return refuse("alpha_pattern", "numbers by name or regular expression", &found),
        };
        let targets = match TargetModules::new(file.targets) {
            Ok(targets) => targets,
            Err((key, found)) => return refuse(key, "names of modules of a Llama, or a regular expression", &found),
        };
        Ok(Self {
            path: path.to_path_buf(),
            rank: file.r,
            alpha: file.lora_alpha,
            rank_pattern,
            alpha_pattern,
            targets,
            token_indices: file.trainable_token_indices,
            dropout: file.lora_dropout.unwrap_or(0.0),
            rank_stabilised: file.use_rslora.unwrap_or(false),
            base_model: file.base_model_name_or_path,
        })
    }

    /// The rank of the part at the projection `name`.
    pub fn rank(&self, name: &str) -> Result<usize> {
        Ok(self.rank_pattern.of(name).map_err(|found| self.too_slow("rank_pattern", found))?.unwrap_or(self.rank))
    }

    /// The α of the part at the projection `name`.
    pub fn alpha(&self, name: &str) -> Result<f64> {
        Ok(self.alpha_pattern.of(name).map_err(|found| self.too_slow("alpha_pattern", found))?.unwrap_or(self.alpha))
    }

    /// Checks that the targets are the projections that the file of weights has parts for.
    pub fn check_targets(&self, places: &BTreeSet<String>) -> Result<()> {
        let at = || Error::bad_input(format!("{}: target_modules", self.path.display()));
        if let Some(unused) = self.targets.unused(places.iter()) {
            return Err(at().expected("targets that there are weights for").found(unused).into());
        }
        for name in places {
            if !self.targets.has(name).map_err(|found| self.too_slow("target_modules", found))? {
                return Err(at().expected(format!("a target for {name}, which has weights")).found("none").into());
            }
        }
        Ok(())
    }

    fn too_slow(&self, key: &str, found: String) -> Error {
        Error::bad_input(format!("{}: {key}", self.path.display()))
            .expected("a regular expression that is decided in a few steps")
            .found(found)
            .next("write the names of the modules")
            .into()
    }

    /// The file for `adapter`, with the keys that every version of PEFT since 0.7 reads, and with item tokens since 0.15.
    pub fn describe(adapter: &Adapter) -> Value {
        let ranks: BTreeMap<&str, usize> =
            adapter.loras.iter().map(|(name, lora)| (name.as_str(), lora.rank())).collect();
        let alphas: BTreeMap<&str, f64> = adapter
            .loras
            .iter()
            .map(|(name, lora)| {
                let rank = lora.rank() as f64;
                (name.as_str(), lora.scale * if adapter.rank_stabilised { rank.sqrt() } else { rank })
            })
            .collect();
        let (rank, rank_pattern) = commonest(&ranks);
        let (alpha, alpha_pattern) = commonest(&alphas);
        let mut config = json!({
            "alpha_pattern": alpha_pattern.into_iter().map(|(name, alpha)| (name, number(alpha))).collect::<BTreeMap<_, _>>(),
            "auto_mapping": null,
            "base_model_name_or_path": adapter.base_model,
            "bias": "none",
            "fan_in_fan_out": false,
            "inference_mode": true,
            "init_lora_weights": true,
            "layer_replication": null,
            "layers_pattern": null,
            "layers_to_transform": null,
            "loftq_config": {},
            "lora_alpha": number(alpha),
            "lora_dropout": adapter.dropout,
            "megatron_config": null,
            "megatron_core": "megatron.core",
            "modules_to_save": null,
            "peft_type": "LORA",
            "r": rank,
            "rank_pattern": rank_pattern,
            "revision": null,
            "target_modules": targets(&ranks.keys().copied().collect::<Vec<_>>()),
            "task_type": "CAUSAL_LM",
            "use_dora": false,
            "use_rslora": adapter.rank_stabilised,
        });
        if let Some(items) = &adapter.items {
            config["trainable_token_indices"] = json!(TokenIndices::of(&items.rows));
        }
        config
    }
}

/// The last words of the names ("q_proj"), which other readers expect, where every block has the same parts; else the whole names.
fn targets<'a>(names: &[&'a str]) -> BTreeSet<&'a str> {
    let last = |name: &'a str| name.rsplit('.').next().unwrap_or(name);
    let block = |name: &&'a str| Some(name.strip_prefix("model.layers.")?.split('.').next()?.to_owned());
    let in_blocks: Vec<&str> = names.iter().copied().filter(|name| *name != LM_HEAD).collect();
    let kinds: BTreeSet<&str> = in_blocks.iter().copied().map(last).collect();
    let blocks: BTreeSet<_> = in_blocks.iter().map(block).collect();
    let complete = in_blocks.len() == kinds.len() * blocks.len();
    names.iter().map(|name| if complete { last(name) } else { name }).collect()
}

/// Returns true for the values with which a key says nothing.
fn is_off(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        _ => false,
    }
}

/// The values by pattern in the order of the file, or what is wrong with them.
fn by_pattern<T: Copy>(
    entries: Map<String, Value>,
    read: impl Fn(&Value) -> Option<T>,
) -> std::result::Result<ByPattern<T>, String> {
    let entries = entries.into_iter().map(|(pattern, value)| match read(&value) {
        Some(value) => Ok((pattern, value)),
        None => Err(format!("{value} at {pattern:?}")),
    });
    ByPattern::new(entries.collect::<std::result::Result<_, _>>()?)
}

/// The commonest value, and the entries that differ from it.
fn commonest<'a, T: Copy + PartialEq>(values: &BTreeMap<&'a str, T>) -> (T, BTreeMap<&'a str, T>) {
    let count = |value: &T| values.values().filter(|other| *other == value).count();
    let common = values.values().copied().reduce(|a, b| if count(&b) > count(&a) { b } else { a });
    let common = common.expect("an adapter that is written has parts");
    (common, values.iter().filter(|(_, value)| **value != common).map(|(name, value)| (*name, *value)).collect())
}

/// A whole number where it is one: PEFT writes α as an integer.
fn number(x: f64) -> Value {
    // Scales are quotients, so an α found again from one may be off by a rounding.
    let whole = x.round();
    if (x - whole).abs() < 1e-9 * whole.abs() { json!(whole as i64) } else { json!(x) }
}
