//! Steps of a tokenizer with settings under which the `tokenizers` crate panics.

use serde_json::Value;

/// Checks the steps of one part of tokenizer.json, whatever their order. The error is what was found.
pub(super) fn check(part: &Value) -> Result<(), String> {
    let known = ["normalizers", "pretokenizers", "decoders", "processors"];
    for step in known.iter().filter_map(|key| part[*key].as_array()).flatten() {
        check(step)?;
    }
    // Steps are told apart by their settings: the crate itself does not insist on a type.
    if part.get("precompiled_charsmap").is_some() {
        return Err("a compiled table of characters, which no Llama has".into());
    }
    if part["length"] == 0 {
        return Err("words of no characters".into());
    }
    // It looks before the start of a piece that is shorter, and cuts a piece at both ends that is one space.
    if part["stop"].as_u64().is_some_and(|stop| stop > 0) {
        return Err("a decoder that strips the ends of pieces".into());
    }
    part["single"].as_array().map_or(Ok(()), |template| check_template(template, &part["special_tokens"]))
}

/// Checks that a template for one text holds no second one, and that its special tokens are described.
fn check_template(template: &[Value], special_tokens: &Value) -> Result<(), String> {
    for piece in template {
        if piece["Sequence"]["id"] == "B" {
            return Err("a second text in the template for a single one".into());
        }
        if let Some(id) = piece["SpecialToken"]["id"].as_str().filter(|id| special_tokens.get(id).is_none()) {
            return Err(format!("the special token {id:?} without its ids"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_that_lead_to_a_panic_are_refused() {
        let special = json!({ "SpecialToken": { "id": "<s>", "type_id": 0 } });
        let template = |single: Value, special_tokens: Value| json!({ "type": "TemplateProcessing", "single": single, "pair": [], "special_tokens": special_tokens });
        let described = json!({ "<s>": { "id": "<s>", "ids": [1], "tokens": ["<s>"] } });
        for (step, what) in [
            (json!({ "type": "FixedLength", "length": 0 }), "words"),
            (json!({ "type": "Precompiled", "precompiled_charsmap": "" }), "compiled"),
            (json!({ "type": "Strip", "content": " ", "start": 0, "stop": 1 }), "strips"),
            (template(json!([special]), json!({})), "<s>"),
            (template(json!([{ "Sequence": { "id": "B", "type_id": 0 } }]), json!({})), "second"),
        ] {
            for part in [step.clone(), json!({ "type": "Sequence", "decoders": [{ "type": "Fuse" }, step] })] {
                assert!(check(&part).is_err_and(|found| found.contains(what)), "{part}");
            }
        }
        for step in [
            json!({ "type": "Strip", "content": " ", "start": 1, "stop": 0 }),
            json!({ "type": "FixedLength", "length": 3 }),
            template(json!([special, { "Sequence": { "id": "A", "type_id": 0 } }]), described),
            Value::Null,
        ] {
            assert_eq!(check(&step), Ok(()));
        }
    }
}
