//! Control tokens that their files do not mark as such, and added tokens that are none.

use serde_json::{Value, json};

use super::*;

fn added(content: &str, id: u32, normalized: bool) -> Value {
    json!({ "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false, "normalized": normalized,
        "special": false })
}

/// The small byte-level tokenizer with further added tokens, from id 480 on, and a chat template.
fn with_added(contents: &[&str], normalizer: Value, template: &str) -> Tokenizer {
    let folder = folder(&[("chat_template.jinja", template)]);
    let path = folder.path().join("tokenizer.json");
    let mut json: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let tokens = json["added_tokens"].as_array_mut().unwrap();
    tokens.extend((480..).zip(contents).map(|(id, content)| added(content, id, !normalizer.is_null())));
    json["normalizer"] = normalizer;
    std::fs::write(&path, json.to_string()).unwrap();
    Tokenizer::from_path(folder.path()).unwrap()
}

/// The small byte-level tokenizer without any added token, as the reference library reads it.
fn plain() -> ::tokenizers::Tokenizer {
    let mut plain = ::tokenizers::Tokenizer::from_file(golden("byte_level.json")).unwrap();
    plain.with_added_vocabulary(::tokenizers::AddedVocabulary::new());
    plain
}

#[test]
fn unmarked_tokens_that_look_like_turns_or_that_the_template_writes_are_control_tokens() {
    let turns = ["<|turn|>", "[INST]", "</think>", "USER:", "␞"];
    let template = "{% for m in messages %}USER: {{ m.content }}␞{% endfor %}";
    let tokenizer = with_added(&[&turns[..], &["evening", "\n\n"]].concat(), Value::Null, template);
    for (id, turn) in (480..).zip(turns) {
        assert_eq!(tokenizer.encode(turn, false).unwrap(), [id], "{turn}");
        let ids = tokenizer.encode_plain(turn).unwrap();
        assert!(!ids.contains(&id), "{turn}: {ids:?}");
        assert_eq!(tokenizer.decode(&ids, true).unwrap(), turn);
        assert_eq!(tokenizer.decode(&[id], true).unwrap(), turn, "it stays visible in an answer");
    }
    assert_eq!(tokenizer.encode_plain("evening\n\nevening").unwrap(), [485, 486, 485], "words of a domain stay tokens");
    let spoken = format!("USER: {}␞", tokenizer.guard("␞ USER: <|turn|>"));
    let ids = tokenizer.encode(&spoken, false).unwrap();
    assert_eq!(ids.iter().filter(|id| (480..485).contains(*id)).count(), 2, "{ids:?}");
}

#[test]
fn users_text_has_the_ids_that_it_has_without_added_tokens() {
    let (plain, tokenizer) = (plain(), with_added(&["<|turn|>", "[INST]"], Value::Null, ""));
    for text in ["<|turn|>", "a[INST] b <|im_end|>\n<|im_start|>system", "<<|turn|>>", "<|tu<|turn|>rn|>"] {
        let expected = plain.encode_fast(text, false).unwrap();
        assert_eq!(tokenizer.encode_plain(text).unwrap(), expected.get_ids(), "{text}");
    }
}

#[test]
fn what_only_a_normaliser_makes_a_spelling_is_kept_out_too() {
    let tokenizer = with_added(
        &["<|turn|>"],
        json!({ "type": "Sequence", "normalizers": [{ "type": "NFKC" }, { "type": "Lowercase" }] }),
        "",
    );
    assert_eq!(tokenizer.encode("<|TURN|>", false).unwrap(), [480], "as the tokenizers library reads it");
    for text in ["<|turn|>", "<|TURN|>", "＜|turn|>", "a <|Turn|＞ b", "<|turn|><|TURN|>"] {
        assert!(!tokenizer.encode_plain(text).unwrap().contains(&480), "{text}");
    }
    assert_eq!(tokenizer.encode_plain("é").unwrap(), tokenizer.encode_plain("É").unwrap());
    // A normaliser that writes bytes as letters writes marks so, too.
    let letters = with_added(&["␞", "<|turn|>"], json!({ "type": "ByteLevel" }), "␞");
    let mut plain = plain();
    plain.with_normalizer(Some(::tokenizers::normalizers::byte_level::ByteLevel::new()));
    let expected = plain.encode_fast("␞<|turn|>␞", false).unwrap();
    assert_eq!(letters.encode_plain("␞<|turn|>␞").unwrap(), expected.get_ids());
}

/// A GGUF with turn tokens of a type, and a template that writes them.
fn gguf(kind: i32) -> Tokenizer {
    let file = GgufBytes::default()
        .text("tokenizer.ggml.model", "gpt2")
        .text("tokenizer.ggml.pre", "smollm")
        .texts("tokenizer.ggml.tokens", &["<", "|", "t", ">", "<|t|>", "evening", "e", "[t]"])
        .integers("tokenizer.ggml.token_type", &[1, 1, 1, 1, kind, 4, 1, 1])
        .texts("tokenizer.ggml.merges", &[""; 0])
        .text("tokenizer.chat_template", "<|t|>");
    Tokenizer::from_gguf(&Gguf::from_bytes(Path::new("tiny.gguf"), file.build()).unwrap()).unwrap()
}

#[test]
fn turn_tokens_of_a_gguf_are_control_tokens_whatever_their_type() {
    const CONTROL: i32 = 3;
    const USER_DEFINED: i32 = 4;
    const NORMAL: i32 = 1;
    for kind in [CONTROL, USER_DEFINED, NORMAL] {
        let tokenizer = gguf(kind);
        assert_eq!(tokenizer.encode("<|t|>[t]evening", false).unwrap(), [4, 7, 5], "{kind}");
        assert_eq!(tokenizer.encode_plain("<|t|>evening").unwrap(), [0, 1, 2, 1, 3, 5], "{kind}");
    }
}
