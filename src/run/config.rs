//! Layered configuration: flags > `--set a.b=c` > `--config FILE.toml` > defaults.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::{Error, Result};

/// The layers of a configuration between the defaults and a command's own flags.
#[derive(Debug, Clone, Default)]
pub struct ConfigLayers {
    /// A TOML file of settings, such as a run's config.toml.
    pub config: Option<PathBuf>,
    /// Settings as `KEY=VALUE`, for example `optimiser.lr=0.001`.
    pub sets: Vec<String>,
}

/// Resolves a configuration of type `T`, with `T::default()` as the lowest layer.
///
/// `flags` is a table of the command's own flags that were given.
///
/// # Errors
/// A file that is not TOML, a `--set` without `=`, an unknown key, a value of the wrong type.
pub fn resolve<T>(layers: &ConfigLayers, flags: Table) -> Result<T>
where
    T: Default + Serialize + DeserializeOwned,
{
    resolve_over(T::default(), layers, flags)
}

/// Resolves a configuration with `base` instead of the defaults.
///
/// # Errors
/// As [`resolve`].
pub fn resolve_over<T>(base: T, layers: &ConfigLayers, flags: Table) -> Result<T>
where
    T: Serialize + DeserializeOwned,
{
    let mut table = Table::try_from(base).map_err(|e| Error::Failed(format!("defaults: {e}")))?;
    if let Some(path) = &layers.config {
        overlay(&mut table, current_names(read(path)?));
        check::<T>(&table, &path.display())?;
    }
    for set in &layers.sets {
        overlay(&mut table, current_names(parse_set(set)?));
        check::<T>(&table, &format!("--set {set}"))?;
    }
    overlay(&mut table, flags);
    check::<T>(&table, &"flags")
}

/// Returns `base` with the keys of `upper` applied; `place` names their source in errors.
///
/// # Errors
/// An unknown key, a value of the wrong type.
pub fn overlaid<T>(base: &T, upper: &Table, place: &dyn std::fmt::Display) -> Result<T>
where
    T: Serialize + DeserializeOwned,
{
    let mut table = Table::try_from(base).map_err(|e| Error::Failed(format!("{place}: {e}")))?;
    overlay(&mut table, current_names(upper.clone()));
    check::<T>(&table, place)
}

fn read(path: &Path) -> Result<Table> {
    let text = std::fs::read_to_string(path).map_err(Error::io(path, "read"))?;
    text.parse().map_err(|e| {
        Error::bad_input(path.display())
            .expected("a TOML file")
            .found(e)
            .next("compare with a run's config.toml")
            .into()
    })
}

/// Parses `a.b=c` into nested tables; `c` is a TOML value if it parses as one, otherwise a string.
fn parse_set(set: &str) -> Result<Table> {
    let Some((keys, text)) = set.split_once('=') else {
        return Err(Error::bad_input(format!("--set {set}")).expected("KEY=VALUE").found("no `=`").into());
    };
    let value = format!("v = {text}")
        .parse::<Table>()
        .ok()
        .and_then(|mut t| t.remove("v"))
        .unwrap_or_else(|| Value::String(text.to_owned()));
    let nested = keys
        .split('.')
        .rev()
        .fold(value, |inner, key| Value::Table(Table::from_iter([(key.trim().to_owned(), inner)])));
    match nested {
        Value::Table(table) => Ok(table),
        _ => unreachable!("split always yields at least one key"),
    }
}

/// The former names of settings, which files, `--set` and checkpoints may still use. `a.b` stands for a `b` in a table `a`,
/// because `b` may be a current name elsewhere, as `learning.clip` is.
const RENAMED: &[(&str, &str)] = &[
    ("accumulate", "gradient_accumulation_steps"),
    ("data.recipe", "preset"),
    ("eval.recipe", "preset"),
    ("eval.subjects", "tasks"),
    ("exam", "eval"),
    ("learning.by_practice", "per_task_normalization"),
    ("learning.kl", "kl_coef"),
    ("learning.standardise", "normalize_advantages"),
    ("learning.tempered", "score_at_sampling_temperature"),
    ("model.heads", "n_heads"),
    ("model.inner", "d_ff"),
    ("model.layers", "n_layers"),
    ("optimiser.clip", "max_grad_norm"),
    ("practices", "tasks"),
    ("quantise", "quant"),
    ("rehearsal", "sft_mixin"),
    ("reward.breach", "violation_score"),
    ("reward.gap", "shortfall_fn"),
    ("reward.spread", "dense"),
    ("safety", "divergence_guard"),
    ("schedule.end", "min_lr"),
    ("schedule.power", "poly_power"),
    ("schedule.warm_up", "warmup_ratio"),
    ("scratch", "from_scratch"),
];

