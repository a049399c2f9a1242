//! Names and ids of special tokens in the files beside tokenizer.json.

use super::*;

const TEXTS: [&str; 3] = ["C# story #2, \"quoted\" !", "the other # and # the", "Amélie\n1. the \n"];

fn read(files: &[(&str, &str)]) -> Tokenizer {
    Tokenizer::from_path(folder(files).path()).unwrap()
}

fn refused(files: &[(&str, &str)]) -> String {
    let error = Tokenizer::from_path(folder(files).path()).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    error.to_string()
}

#[test]
fn ids_and_names_of_ordinary_tokens_change_no_text() {
    let plain = read(&[]);
    let sign = plain.token_id("#").unwrap();
    let word = plain.encode_plain(" the").unwrap();
    assert_eq!(word.len(), 1);
    let ids = format!(r#"{{"bos_token_id": {0}, "eos_token_id": [{sign}, {0}], "pad_token_id": {sign}}}"#, word[0]);
    for (name, text) in [
        ("config.json", ids.as_str()),
        ("generation_config.json", ids.as_str()),
        ("tokenizer_config.json", r##"{"eos_token": "#", "pad_token": "!", "additional_special_tokens": ["the"]}"##),
        ("special_tokens_map.json", r##"{"eos_token": {"content": "#", "lstrip": true}}"##),
    ] {
        let stale = read(&[(name, text)]);
        assert_eq!(stale.eos(), Some(sign), "{name}");
        for text in TEXTS {
            let ids = plain.encode_plain(text).unwrap();
            assert_eq!(stale.encode_plain(text).unwrap(), ids, "{name} {text}");
            assert_eq!(stale.encode(text, true).unwrap(), ids, "{name} {text}");
            assert_eq!(stale.decode(&ids, true).unwrap(), text, "{name}: a stop token within a text is text");
        }
    }
}

#[test]
fn the_stop_at_the_end_of_an_answer_is_no_text() {
    let sign = read(&[]).token_id("#").unwrap();
    let tokenizer = read(&[("config.json", &format!(r#"{{"eos_token_id": {sign}}}"#))]);
    let ids = tokenizer.encode_plain("C# story #").unwrap();
    assert_eq!(ids.last(), Some(&sign));
    assert_eq!(tokenizer.decode(tokenizer.without_stop(&ids), true).unwrap(), "C# story ");
    assert_eq!(tokenizer.without_stop(&ids[..1]), &ids[..1]);
    assert_eq!(tokenizer.without_stop(&[]), &[0; 0]);
}

/// tokenizer.json without its turn tokens, which other files declare.
fn without_turns(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = folder(files);
    let path = folder.path().join("tokenizer.json");
    let mut json: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    json["added_tokens"].as_array_mut().unwrap().truncate(1);
    let vocabulary = json["model"]["vocab"].as_object_mut().unwrap();
    for (turn, other) in [("<|im_start|>", "[U1]"), ("<|im_end|>", "[U2]")] {
        let id = vocabulary.remove(turn).unwrap();
        vocabulary.insert(other.into(), id);
    }
    std::fs::write(path, json.to_string()).unwrap();
    folder
}

#[test]
fn tokens_that_are_declared_elsewhere_are_known() {
    let decoder = r#"{"added_tokens_decoder": {"481": {"content": "<|im_end|>", "special": true},
        "480": {"content": "<|im_start|>", "special": false, "normalized": false}}, "eos_token": "<|im_end|>"}"#;
    let legacy = r#"{"<|im_start|>": 480, "<|im_end|>": 481}"#;
    let map = r#"{"eos_token": "<|im_end|>", "additional_special_tokens": ["<|im_start|>"]}"#;
    for files in [
        vec![("tokenizer_config.json", decoder)],
        vec![("added_tokens.json", legacy), ("special_tokens_map.json", map)],
    ] {
        let tokenizer = Tokenizer::from_path(without_turns(&files).path()).unwrap();
        let ids = tokenizer.encode("<|im_start|>the<|im_end|>", false).unwrap();
        assert_eq!((ids[0], ids[ids.len() - 1], tokenizer.eos()), (480, 481, Some(481)));
        assert!(tokenizer.encode_plain("<|im_start|><|im_end|>").unwrap().iter().all(|id| *id < 480));
        assert_eq!((tokenizer.eos_token(), tokenizer.vocabulary_size()), ("<|im_end|>", 482));
    }
    // A gap, and an id that is taken.
    for (name, text) in [
        ("added_tokens.json", r#"{"<|im_end|>": 700}"#),
        ("added_tokens.json", r#"{"<|im_end|>": 0}"#),
        ("added_tokens.json", r#"{"<|im_end|>": "481"}"#),
        ("tokenizer_config.json", r#"{"added_tokens_decoder": {"x": {"content": "<|im_end|>"}}}"#),
        ("tokenizer_config.json", r#"{"added_tokens_decoder": {"480": {}}}"#),
    ] {
        let error = Tokenizer::from_path(without_turns(&[(name, text)]).path()).unwrap_err();
        assert!(error.exit_code() == 2, "{error}");
    }
}

#[test]
fn names_in_special_tokens_map_count_where_the_settings_have_none() {
    let map = r#"{"eos_token": "<|endoftext|>", "bos_token": {"content": "<|im_start|>"}}"#;
    let alone = read(&[("special_tokens_map.json", map)]);
    assert_eq!((alone.eos(), alone.eos_token(), alone.bos_token()), (Some(0), "<|endoftext|>", "<|im_start|>"));
    let both = read(&[("special_tokens_map.json", map), ("tokenizer_config.json", r#"{"eos_token": "<|im_end|>"}"#)]);
    assert_eq!((both.eos(), both.eos_token(), both.bos_token()), (Some(2), "<|im_end|>", "<|im_start|>"));
    let ids = read(&[("config.json", r#"{"eos_token_id": 2, "bos_token_id": 1}"#)]);
    assert_eq!((ids.eos(), ids.eos_token(), ids.bos_token()), (Some(2), "", ""), "ids name nothing for templates");
}

#[test]
fn a_named_token_that_is_none_is_an_error_where_it_is_used() {
    for (name, text) in [
        ("tokenizer_config.json", r#"{"eos_token": "<|fin|>"}"#),
        ("special_tokens_map.json", r#"{"eos_token": {"content": "<|fin|>"}}"#),
    ] {
        let error = refused(&[(name, text)]);
        assert!(error.contains(name) && error.contains("eos_token") && error.contains("<|fin|>"), "{error}");
    }
    for used in [r#""add_bos_token": true"#, r#""chat_template": "{{ bos_token }}x""#] {
        let error = refused(&[("tokenizer_config.json", &format!(r#"{{"bos_token": "<s>", {used}}}"#))]);
        assert!(error.contains("bos_token") && error.contains("<s>"), "{error}");
    }
    let unused = read(&[("tokenizer_config.json", r#"{"bos_token": "<s>", "pad_token": "[PAD]", "unk_token": "?!"}"#)]);
    assert_eq!((unused.bos(), unused.pad()), (None, None));
}

#[test]
fn an_id_for_padding_may_lie_anywhere() {
    assert_eq!(read(&[("config.json", r#"{"pad_token_id": 32000}"#)]).pad(), None);
    assert_eq!(read(&[("config.json", r#"{"pad_token_id": -1, "bos_token_id": 32000}"#)]).pad(), None);
    let added = read(&[("added_tokens.json", r#"{"[PAD]": 480}"#)]);
    assert_eq!((added.vocabulary_size(), added.rows()), (481, 480), "nothing writes it");
    let written = read(&[("added_tokens.json", r#"{"[PAD]": 480}"#), ("chat_template.jinja", "[PAD]")]);
    assert_eq!(written.rows(), 481);
    let file = tiny("gpt2", "smollm", &[]).number("tokenizer.ggml.padding_token_id", u32::MAX);
    let gguf = Gguf::from_bytes(Path::new("tiny.gguf"), file.build()).unwrap();
    assert_eq!(Tokenizer::from_gguf(&gguf).unwrap().pad(), None);
}
