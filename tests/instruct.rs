//! `tiller instruct` as its users see it: JSON lines, counts, exit codes.

use std::path::Path;

use serde_json::Value;

use crate::common::program::{fail, tiller};

/// Standard output and standard error.
#[track_caller]
fn succeed(folder: &Path, arguments: &[&str]) -> (String, String) {
    let output = tiller(folder, arguments);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{arguments:?}: {stderr}");
    (String::from_utf8(output.stdout).unwrap(), stderr)
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A folder with an invented data set in `set` and two conversations in `chat.jsonl`.
fn world() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), &["data", "synth", "--users", "60", "--items", "60", "--seed", "3", "--out", "set"]);
    let conversation =
        r#"{"conversations": [{"from": "human", "value": "A quay?"}, {"from": "gpt", "value": "For ships."}]}"#;
    std::fs::write(folder.path().join("chat.jsonl"), format!("{conversation}\n{conversation}\n")).unwrap();
    folder
}

#[test]
fn examples_of_all_tasks_are_written_with_the_teachers_labels() {
    let folder = world();
    let folder = folder.path();
    let small = ["--set", "model.d_model=16", "--set", "model.d_ff=16", "--epochs", "1"];
    succeed(folder, &[&["sasrec", "train", "set"], &small[..]].concat());

    let (text, told) = succeed(folder, &["instruct", "set", "--chat", "chat.jsonl"]);
    let examples = lines(&text);
    let count = |task: &str| examples.iter().filter(|example| example["task"] == task).count();
    assert_eq!(["I0", "I1", "I2", "I3", "I4"].map(count), [60, 60, 60, 60, 120]);
    assert!(told.contains("360 examples: I0 60, I1 60, I2 60, I3 60, I4 120"), "{told}");
    for example in &examples {
        let messages = example["messages"].as_array().unwrap();
        assert_eq!((&messages[0]["role"], &messages[messages.len() - 1]["role"]), (&"system".into(), &"user".into()));
        assert!(!example["answer"].as_str().unwrap().is_empty());
        if let Some(request) = example["request"].as_object() {
            let items = example["items"].as_array().unwrap();
            assert_eq!(items.len(), request["k"].as_u64().unwrap() as usize);
            assert_eq!(example["answer"].as_str().unwrap().lines().count(), items.len());
        }
    }

    let again =
        |arguments: &[&str]| succeed(folder, &[&["instruct", "set", "--chat", "chat.jsonl"], arguments].concat()).0;
    assert_eq!(again(&[]), text);
    assert_ne!(again(&["--epoch", "1"]), text);
    assert_ne!(again(&["--seed", "1"]), text);
    assert_ne!(again(&["--preset", "paper"]), text);
    assert!(text.starts_with(&again(&["--count", "7"])));
    assert_eq!(again(&["--count", "7"]).lines().count(), 7);
    assert_eq!(again(&["--tasks", "I1,I4", "--chat-ratio", "0.1"]).lines().count(), 66);

    let validation = lines(&again(&["--split", "validation"]));
    assert_eq!(validation.len(), 180);
    assert!(validation.iter().all(|example| example["items"][0] == example["target"]));
}

#[test]
fn a_file_is_written_whole_and_a_search_needs_no_teacher() {
    let folder = world();
    let folder = folder.path();
    let (told, _) = succeed(folder, &["instruct", "set", "--tasks", "I3", "--out", "search.jsonl", "--json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["examples"]["I3"], 60);
    let examples = lines(&std::fs::read_to_string(folder.join("search.jsonl")).unwrap());
    assert_eq!(examples.len(), 60);
    assert_eq!(succeed(folder, &["instruct", "set", "--tasks", "I4", "--chat", "chat.jsonl"]).0.lines().count(), 2);
}

#[test]
fn what_cannot_be_is_refused_with_a_next_step() {
    let folder = world();
    let folder = folder.path();
    std::fs::write(folder.join("bad.jsonl"), "{\"conversations\": []}\n{\"talk\": 1}\n").unwrap();
    fail(folder, &["instruct", "nowhere"], 2, "nowhere");
    fail(folder, &["instruct", "set"], 2, "teacher");
    fail(folder, &["instruct", "set", "--tasks", "I9"], 2, "I9");
    fail(folder, &["instruct", "set", "--tasks", "I4"], 2, "--chat");
    fail(folder, &["instruct", "set", "--tasks", "I3", "--chat", "bad.jsonl"], 2, "bad.jsonl line 2");
    fail(folder, &["instruct", "set", "--tasks", "I3", "--chat-ratio", "101"], 2, "--chat-ratio");
    fail(folder, &["instruct", "set", "--tasks", "I3", "--split", "validation"], 2, "tasks I3");
}
