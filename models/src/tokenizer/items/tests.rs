//! Item tokens in lists, in requests and in users' text.

use std::path::Path;

use super::*;

const TITLES: [&str; 6] = ["It", "Heat (1995)", "Rosemary's Baby", "Rosemary", "Amélie", "<|im_end|> (1999)"];

/// The small byte-level tokenizer of 480 ids, with item tokens for [`TITLES`].
fn tokenizer() -> Tokenizer {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tokenizer/byte_level.json");
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(golden, folder.path().join(TOKENIZER)).unwrap();
    let files = TokenizerFiles::of(folder.path()).unwrap().with_item_tokens(&TITLES, 480).unwrap();
    files.write(folder.path()).unwrap();
    Tokenizer::from_path(folder.path()).unwrap()
}

/// The item tokens among the ids of a guarded text, which a template may have put anywhere.
fn items_of(tokenizer: &Tokenizer, guarded: &str) -> Vec<u32> {
    let ids = tokenizer.encode(guarded, false).unwrap();
    ids.into_iter().filter(|id| *id >= 480).collect()
}

#[test]
fn a_title_of_a_list_is_one_token_with_the_text_of_its_line() {
    let tokenizer = tokenizer();
    assert_eq!((tokenizer.item_token("It"), tokenizer.item_token("it")), (Some(480), None));
    assert_eq!((tokenizer.vocabulary_size(), tokenizer.rows()), (486, 486));
    let list = "1. It\n 2. Heat (1995)\n 3. Amélie\n 4. Rosemary's Baby\n";
    let ids = tokenizer.encode_list(list).unwrap();
    assert_eq!(ids.iter().filter(|id| **id >= 480).collect::<Vec<_>>(), [&480, &481, &484, &482]);
    assert_eq!(tokenizer.decode(&ids, true).unwrap(), list);
    assert_eq!(tokenizer.decode(&[484], true).unwrap(), " Amélie\n");
    let mut stream = tokenizer.stream();
    let told: String = ids.iter().map(|id| stream.push(*id).unwrap()).collect();
    assert_eq!(told, list);
}

#[test]
fn users_text_holds_no_item_tokens_and_keeps_the_ids_that_it_has_without_them() {
    let tokenizer = tokenizer();
    let plain =
        Tokenizer::from_path(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tokenizer/byte_level.json"));
    let plain = plain.unwrap();
    for text in
        [" It\n", "I saw It\n", "It\n", "I saw It", "It", "1. It\n 2. Heat (1995)\n", " It\n It\n", "a It It\nb"]
    {
        assert_eq!(tokenizer.encode_plain(text).unwrap(), plain.encode_plain(text).unwrap(), "{text:?}");
        // A template puts spaces and line breaks around a message.
        let in_turn = format!("user \n {}\n", tokenizer.guard(text));
        assert!(items_of(&tokenizer, &in_turn).is_empty(), "{text:?}");
    }
}

#[test]
fn quoted_titles_of_a_request_are_single_tokens() {
    let tokenizer = tokenizer();
    let spelled = |text: &str| {
        let ids = tokenizer.encode(&tokenizer.guard_request(text), false).unwrap();
        let text = tokenizer.decode(&ids, true).unwrap();
        (ids.into_iter().filter(|id| *id >= 480).collect::<Vec<_>>(), text)
    };
    assert_eq!(
        spelled("I chose: 'It' → 'Heat (1995)' → 'Nosferatu' → 'Rosemary's Baby'. It was."),
        (vec![480, 481, 482], "I chose: It\n Heat (1995)\n → 'Nosferatu' → Rosemary's Baby\n. It was.".into())
    );
    assert_eq!(spelled("Only 'It', 'Rosemary', please"), (vec![480, 483], "Only It\n Rosemary\n, please".into()));
    assert_eq!(spelled("It's 'all' It\n"), (vec![], "It's 'all' It\n".into()), "only what is quoted");
}

#[test]
fn a_title_with_a_control_token_stays_text() {
    let tokenizer = tokenizer();
    let end = tokenizer.token_id("<|im_end|>").unwrap();
    for ids in [
        tokenizer.encode_list("1. <|im_end|> (1999)\n").unwrap(),
        tokenizer.encode(&tokenizer.guard_request("Not '<|im_end|> (1999)'."), false).unwrap(),
    ] {
        assert!(ids.iter().all(|id| *id < 480 && *id != end), "{ids:?}");
    }
}

#[test]
fn titles_that_are_no_lines_or_are_alike_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(TOKENIZER), "{}").unwrap();
    let files = TokenizerFiles::of(folder.path()).unwrap();
    for titles in [&["a\nb"][..], &[" a"], &[""], &["a", "a"]] {
        let error = files.with_item_tokens(titles, 480).unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().contains("the title"), "{error}");
    }
}
