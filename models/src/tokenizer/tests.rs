mod control;
mod damaged;
mod named;

use std::path::PathBuf;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::files::testing::{GgufBytes, file_with, with_mutations};

const FORMS: [&str; 2] = ["byte_level", "sentence_piece"];

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tokenizer").join(name)
}

/// Both small tokenizers, from tokenizer.json and from GGUF.
fn all() -> Vec<Tokenizer> {
    let names = FORMS.iter().flat_map(|form| [format!("{form}.json"), format!("{form}.gguf")]);
    names.map(|name| Tokenizer::from_path(&golden(&name)).unwrap()).collect()
}

/// A folder with the small byte-level tokenizer.json and the given other files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(golden("byte_level.json"), folder.path().join("tokenizer.json")).unwrap();
    files.iter().for_each(|(name, text)| std::fs::write(folder.path().join(name), text).unwrap());
    folder
}

#[test]
fn both_forms_give_the_ids_and_texts_of_the_reference_library() {
    #[derive(Deserialize)]
    struct Row {
        text: String,
        ids: Vec<u32>,
        decoded: String,
    }
    let bytes = std::fs::read(golden("expected.json")).unwrap();
    let expected: std::collections::HashMap<String, Vec<Row>> = serde_json::from_slice(&bytes).unwrap();
    for form in FORMS {
        for source in ["json", "gguf"] {
            let tokenizer = Tokenizer::from_path(&golden(&format!("{form}.{source}"))).unwrap();
            for Row { text, ids, decoded } in &expected[form] {
                assert_eq!(&tokenizer.encode(text, false).unwrap(), ids, "{form}.{source} {text:?}");
                assert_eq!(&tokenizer.decode(ids, true).unwrap(), decoded, "{form}.{source} {text:?}");
            }
        }
    }
}

#[test]
fn special_tokens_come_from_a_gguf() {
    let byte_level = Tokenizer::from_path(&golden("byte_level.gguf")).unwrap();
    assert_eq!((byte_level.bos(), byte_level.eos(), byte_level.pad()), (Some(1), Some(2), None));
    assert_eq!(byte_level.eos_ids(), [2, 0], "the declared one, then <|endoftext|>");
    assert_eq!((byte_level.token_id("<|im_end|>"), byte_level.token(2)), (Some(2), Some("<|im_end|>".into())));
    assert_eq!(byte_level.vocabulary_size(), 480);
    let sentence_piece = Tokenizer::from_path(&golden("sentence_piece.gguf")).unwrap();
    assert_eq!((sentence_piece.bos(), sentence_piece.eos_ids()), (Some(1), &[2][..]));
}

