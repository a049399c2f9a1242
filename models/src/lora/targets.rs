//! The projections that an `adapter_config.json` targets, by the rules of PEFT.

use serde::Deserialize;

use super::adapter::{ALL_LINEAR, is_target};
use super::pattern::Pattern;

/// The keys about targets.
#[derive(Deserialize)]
pub(super) struct TargetKeys {
    target_modules: Modules,
    #[serde(default)]
    exclude_modules: Option<Modules>,
    #[serde(default)]
    layers_to_transform: Option<Layers>,
    #[serde(default)]
    layers_pattern: Option<Modules>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a list of names of modules, or a text")]
enum Modules {
    List(Vec<String>),
    Text(String),
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "layers_to_transform: a number, or a list of numbers")]
enum Layers {
    One(usize),
    Some(Vec<usize>),
}

/// The targeted projections.
#[derive(Debug)]
pub(super) struct TargetModules {
    included: Selection,
    excluded: Selection,
    /// `None` for all.
    layers: Option<Vec<usize>>,
}

/// Projections by name.
#[derive(Debug)]
enum Selection {
    /// Ends of their names, or "all-linear".
    Listed(Vec<String>),
    /// A regular expression over their names.
    Pattern(Pattern),
}

impl Selection {
    fn new(modules: Modules) -> Result<Self, String> {
        Ok(match modules {
            Modules::List(names) => Self::Listed(names),
            Modules::Text(text) if text == ALL_LINEAR => Self::Listed(vec![text]),
            Modules::Text(text) => Self::Pattern(Pattern::of_name(&text)?),
        })
    }

    fn has(&self, name: &str) -> Result<bool, String> {
        match self {
            Self::Listed(names) => Ok(names.iter().any(|target| is_target(target, name))),
            Self::Pattern(pattern) => pattern.fits(name),
        }
    }
}

impl TargetModules {
    /// # Errors
    /// The key at fault and what was found there.
    pub(super) fn new(keys: TargetKeys) -> Result<Self, (&'static str, String)> {
        let included = Selection::new(keys.target_modules).map_err(|found| ("target_modules", found))?;
        let excluded = Selection::new(keys.exclude_modules.unwrap_or(Modules::List(Vec::new())));
        let excluded = excluded.map_err(|found| ("exclude_modules", found))?;
        let layers = match keys.layers_to_transform {
            None => None,
            Some(Layers::One(layer)) => Some(vec![layer]),
            Some(Layers::Some(layers)) => Some(layers).filter(|layers| !layers.is_empty()),
        };
        let patterns = match keys.layers_pattern {
            None => Vec::new(),
            Some(Modules::Text(text)) => vec![text],
            Some(Modules::List(texts)) => texts,
        };
        let is_ours = |pattern: &String| pattern.is_empty() || pattern == "layers";
        match patterns.iter().find(|pattern| !is_ours(pattern)) {
            Some(other) if layers.is_some() => {
                Err(("layers_pattern", format!("{other:?}, where a Llama has \"layers\"")))
            }
            _ => Ok(Self { included, excluded, layers }),
        }
    }

    /// Returns true if the projection `name` is targeted.
    ///
    /// # Errors
    /// A regular expression that takes too many steps.
    pub(super) fn has(&self, name: &str) -> Result<bool, String> {
        if self.excluded.has(name)? || !self.included.has(name)? {
            return Ok(false);
        }
        // A regular expression or a whole name stands for itself; layers choose among ends of names.
        match (&self.layers, &self.included) {
            (Some(layers), Selection::Listed(names)) if !names.iter().any(|target| target == name) => {
                Ok(layer_of(name).is_some_and(|layer| layers.contains(&layer)))
            }
            _ => Ok(true),
        }
    }

    /// A listed target that none of `names` belongs to.
    pub(super) fn unused<'a>(&'a self, names: impl Iterator<Item = &'a String> + Clone) -> Option<&'a String> {
        let Selection::Listed(targets) = &self.included else { return None };
        targets.iter().find(|target| !names.clone().any(|name| is_target(target, name)))
    }
}

/// 3 of "model.layers.3.self_attn.q_proj".
fn layer_of(name: &str) -> Option<usize> {
    name.strip_prefix("model.layers.")?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const Q0: &str = "model.layers.0.self_attn.q_proj";
    const Q1: &str = "model.layers.1.self_attn.q_proj";

    fn targets(keys: Value) -> Result<TargetModules, (&'static str, String)> {
        TargetModules::new(serde_json::from_value(keys).unwrap())
    }

    /// Which of two projections and the output's are targeted. Expected values by PEFT 0.21's `check_target_module_exists`.
    #[track_caller]
    fn assert_targeted(keys: Value, expected: [bool; 3]) {
        let targets = targets(keys).unwrap();
        assert_eq!([Q0, Q1, "lm_head"].map(|name| targets.has(name).unwrap()), expected);
    }

    #[test]
    fn targets_are_those_of_peft() {
        assert_targeted(json!({"target_modules": ["q_proj", "lm_head"]}), [true, true, true]);
        assert_targeted(json!({"target_modules": "all-linear"}), [true, true, false]);
        assert_targeted(json!({"target_modules": r".*\.[1-9]\..*q_proj"}), [false, true, false]);
        assert_targeted(json!({"target_modules": "q_proj"}), [false, false, false]);
        assert_targeted(json!({"target_modules": ["q_proj"], "exclude_modules": [Q0]}), [false, true, false]);
        assert_targeted(
            json!({"target_modules": ["q_proj"], "exclude_modules": r".*layers\.1.*"}),
            [true, false, false],
        );
        let q = |layers: Value| json!({"target_modules": ["q_proj", "lm_head"], "layers_to_transform": layers});
        assert_targeted(q(json!(1)), [false, true, true]);
        assert_targeted(q(json!([])), [true, true, true]);
        assert_targeted(json!({"target_modules": ["q_proj", Q1], "layers_to_transform": [0]}), [true, true, false]);
        assert_targeted(json!({"target_modules": r".*q_proj", "layers_to_transform": [0]}), [true, true, false]);
    }

    #[test]
    fn what_names_no_modules_of_a_llama_is_refused_by_key() {
        let refused = |keys: Value| targets(keys).unwrap_err().0;
        assert_eq!(refused(json!({"target_modules": "("})), "target_modules");
        assert_eq!(refused(json!({"target_modules": ["q_proj"], "exclude_modules": "["})), "exclude_modules");
        let other = json!({"target_modules": ["q_proj"], "layers_to_transform": 1, "layers_pattern": "h"});
        assert_eq!(refused(other), "layers_pattern");
    }
}
