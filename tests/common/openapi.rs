//! Values held to the schemas of openapi.json, as far as that file uses them.

use serde_json::Value;

/// The server's description of itself.
pub fn description() -> Value {
    serde_json::from_str(include_str!("../../src/serve/openapi.json")).unwrap()
}

/// Fails unless `value` is what the schema `name` says.
#[track_caller]
pub fn expect(name: &str, value: &Value) {
    let description = description();
    let schema = &description["components"]["schemas"][name];
    assert!(schema.is_object(), "no schema {name}");
    if let Err(fault) = check(schema, value, &description) {
        panic!("{name}: {fault}\n{value:#}");
    }
}

fn check(schema: &Value, value: &Value, description: &Value) -> Result<(), String> {
    if value.is_null() && schema["nullable"] == true {
        return Ok(());
    }
    if let Some(name) = schema["$ref"].as_str() {
        let schema = description.pointer(name.trim_start_matches('#')).ok_or_else(|| format!("no {name}"))?;
        return check(schema, value, description);
    }
    if let Some(all) = schema["allOf"].as_array() {
        return all.iter().try_for_each(|schema| check(schema, value, description));
    }
    if let Some(options) = schema["oneOf"].as_array() {
        let faults: Vec<String> = options.iter().filter_map(|option| check(option, value, description).err()).collect();
        return if faults.len() < options.len() { Ok(()) } else { Err(faults.join("; ")) };
    }
    if let Some(values) = schema["enum"].as_array()
        && !values.contains(value)
    {
        return Err(format!("{value} is none of {values:?}"));
    }
    match schema["type"].as_str() {
        None => Ok(()),
        Some("string") if value.is_string() => Ok(()),
        Some("boolean") if value.is_boolean() => Ok(()),
        Some("number") if value.is_number() => Ok(()),
        Some("integer") if value.is_u64() || value.is_i64() => Ok(()),
        Some("array") if value.is_array() => {
            value.as_array().unwrap().iter().try_for_each(|entry| check(&schema["items"], entry, description))
        }
        Some("object") if value.is_object() => object(schema, value, description),
        Some(kind) => Err(format!("{value} is no {kind}")),
    }
}

fn object(schema: &Value, value: &Value, description: &Value) -> Result<(), String> {
    let properties = schema["properties"].as_object();
    for (key, entry) in value.as_object().unwrap() {
        match properties.and_then(|properties| properties.get(key)) {
            Some(property) => check(property, entry, description).map_err(|fault| format!("{key}: {fault}"))?,
            None if schema["additionalProperties"] == false => return Err(format!("the key {key} is not described")),
            None => {}
        }
    }
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    match required.into_iter().find(|key| value.get(key).is_none()) {
        Some(missing) => Err(format!("the key {missing} is missing")),
        None => Ok(()),
    }
}
