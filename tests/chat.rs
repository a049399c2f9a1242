//! `tiller chat` from the command line: turns come from a pipe, lists go to another.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::common::toy;

/// The program's answers to the lines, as JSON.
fn talk(lines: &str, arguments: &[&str]) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let data = toy::write_data_set(&folder.path().join("data"));
    toy::write_model(&folder.path().join("model"), &["1. Up (2009)\n"], 2048);
    let mut child = Command::new(env!("CARGO_BIN_EXE_tiller"))
        .args(["chat", "--device", "cpu", "--json", "--model"])
        .arg(folder.path().join("model"))
        .arg(data)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn titles(answer: &Value) -> Vec<&str> {
    answer["items"].as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap()).collect()
}

fn said(answer: &Value) -> String {
    answer["said"].to_string()
}

#[test]
fn rules_stand_one_after_another_and_none_twice() {
    let answers = talk(
        "one drama\nmore\nmore like the first\nno drama\nxyzzy\nmore\nquit\nmore\n",
        &["--user", "anna", "-k", "1"],
    );
    // Anna took Up and Ran.
    let dramas = ["Heat (1995)", "12 Angry Men (1957)"];
    let (first, second) = (titles(&answers[0]), titles(&answers[1]));
    assert!(dramas.contains(&first[0]) && dramas.contains(&second[0]) && first != second, "{answers:?}");
    assert!(said(&answers[2]).contains("expected"), "no drama is left: {}", answers[2]);
    assert_eq!(titles(&answers[3]), ["2. Fast"]);
    assert!(said(&answers[3]).contains("--less Drama"), "{}", answers[3]);
    assert!(said(&answers[4]).contains("xyzzy"));
    assert!(answers[5]["items"].is_null(), "nothing is left: {}", answers[5]);
    assert_eq!(answers.len(), 6, "what comes after the end is not answered");
}
