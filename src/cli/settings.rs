//! Tables of settings for the reference: key, default and description.
//!
//! A description is the doc comment of the field that holds the setting, read from the source file of its type.

use std::fmt::Write;

use serde::Serialize;
use toml::{Table, Value};

use crate::{Error, Result};

/// The source files of the settings' types.
const SOURCES: [&str; 15] = [
    include_str!("../data/synth/mod.rs"),
    include_str!("../distill/config.rs"),
    include_str!("../evaluate/config.rs"),
    include_str!("../experiment/settings.rs"),
    include_str!("../instruct/config.rs"),
    include_str!("../ppo/config.rs"),
    include_str!("../ppo/hyperparameters.rs"),
    include_str!("../ppo/sft_mixin.rs"),
    include_str!("../ppo/rollout.rs"),
    include_str!("../reward/rules.rs"),
    include_str!("../teacher/config.rs"),
    include_str!("../train/schedule.rs"),
    include_str!("../train/from_scratch.rs"),
    include_str!("../train/sft/config.rs"),
    include_str!("../train/validation.rs"),
];

/// The source files of settings that belong to the models.
const MODEL_SOURCES: [&str; 2] =
    [include_str!("../../models/src/optim/adamw.rs"), include_str!("../../models/src/sasrec/config.rs")];

/// A key of the configuration.
pub(super) struct Setting {
    /// The key, with dots between tables, as `--set` takes it.
    pub(super) key: String,
    /// The default as TOML; `None` if the key is unset by default.
    pub(super) default: Option<Value>,
    /// The description.
    pub(super) about: String,
}

/// A field of a settings type in its source.
struct Field<'a> {
    name: &'a str,
    /// The name of its type, without path, `Option` and generics.
    kind: &'a str,
    about: String,
}

/// All settings of `T`, depth first, in the order of the source.
///
/// # Errors
/// Defaults that TOML cannot represent.
pub(super) fn settings<T: Default + Serialize>() -> Result<Vec<Setting>> {
    let defaults = Table::try_from(T::default()).map_err(|e| Error::Failed(format!("defaults: {e}")))?;
    let kind = std::any::type_name::<T>();
    let mut found = Vec::new();
    collect(kind.rsplit("::").next().unwrap_or(kind), "", Some(&defaults), &mut found);
    Ok(found)
}

fn collect(kind: &str, prefix: &str, defaults: Option<&Table>, found: &mut Vec<Setting>) {
    for Field { name, kind, about } in fields(kind) {
        let key = format!("{prefix}{name}");
        let default = defaults.and_then(|table| table.get(name)).cloned();
        if fields(kind).is_empty() {
            found.push(Setting { key, default, about });
        } else {
            collect(kind, &format!("{key}."), default.as_ref().and_then(Value::as_table), found);
        }
    }
}

/// The public fields of a settings type with their doc comments; empty for any other type.
fn fields(kind: &str) -> Vec<Field<'static>> {
    let head = format!("pub struct {kind} {{\n");
    let body = SOURCES.into_iter().chain(MODEL_SOURCES).find_map(|source| source.split_once(&head));
    let body = body.and_then(|(_, rest)| rest.split_once("\n}")).map_or("", |(body, _)| body);
    let (mut fields, mut about) = (Vec::new(), Vec::new());
    for line in body.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            about.push(text.trim());
        } else if let Some((name, kind)) = line.strip_prefix("pub ").and_then(|field| field.split_once(": ")) {
            let kind = kind.trim_end_matches(',').trim_start_matches("Option<").trim_end_matches('>');
            let kind = kind.rsplit("::").next().unwrap_or(kind);
            fields.push(Field { name, kind, about: about.join(" ") });
            about.clear();
        }
    }
    fields
}

/// A Markdown table of settings.
pub(super) fn markdown(settings: &[Setting]) -> String {
    let mut page = String::from("| key | default | description |\n|---|---|---|\n");
    for Setting { key, default, about } in settings {
        let default = default.as_ref().map_or_else(|| "unset".to_owned(), |value| format!("`{value}`"));
        let about = about.replace('|', "\\|");
        writeln!(page, "| `{key}` | {default} | {about} |").expect("strings take everything");
    }
    page
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::distill::DistillConfig;
    use crate::experiment;
    use crate::ppo::PpoConfig;
    use crate::teacher::TeacherConfig;
    use crate::train::sft::SftConfig;

    /// The keys of a table, with dots between tables.
    fn keys(table: &Table, prefix: &str, found: &mut BTreeSet<String>) {
        for (key, value) in table {
            match value.as_table() {
                Some(table) => keys(table, &format!("{prefix}{key}."), found),
                None => drop(found.insert(format!("{prefix}{key}"))),
            }
        }
    }

    fn check<T: Default + Serialize>() {
        let mut serialized = BTreeSet::new();
        keys(&Table::try_from(T::default()).unwrap(), "", &mut serialized);
        let settings = settings::<T>().unwrap();
        let described = settings.iter().filter(|setting| setting.default.is_some());
        assert_eq!(described.map(|setting| setting.key.clone()).collect::<BTreeSet<_>>(), serialized);
        for Setting { key, about, .. } in &settings {
            assert!(about.ends_with('.') && !about.contains(['\u{a7}', '[']), "{key}: {about:?}");
        }
    }

    #[test]
    fn every_setting_has_a_plain_description() {
        check::<TeacherConfig>();
        check::<SftConfig>();
        check::<DistillConfig>();
        check::<PpoConfig>();
        check::<experiment::ExperimentSettings>();
    }
}
