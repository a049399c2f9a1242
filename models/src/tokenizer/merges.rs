//! The vocabulary and the merges of a byte-pair encoding in tokenizer.json.
//!
//! The `tokenizers` crate takes for granted that a file agrees with itself: it cuts prefixes off pieces that may not have them, and keeps one of
//! two pieces with the same id. Both are checked here first.

use std::collections::HashMap;

use ::tokenizers::models::bpe::BPE;
use serde_json::{Map, Value};

/// Reads `model` of tokenizer.json. The error is what was found.
pub(super) fn read(model: Value) -> Result<BPE, String> {
    let Value::Object(mut model) = model else { return Err("no object".into()) };
    match model.remove("type") {
        None if model.contains_key("merges") => {}
        Some(Value::String(kind)) if kind == "BPE" => {}
        Some(Value::String(kind)) => return Err(format!("a tokenizer of the kind {kind:?}")),
        _ => return Err("a tokenizer of an unknown kind".into()),
    }
    check_ids(&model)?;
    check_affixes(&model)?;
    // Merges left out at random are for training a tokenizer's model.
    model.remove("dropout");
    serde_json::from_value(Value::Object(model)).map_err(|error| error.to_string())
}

/// Checks that no two pieces have the same id.
fn check_ids(model: &Map<String, Value>) -> Result<(), String> {
    let Some(Value::Object(vocabulary)) = model.get("vocab") else { return Err("no vocabulary".into()) };
    let mut pieces = HashMap::with_capacity(vocabulary.len());
    for (piece, id) in vocabulary {
        let id = id.as_u64().filter(|id| *id < u32::MAX.into()).ok_or_else(|| format!("{piece:?} with the id {id}"))?;
        if let Some(other) = pieces.insert(id, piece) {
            return Err(format!("{other:?} and {piece:?} with the same id, {id}"));
        }
    }
    Ok(())
}

/// Checks that pieces within a word begin with the prefix for them, where there is one, and that nothing else counts on bytes as they stand.
fn check_affixes(model: &Map<String, Value>) -> Result<(), String> {
    let affix = |key: &str| model.get(key).and_then(Value::as_str).filter(|affix| !affix.is_empty());
    let (prefix, suffix) = (affix("continuing_subword_prefix"), affix("end_of_word_suffix"));
    if (prefix.is_some() || suffix.is_some()) && model.get("byte_fallback") == Some(&Value::Bool(true)) {
        return Err("affixes of pieces beside tokens for single bytes".into());
    }
    let (Some(prefix), Some(Value::Array(merges))) = (prefix, model.get("merges")) else { return Ok(()) };
    for merge in merges {
        let second = match merge {
            Value::String(pair) => pair.split_once(' ').map(|(_, second)| second),
            pair => pair[1].as_str(),
        };
        if second.is_some_and(|second| !second.starts_with(prefix)) {
            return Err(format!("the merge {merge}, whose second piece lacks the prefix {prefix:?}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(changes: Value) -> String {
        let mut model = json!({ "type": "BPE", "vocab": { "a": 0, "#b": 1, "ab": 2 }, "merges": [["a", "#b"]],
            "continuing_subword_prefix": "#" });
        let Value::Object(changes) = changes else { unreachable!() };
        changes.into_iter().for_each(|(key, value)| model[key] = value);
        read(model).map_or_else(|found| found, |_| String::new())
    }

    #[test]
    fn a_model_that_contradicts_itself_is_refused() {
        assert_eq!(found(json!({})), "");
        assert_eq!(found(json!({ "merges": ["a #b"], "type": "BPE" })), "");
        for (changes, what) in [
            (json!({ "continuing_subword_prefix": "##long" }), "prefix"),
            (json!({ "continuing_subword_prefix": "é" }), "prefix"),
            (json!({ "byte_fallback": true }), "bytes"),
            (json!({ "vocab": { "a": 0, "#b": 0, "ab": 2 } }), "same id"),
            (json!({ "vocab": { "a": -1 } }), "id -1"),
            (json!({ "vocab": { "a": 4294967295_u64 } }), "id 4294967295"),
            (json!({ "vocab": [] }), "vocabulary"),
            (json!({ "merges": [["a", "#c"]] }), "#c"),
            (json!({ "type": "WordPiece" }), "WordPiece"),
            (json!({ "type": null }), "unknown"),
        ] {
            let found = found(changes.clone());
            assert!(found.contains(what), "{changes}: {found}");
        }
        assert!(read(json!([])).is_err());
    }
}
