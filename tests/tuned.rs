//! A tuned model in its run folder: its guide weight is the default of all lists, and no training writes over it.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::common::fixture::work;
use crate::common::program::{command, fail, succeed};

const MODEL: [&str; 5] = ["films", "--model", "sft/model", "--adapter", "ppo/adapter"];

/// The list of a user, as JSON.
fn list(folder: &Path, more: &[&str]) -> Value {
    let asked = ["--user", "u1", "-k", "4", "--json"];
    serde_json::from_str(&succeed(folder, &[&["recommend"], &MODEL[..], &asked, more].concat())).unwrap()
}

/// The guide weights of the model's rows, which are strict.
fn guide_weights(folder: &Path, more: &[&str]) -> Vec<Value> {
    let asked = ["--decode", "strict", "--tasks", "I0", "--users", "2", "--json"];
    let found = succeed(folder, &[&["eval"], &MODEL[..], &asked, more].concat());
    let found: Value = serde_json::from_str(&found).unwrap();
    let rows = found["rows"].as_array().unwrap().iter().filter(|row| row["name"] == "ppo");
    rows.map(|row| row["guide_weight"].clone()).collect()
}

#[test]
fn a_guide_weight_in_the_run_folder_is_the_default_of_all_lists() {
    let folder = work();
    let folder = folder.path();
    assert_eq!(list(folder, &[])["guide_weight"], Value::Null);
    let tuned = guide_weights(folder, &["--tune-guide"]);
    assert_eq!((tuned.len(), &tuned[0]), (2, &Value::Null));

    // Whatever two users found best: the teacher alone has lists of its own.
    let path = folder.join("ppo/guide.json");
    let mut guide: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(guide["weight"], tuned[1]);
    guide["weight"] = json!(0.0);
    std::fs::write(&path, guide.to_string()).unwrap();
    let (alone, guided) = (list(folder, &["--guide", "none"]), list(folder, &[]));
    assert_eq!((&alone["guide_weight"], &guided["guide_weight"]), (&Value::Null, &json!(0.0)));
    assert_eq!(guided["items"], list(folder, &["--guide-weight", "0"])["items"]);
    assert_ne!(guided["items"], alone["items"]);
    assert_eq!(guide_weights(folder, &[]), [Value::Null, json!(0.0)]);
    assert_eq!(
        guide_weights(folder, &["--guide-weight", "auto,0,0.25,0.25"]),
        [Value::Null, json!(0.0), json!(0.25)],
        "a row for each label"
    );
    assert_eq!(guide_weights(folder, &["--guide", "none"]), [Value::Null]);

    let mut chat = command(folder, &[&["chat"], &MODEL[..], &["--user", "u1", "-k", "4", "--json"]].concat());
    let mut chat = chat.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    chat.stdin.take().unwrap().write_all(b"four films\n").unwrap();
    let answer = chat.wait_with_output().unwrap();
    let titles = |list: &Value| -> Vec<Value> {
        list["items"].as_array().unwrap().iter().map(|item| item["title"].clone()).collect()
    };
    let said: Value = serde_json::from_slice(&answer.stdout).unwrap();
    assert_eq!(titles(&said), titles(&guided), "{}", String::from_utf8_lossy(&answer.stderr));
}

#[test]
fn no_training_writes_over_the_model_that_it_starts_from() {
    let folder = work();
    let folder = folder.path();
    let before = std::fs::read(folder.join("sft/config.toml")).unwrap();
    let cases: &[(&[&str], &str)] = &[
        (&["sft", "films", "--model", "sft/model", "--out", "sft/model"], "the model that"),
        (&["sft", "films", "--model", "sft/model", "--out", "sft"], "the run of the model"),
        (&["ppo", "films", "--run", "sft", "--out", "./sft"], "the run of the model"),
        (
            &["ppo", "films", "--model", "sft/model", "--adapter", "adapted/adapter", "--out", "adapted"],
            "of the adapter",
        ),
        (&["distill", "films", "--run", "sft", "--out", "sft"], "the run of the model"),
    ];
    for (arguments, part) in cases {
        let stderr = fail(folder, arguments, 2, part);
        assert!(stderr.contains("--out") && stderr.contains("--resume"), "{stderr}");
    }
    assert_eq!(std::fs::read(folder.join("sft/config.toml")).unwrap(), before);
}
