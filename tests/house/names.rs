//! A public type's name means one thing in the whole workspace.

use std::collections::BTreeMap;

use super::expect_none;
use super::source::{is_identifier, product};

/// Names that every module may use for its own.
const COMMON: [&str; 5] = ["Args", "Config", "Error", "Params", "Result"];
const KINDS: [&str; 5] = ["struct", "enum", "trait", "type", "union"];

#[test]
fn a_public_type_has_a_name_of_its_own() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in product() {
        let mut offset = 0;
        for line in source.code.split_inclusive('\n') {
            if let Some(name) = public_type(line.trim_start()) {
                places.entry(name.to_owned()).or_default().push(source.place(offset));
            }
            offset += line.len();
        }
    }
    let twice = places.iter().filter(|(name, places)| places.len() > 1 && !COMMON.contains(&name.as_str()));
    let findings: Vec<String> = twice
        .flat_map(|(name, places)| {
            places.iter().map(move |place| format!("{place}: `{name}`, a name of {} types", places.len()))
        })
        .collect();
    expect_none("a public type's name is unique in the workspace", &findings);
}

/// The name of the type that a line declares for others.
fn public_type(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("pub")?;
    let rest = match rest.strip_prefix('(') {
        Some(scope) => scope.split_once(')')?.1,
        None => rest,
    };
    let rest = rest.trim_start().trim_start_matches("unsafe ");
    let (kind, rest) = rest.split_once(' ')?;
    let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
    (KINDS.contains(&kind) && is_identifier(name)).then_some(name)
}
