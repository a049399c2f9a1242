//! `tiller sasrec` as its users see it: commands, files, exit codes.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::common::program::{command, fail, succeed};

/// Sizes at which an epoch takes a fraction of a second.
const SMALL: [&str; 6] = ["--set", "model.d_model=16", "--set", "model.d_ff=16", "--set", "batch=256"];

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// A folder with an invented data set in `set`.
fn world() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), &["data", "synth", "--users", "200", "--items", "80", "--seed", "3", "--out", "set"]);
    folder
}

/// The key of the first user of interactions.csv.
fn first_user(folder: &Path) -> String {
    let interactions = std::fs::read_to_string(folder.join("set/interactions.csv")).unwrap();
    interactions.lines().nth(1).unwrap().split(',').next().unwrap().to_owned()
}

fn train(folder: &Path, more: &[&str]) -> String {
    succeed(folder, &[&["sasrec", "train", "set"], &SMALL[..], more].concat())
}

#[test]
fn a_teacher_is_trained_measured_and_asked() {
    let folder = world();
    let folder = folder.path();
    let summary = json(&train(folder, &["--epochs", "3", "--json"]))["summary"].clone();
    assert_eq!(summary["epochs"], 3);
    let run = folder.join("set/teacher");
    let config = std::fs::read_to_string(run.join("config.toml")).unwrap();
    assert!(config.contains("epochs = 3") && config.contains("d_model = 16"), "{config}");
    let metrics = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    assert_eq!(metrics.lines().map(|line| json(line)["epoch"].as_u64().unwrap()).collect::<Vec<_>>(), [0, 1, 2, 3]);

    let evaluation = json(&succeed(folder, &["sasrec", "eval", "set", "--json"]));
    let protocol = &evaluation["sasrec"]["protocol"];
    assert_eq!((&protocol["split"], &protocol["users"]), (&Value::from("test"), &Value::from(200)));
    assert_eq!(&evaluation["popularity"]["protocol"], protocol);
    for (rule, words) in [
        ("held_out", "leave-one-out"),
        ("candidates", "full ranking"),
        ("masked", "earlier items"),
        ("ties", "by item id"),
    ] {
        assert!(protocol[rule].as_str().unwrap().contains(words), "{protocol}");
    }
    let text = succeed(folder, &["sasrec", "eval", "set", "--split", "validation"]);
    for part in ["validation split", "full ranking", "earlier items masked", "NDCG@10", "popularity", "SASRec"] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }

    let interactions = std::fs::read_to_string(folder.join("set/interactions.csv")).unwrap();
    let user = &first_user(folder)[..];
    let theirs: Vec<&str> =
        interactions.lines().filter_map(|line| line.strip_prefix(user)?.strip_prefix(',')?.split(',').next()).collect();
    let ask = |arguments: &[&str]| {
        let lists = succeed(folder, &[&["sasrec", "topk", "set", "--json"], arguments].concat());
        lists.lines().map(|line| json(line)["items"].as_array().unwrap().clone()).collect::<Vec<_>>()
    };
    let list = ask(&["--user", user, "-k", "7"]).concat();
    assert_eq!(list.len(), 7);
    assert!(list.iter().all(|item| !theirs.contains(&item["id"].as_str().unwrap())));
    assert_eq!(ask(&["--user", "all", "-k", "3"]).len(), 200);

    let (title, category) = (list[0]["title"].as_str().unwrap(), list[0]["categories"][0].as_str().unwrap());
    let of = |flag| ask(&["--history", title, "-k", "80", flag, category]).concat();
    let is_in = |item: &Value| item["categories"].as_array().unwrap().contains(&Value::from(category));
    let (more, less) = (of("--more"), of("--less"));
    assert!(more.iter().all(is_in) && !less.iter().any(is_in));
    assert_eq!(more.len() + less.len(), 79, "all but the history itself");
}

#[test]
fn wrong_usage_is_answered_with_exit_code_2_and_a_next_step() {
    let folder = world();
    let folder = folder.path();
    fail(folder, &["sasrec", "eval", "set"], 2, "tiller sasrec train");
    fail(folder, &["sasrec", "topk", "set", "--user", "u1", "-k", "0"], 2, "-k: expected at least 1 item");
    fail(folder, &["sasrec", "train", "set", "--resume"], 2, "without --resume");
    fail(folder, &["sasrec", "train", "set", "--set", "model.n_heads=3"], 2, "model.n_heads");
    fail(folder, &["sasrec", "train", "set", "--set", "model.width=3"], 2, "width");
    fail(folder, &["sasrec", "train", "nowhere"], 2, "nowhere");
    train(folder, &["--epochs", "0"]);
    fail(folder, &["sasrec", "topk", "set"], 2, "--user");
    fail(folder, &["sasrec", "topk", "set", "--user", "nobody"], 2, "nobody");
    fail(folder, &["sasrec", "topk", "set", "--history", "No Such Film"], 2, "No Such Film");
    fail(folder, &["sasrec", "topk", "set", "--user", &first_user(folder), "--more", "Nonsense"], 2, "--more");
    fail(folder, &["sasrec", "train", "set", "--resume", "--seed", "5"], 2, "--resume");
    std::fs::write(folder.join("set/teacher/checkpoints/best.safetensors"), "cut off").unwrap();
    fail(folder, &["sasrec", "eval", "set"], 2, "best.safetensors");
}

#[cfg(unix)]
#[test]
fn ctrl_c_saves_and_the_run_goes_on_from_there() {
    let folder = world();
    let folder = folder.path();
    let arguments =
        [&["sasrec", "train", "set", "--epochs", "100000", "--set", "patience=100000"], &SMALL[..]].concat();
    let mut training = command(folder, &arguments).spawn().unwrap();
    let metrics = || std::fs::read_to_string(folder.join("set/teacher/metrics.jsonl")).unwrap_or_default();
    while metrics().lines().count() < 2 {
        assert!(training.try_wait().unwrap().is_none(), "the training ended by itself");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    Command::new("kill").args(["-INT", &training.id().to_string()]).status().unwrap();
    assert_eq!(training.wait().unwrap().code(), Some(130));

    let done = metrics().lines().count();
    let epochs = (done + 1).to_string();
    let summary = json(&train(folder, &["--resume", "--epochs", &epochs, "--set", "patience=100000", "--json"]));
    assert_eq!(summary["summary"]["epochs"], done + 1);
    assert_eq!(metrics().lines().count(), done + 2);
}