#[test]
fn special_tokens_come_from_the_files_beside_tokenizer_json() {
    let settings =
        r#"{"bos_token": {"content": "<|im_start|>"}, "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}"#;
    let folder = folder(&[
        ("tokenizer_config.json", settings),
        ("generation_config.json", r#"{"eos_token_id": [5, 2], "bos_token_id": 7}"#),
        ("config.json", r#"{"eos_token_id": 6}"#),
    ]);
    let tokenizer = Tokenizer::from_path(folder.path()).unwrap();
    assert_eq!((tokenizer.bos(), tokenizer.pad()), (Some(1), Some(0)));
    assert_eq!(tokenizer.eos_ids(), [2, 5, 0], "config.json's are those of generation_config.json where it has none");
    assert_eq!(tokenizer.encode("a", true).unwrap(), tokenizer.encode("a", false).unwrap(), "it adds no BOS");
}

#[test]
fn bos_comes_once_where_the_tokenizer_adds_it() {
    for name in ["sentence_piece.json", "sentence_piece.gguf"] {
        let tokenizer = Tokenizer::from_path(&golden(name)).unwrap();
        let plain = tokenizer.encode("the", false).unwrap();
        let with_bos = [&[1], &plain[..]].concat();
        assert_eq!(tokenizer.encode("the", true).unwrap(), with_bos);
        assert_eq!(tokenizer.encode("<s>the", true).unwrap(), with_bos, "a template has written it already");
        assert_eq!(tokenizer.encode("", true).unwrap(), [1]);
    }
    let forced = folder(&[("tokenizer_config.json", r#"{"bos_token": "<|im_start|>", "add_bos_token": true}"#)]);
    assert_eq!(Tokenizer::from_path(forced.path()).unwrap().encode("", true).unwrap(), [1]);
}

#[test]
fn settings_for_truncation_and_padding_are_ignored() {
    let mut json: serde_json::Value =
        serde_json::from_slice(&std::fs::read(golden("byte_level.json")).unwrap()).unwrap();
    json["truncation"] =
        serde_json::json!({"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0});
    json["padding"] = serde_json::json!({"strategy": {"Fixed": 64}, "direction": "Right", "pad_to_multiple_of": null,
        "pad_id": 0, "pad_type_id": 0, "pad_token": "<|endoftext|>"});
    let (_folder, path) = file_with(json.to_string().as_bytes());
    let tokenizer = Tokenizer::from_path(&path).unwrap();
    assert_eq!(tokenizer.encode("1994", false).unwrap().len(), 4);
}

#[test]
fn titles_cannot_smuggle_control_tokens() {
    for tokenizer in all() {
        let specials: Vec<u32> = [0, 1, 2].into();
        for title in [
            "<|im_end|>",
            "</s>",
            "x</s><s>y",
            "<|im_end|><|im_end|>",
            "<<s>",
            "<|im_end<|im_end|>|>",
            "<|im\u{fdd0}_end|>",
        ] {
            let ids = tokenizer.encode_plain(title).unwrap();
            assert!(ids.iter().all(|id| !specials.contains(id)), "{title}: {ids:?}");
            assert_eq!(tokenizer.decode(&ids, true).unwrap(), title.replace('\u{fdd0}', ""));
        }
        let prompt = format!("{}{}", tokenizer.guard("a</s><|im_end|>"), tokenizer.token(2).unwrap());
        let ids = tokenizer.encode(&prompt, false).unwrap();
        assert_eq!(ids.iter().filter(|id| specials.contains(id)).collect::<Vec<_>>(), [&2], "only the template's own");
        assert_eq!(ids.last(), Some(&2));
    }
}

#[test]
fn a_stop_token_is_a_control_token_even_if_its_file_forgot_to_say_so() {
    let text = std::fs::read_to_string(golden("byte_level.json")).unwrap();
    let forgotten = text
        .replace("\"special\": true", "\"special\": false")
        .replace("\"normalized\": false", "\"normalized\": true");
    assert_ne!(text, forgotten);
    let folder = folder(&[("tokenizer_config.json", r#"{"eos_token": "<|im_end|>"}"#)]);
    std::fs::write(folder.path().join("tokenizer.json"), forgotten).unwrap();
    let tokenizer = Tokenizer::from_path(folder.path()).unwrap();
    assert_eq!(tokenizer.encode("<|im_end|>", false).unwrap(), [2]);
    assert!(!tokenizer.encode_plain("<|im_end|>").unwrap().contains(&2));
    assert_eq!(tokenizer.decode(&[2], true).unwrap(), "");
}

#[test]
fn a_stream_gives_whole_characters_only() {
    for tokenizer in all() {
        let ids = tokenizer.encode_plain("🦀東京 film").unwrap();
        let mut stream = tokenizer.stream();
        let pieces: Vec<String> = ids.iter().map(|&id| stream.push(id).unwrap()).collect();
        assert!(pieces.iter().all(|piece| !piece.contains('\u{fffd}')), "{pieces:?}");
        assert!(pieces[..2].concat().trim().is_empty(), "two tokens are no whole crab");
        assert_eq!(pieces.concat() + &stream.finish().unwrap(), "🦀東京 film");
    }
}

#[test]
fn a_character_that_never_ends_is_shown_as_such() {
    for tokenizer in all() {
        let ids = tokenizer.encode_plain("🦀").unwrap();
        let (_, beginning) = ids.split_last().unwrap();
        let mut stream = tokenizer.stream();
        assert!(beginning.iter().all(|&id| stream.push(id).unwrap().trim().is_empty()), "it waits for the rest");
        assert!(stream.finish().unwrap().contains('\u{fffd}'), "which doesn't come");
        let mut stream = tokenizer.stream();
        let endless = std::iter::repeat_n(beginning.last().unwrap(), 100);
        assert!(
            endless.map(|&id| stream.push(id).unwrap()).any(|text| text.contains('\u{fffd}')),
            "it doesn't wait for ever"
        );
    }
}

#[test]
fn titles_are_cut_to_whole_characters() {
    for tokenizer in all() {
        assert_eq!(tokenizer.round_trip("  The Third Man ", 64).unwrap(), "The Third Man");
        assert_eq!(tokenizer.round_trip("", 64).unwrap(), "");
        assert_eq!(tokenizer.round_trip("🦀", 2).unwrap(), "");
        for max in 0..12 {
            let cut = tokenizer.round_trip("東京物語", max).unwrap();
            assert!("東京物語".starts_with(&cut), "{cut}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn text_comes_back_whole_and_in_pieces(text in "[^\u{fdd0}\u{2581}]{0,24}") {
        for tokenizer in all_once() {
            let ids = tokenizer.encode_plain(&text).unwrap();
            prop_assert_eq!(&tokenizer.decode(&ids, true).unwrap(), &text);
            let mut stream = tokenizer.stream();
            let streamed: String = ids.iter().map(|&id| stream.push(id).unwrap()).collect();
            prop_assert_eq!(streamed + &stream.finish().unwrap(), text.as_str());
            let once = tokenizer.round_trip(&text, 8).unwrap();
            prop_assert_eq!(&tokenizer.round_trip(&once, 64).unwrap(), &once);
        }
    }

    #[test]
    fn any_ids_decode_and_stream_without_a_panic(ids in prop::collection::vec(0_u32..600, 0..40)) {
        for tokenizer in all_once() {
            let mut stream = tokenizer.stream();
            for &id in &ids {
                stream.push(id).unwrap();
            }
            stream.finish().unwrap();
        }
    }

    #[test]
    fn no_text_has_control_tokens(
        parts in prop::collection::vec(prop::sample::select(vec!["<", "<|", "im_end", "|>", "s>", "</", "</s>", "<|im_end|>", " "]), 0..12)
    ) {
        let text = parts.concat();
        for tokenizer in all_once() {
            prop_assert!(tokenizer.encode_plain(&text).unwrap().iter().all(|&id| id > 2));
        }
    }
}

fn all_once() -> &'static [Tokenizer] {
    static ALL: std::sync::LazyLock<Vec<Tokenizer>> = std::sync::LazyLock::new(all);
    &ALL
}

#[test]
fn files_that_are_no_tokenizer_are_refused() {
    let word_level = r#"{"version": "1.0", "model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}}"#;
    let misplaced = std::fs::read_to_string(golden("byte_level.json")).unwrap().replacen("\"id\": 2", "\"id\": 900", 1);
    for (json, part) in [
        ("", "line 1 column 0"),
        ("this is no JSON", "a tokenizer in Hugging Face's JSON"),
        ("{}", "a tokenizer in Hugging Face's JSON"),
        ("[1, 2]", "a tokenizer in Hugging Face's JSON"),
        (word_level, "byte-pair encoding"),
        (&misplaced, "\"<|im_end|>\" at 900"),
    ] {
        let folder = folder(&[("tokenizer.json", json)]);
        let error = Tokenizer::from_path(folder.path()).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains(part), "{error}");
    }
    for (name, text, part) in [
        ("tokenizer_config.json", "no JSON", "tokenizer_config.json"),
        ("generation_config.json", r#"{"eos_token_id": 100000}"#, "the id 100000"),
    ] {
        let error = Tokenizer::from_path(folder(&[(name, text)]).path()).unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().contains(part), "{error}");
    }
    let empty = tempfile::tempdir().unwrap();
    assert!(Tokenizer::from_path(empty.path()).unwrap_err().to_string().contains("tokenizer.json"));
}

/// A byte-level vocabulary of four tokens in a GGUF.
fn tiny(kind: &str, pre: &str, merges: &[&str]) -> GgufBytes {
    GgufBytes::default()
        .text("tokenizer.ggml.model", kind)
        .text("tokenizer.ggml.pre", pre)
        .texts("tokenizer.ggml.tokens", &["a", "b", "ab", "<s>"])
        .integers("tokenizer.ggml.token_type", &[1, 1, 1, 3])
        .texts("tokenizer.ggml.merges", merges)
}

#[test]
fn every_named_splitting_rule_works() {
    for pre in splits::NAMES.split(", ") {
        let gguf = Gguf::from_bytes(Path::new("tiny.gguf"), tiny("gpt2", pre, &["a b"]).build());
        let tokenizer = Tokenizer::from_gguf(&gguf.unwrap()).unwrap();
        assert_eq!(tokenizer.encode("abba<s>", false).unwrap(), [2, 1, 0, 3], "{pre}");
    }
}

#[test]
fn a_gguf_with_a_wrong_vocabulary_is_refused_by_key() {
    let scores = |n: usize| tiny("llama", "", &[]).floats("tokenizer.ggml.scores", &vec![0.0; n]);
    let texts = |texts: &[&str]| {
        GgufBytes::default().text("tokenizer.ggml.model", "gpt2").texts("tokenizer.ggml.tokens", texts)
    };
    for (file, part) in [
        (tiny("bert", "", &[]), "tokenizer.ggml.model: expected gpt2 or llama"),
        (tiny("gpt2", "poro-chat", &[]), "tokenizer.ggml.pre: expected one of default, gpt-2"),
        (tiny("gpt2", "smollm", &["ab"]), "tokenizer.ggml.merges: expected two tokens"),
        (tiny("gpt2", "smollm", &["a c"]), "tokenizer.ggml.merges: expected merges of known tokens"),
        (tiny("llama", "", &[]), "tokenizer.ggml.scores: expected an array"),
        (scores(3), "tokenizer.ggml.scores: expected 4 scores"),
        (texts(&["a", "a"]), "\"a\" at 0 and 1"),
        (texts(&["a"]).integers("tokenizer.ggml.token_type", &[1, 1]), "tokenizer.ggml.token_type: expected 1 types"),
        (texts(&["a"]), "tokenizer.ggml.merges: expected an array of strings, found no such key"),
        (GgufBytes::default(), "tokenizer.ggml.tokens"),
        (tiny("gpt2", "smollm", &[]).number("tokenizer.ggml.eos_token_id", 4), "the id 4, which it doesn't have"),
        (tiny("gpt2", "smollm", &[]).text("tokenizer.ggml.add_bos_token", "yes"), "add_bos_token: expected a flag"),
    ] {
        let gguf = Gguf::from_bytes(Path::new("tiny.gguf"), file.build());
        let error = Tokenizer::from_gguf(&gguf.unwrap()).unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().contains(part), "{error}");
    }
}

#[test]
fn damaged_vocabularies_never_panic() {
    let scores = [-1.0, -2.0, -0.5, 0.0];
    for file in [
        tiny("gpt2", "smollm", &["a b"]).number("tokenizer.ggml.eos_token_id", 3),
        tiny("llama", "", &[]).floats("tokenizer.ggml.scores", &scores),
    ] {
        with_mutations(&file.build(), 1500, |bytes| {
            let gguf = Gguf::from_bytes(Path::new("damaged.gguf"), bytes.to_vec());
            let _ = gguf.and_then(|gguf| Tokenizer::from_gguf(&gguf)?.encode("abba<s>", true));
        });
    }
    let json = r#"{"version":"1.0","added_tokens":[{"id":2,"content":"<s>","single_word":false,"lstrip":false,
        "rstrip":false,"normalized":false,"special":true}],"pre_tokenizer":{"type":"Digits","individual_digits":true},
        "model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":[]}}"#;
    let (_folder, path) = file_with(json.as_bytes());
    with_mutations(json.as_bytes(), 300, |bytes| {
        std::fs::write(&path, bytes).unwrap();
        let _ = Tokenizer::from_path(&path).and_then(|tokenizer| tokenizer.encode("abba<s>", true));
    });
}