/// Returns `settings` with the current names of all keys.
pub(super) fn current_names(settings: Table) -> Table {
    renamed(settings, "")
}

/// Renames the keys of a table whose own name is `parent`.
fn renamed(table: Table, parent: &str) -> Table {
    let current = |(key, value): (String, Value)| {
        let names_key = |former: &str| former == key || former.split_once('.') == Some((parent, key.as_str()));
        let name = RENAMED.iter().find(|(former, _)| names_key(former)).map(|(_, name)| (*name).to_owned());
        let key = name.unwrap_or(key);
        match value {
            Value::Table(below) => (key.clone(), Value::Table(renamed(below, &key))),
            value => (key, value),
        }
    };
    table.into_iter().map(current).collect()
}

/// Merges `upper` into `lower`, key by key.
fn overlay(lower: &mut Table, upper: Table) {
    for (key, value) in upper {
        match (lower.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => overlay(below, above),
            (_, value) => {
                lower.insert(key, value);
            }
        }
    }
}

fn check<T: DeserializeOwned>(table: &Table, place: &dyn std::fmt::Display) -> Result<T> {
    table.clone().try_into().map_err(|e: toml::de::Error| {
        let known = table.keys().cloned().collect::<Vec<_>>().join(", ");
        Error::bad_input(place)
            .expected("known keys with values of their types")
            .found(e.message())
            .next(format!("top-level keys are {known}"))
            .into()
    })
}

/// The error of a configuration value out of range.
pub fn out_of_range(key: &str, expected: &str, found: impl std::fmt::Display) -> Error {
    Error::bad_input(key).expected(expected).found(found).next(format!("set it with --set {key}=…")).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Demo {
        epochs: u32,
        optimiser: Optimiser,
        learning: Learning,
    }

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Optimiser {
        lr: f64,
        name: String,
        max_grad_norm: f64,
    }

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Learning {
        clip: f64,
    }

    #[test]
    fn flags_win_over_sets_over_file_over_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.toml");
        std::fs::write(&file, "epochs = 1\n[optimiser]\nlr = 0.5\nname = \"file\"").unwrap();
        let layers = ConfigLayers { config: Some(file), sets: vec!["optimiser.name=set".into(), "epochs=2".into()] };
        let demo: Demo = resolve(&layers, "epochs = 3".parse().unwrap()).unwrap();
        let optimiser = Optimiser { lr: 0.5, name: "set".into(), ..Optimiser::default() };
        assert_eq!(demo, Demo { epochs: 3, optimiser, ..Demo::default() });
    }

    #[test]
    fn keys_of_earlier_releases_are_read_by_their_new_names() {
        let layers = ConfigLayers { config: None, sets: vec!["optimiser.clip=0.5".into()] };
        let flags = "[optimiser]\nmax_grad_norm = 2.0".parse().unwrap();
        assert_eq!(resolve::<Demo>(&layers, Table::new()).unwrap().optimiser.max_grad_norm, 0.5);
        assert_eq!(resolve::<Demo>(&layers, flags).unwrap().optimiser.max_grad_norm, 2.0);
    }

    #[test]
    fn a_former_name_is_left_alone_where_it_is_current() {
        let layers = ConfigLayers { config: None, sets: vec!["learning.clip=0.5".into()] };
        assert_eq!(resolve::<Demo>(&layers, Table::new()).unwrap().learning.clip, 0.5);
    }

    #[test]
    fn unknown_keys_and_wrong_types_are_refused_with_their_place() {
        for (set, part) in [("optimiser.lx=1", "lx"), ("epochs=many", "epochs=many"), ("epochs", "no `=`")] {
            let layers = ConfigLayers { config: None, sets: vec![set.into()] };
            let error = resolve::<Demo>(&layers, Table::new()).unwrap_err();
            assert!(error.to_string().contains(part), "{error}");
            assert_eq!(error.exit_code(), 2);
        }
    }
}
