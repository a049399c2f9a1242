//! Tokenizer files that ask for more time or memory than a text is worth.

use serde_json::{Value, json};

use super::*;

/// The small byte-level tokenizer with another part.
fn with(key: &str, part: Value) -> Result<Tokenizer> {
    let folder = folder(&[]);
    let path = folder.path().join("tokenizer.json");
    let mut json: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    json[key] = part;
    std::fs::write(&path, json.to_string()).unwrap();
    Tokenizer::from_path(folder.path())
}

#[test]
fn parts_that_double_a_text_are_refused_by_name() {
    let replace = json!({ "type": "Replace", "pattern": { "String": "e" }, "content": "ee" });
    let letters = json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false });
    for (key, steps, step) in [
        ("normalizer", "normalizers", &replace),
        ("decoder", "decoders", &replace),
        ("pre_tokenizer", "pretokenizers", &letters),
    ] {
        let error = with(key, json!({ "type": "Sequence", steps: vec![step; 60] })).unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().contains(&format!("tokenizer.json: {key}")), "{error}");
    }
}

#[test]
fn a_splitting_rule_that_never_ends_is_an_error_and_no_other_reading() {
    let split = |regex: &str| {
        let split = json!({ "type": "Split", "pattern": { "Regex": regex }, "behavior": "Isolated", "invert": false });
        let letters =
            json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false });
        with("pre_tokenizer", json!({ "type": "Sequence", "pretokenizers": [split, letters] }))
    };
    let tokenizer = split(r"(?=a)(a|a)+(?!a)b").unwrap();
    let error = tokenizer.encode(&"a".repeat(60), false).unwrap_err();
    assert_eq!(error.exit_code(), 1, "{error}");
    assert_eq!(
        tokenizer.encode_plain("the").unwrap(),
        with("truncation", Value::Null).unwrap().encode_plain("the").unwrap()
    );
    assert!(split("(").is_err());
}

#[test]
fn settings_of_whoever_saved_the_file_change_no_text() {
    let plain = with("truncation", Value::Null).unwrap().encode_plain("the 1994 owls").unwrap();
    let padding = json!({ "strategy": { "Fixed": 1_u64 << 60 }, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0,
        "pad_type_id": 0, "pad_token": "<|endoftext|>" });
    assert_eq!(with("padding", padding).unwrap().encode_plain("the 1994 owls").unwrap(), plain);
    let mut model: Value = serde_json::from_slice(&std::fs::read(golden("byte_level.json")).unwrap()).unwrap();
    model["model"]["dropout"] = json!(0.9);
    assert_eq!(with("model", model["model"].take()).unwrap().encode_plain("the 1994 owls").unwrap(), plain);
}
