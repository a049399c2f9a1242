//! `tiller eval` from the command line, with a model whose answer is known.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::common::toy;

/// A small invented world, its teacher, and a model that says the same to everybody.
struct World {
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap() };
        let data = world.path("data");
        let data = data.to_str().unwrap();
        world.succeed(&["data", "synth", "--users", "60", "--items", "90", "--seed", "3", "--out", data]);
        world.succeed(&["sasrec", "train", data, "--epochs", "1"]);
        toy::write_model(&world.path("model"), &["1. No such film\n", " 2. Nor this one\n"], 4096);
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn tiller(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tiller"));
        command.args(["--device", "cpu"]).args(arguments).env("TILLER_HOME", self.path("home")).output().unwrap()
    }

    fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.tiller(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn eval(&self, arguments: &[&str]) -> Vec<String> {
        [&["eval", self.path("data").to_str().unwrap()], arguments].concat().iter().map(|s| s.to_string()).collect()
    }

    fn evaluate(&self, arguments: &[&str]) -> String {
        self.succeed(&self.eval(arguments).iter().map(String::as_str).collect::<Vec<_>>())
    }
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_models_lists_are_measured_in_every_mode_beside_the_teachers() {
    let world = World::new();
    let (model, run) = (world.path("model"), world.path("run"));
    let arguments = ["--model", model.to_str().unwrap(), "--users", "6", "--tasks", "I0,+C,EP50", "--seeds", "1,2"];
    let table = world.evaluate(&[&arguments[..], &["--out", run.to_str().unwrap()]].concat());
    for part in ["test split, leave-one-out, 6 of 60 users, seeds [1, 2]", "model catalogue", "EP50 CPA"] {
        assert!(table.contains(part), "{part} is missing in\n{table}");
    }

    let found = read(&run.join("eval.json"));
    assert_eq!(found["schema"], "tiller-eval/1");
    let rows = found["rows"].as_array().unwrap();
    let labels: Vec<String> = rows.iter().map(|row| format!("{} {}", row["name"], row["decode"])).collect();
    let expected = [
        "\"popularity\" null",
        "\"SASRec\" null",
        "\"model\" \"free\"",
        "\"model\" \"catalogue\"",
        "\"model\" \"strict\"",
    ];
    assert_eq!(labels, expected);
    let mean = |row: usize, subject: usize, metric: &str| {
        rows[row]["subjects"][subject]["exact"][metric]["mean"].as_f64().unwrap()
    };
    for subject in 0..3 {
        assert_eq!(
            (mean(2, subject, "NonExist"), mean(2, subject, "CorrectCount")),
            (2.0, 0.0),
            "alone it lists two that do not exist"
        );
        for row in [0, 1, 3, 4] {
            for (metric, expected) in
                [("NonExist", 0.0), ("RepeatItem", 0.0), ("InHistory", 0.0), ("CorrectCount", 1.0)]
            {
                assert_eq!(mean(row, subject, metric), expected, "{} {metric}", labels[row]);
            }
        }
        for row in [0, 1, 4] {
            assert_eq!(mean(row, subject, "Obeyed"), 1.0, "{}", labels[row]);
        }
    }
    assert_eq!((mean(4, 1, "TCP"), mean(4, 2, "CPA")), (1.0, 1.0));
    let steps = |row: usize| rows[row]["speed"]["steps"].as_u64().unwrap();
    assert!(steps(4) < rows[4]["speed"]["tokens"].as_u64().unwrap(), "forced tokens take no step");
    assert!(found["comparisons"].as_array().unwrap().iter().any(|c| c["row"] == "model free" && c["with"] == "SASRec"));

    let again: Value = serde_json::from_str(&world.evaluate(&[&arguments[..], &["--json"]].concat())).unwrap();
    for row in 0..5 {
        assert_eq!(again["rows"][row]["subjects"], found["rows"][row]["subjects"], "the same again");
    }
}

#[test]
fn an_adapters_row_has_the_name_of_its_run_and_its_figures_go_there() {
    let world = World::new();
    toy::write_adapter(&world.path("tuned/adapter"));
    std::fs::write(world.path("tuned/config.toml"), "").unwrap();
    let (model, adapter) = (world.path("model"), world.path("tuned/adapter"));
    let arguments = ["--model", model.to_str().unwrap(), "--adapter", adapter.to_str().unwrap(), "--with-base"];
    world.evaluate(&[&arguments[..], &["--users", "2", "--tasks", "I0", "--decode", "free"]].concat());
    let found = read(&world.path("tuned/eval.json"));
    let names: Vec<&str> = found["rows"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["popularity", "SASRec", "model", "tuned"]);
}

#[test]
fn runs_are_evaluated_side_by_side_by_their_best_models() {
    let world = World::new();
    let model = world.path("model");
    let [first, second] = ["first", "second"].map(|run| {
        let run = world.path(run);
        toy::write_adapter(&run.join("adapter"));
        std::fs::write(run.join("config.toml"), format!("model = {model:?}")).unwrap();
        run.display().to_string()
    });
    let protocol = ["--users", "2", "--tasks", "I0", "--decode", "free"];
    world.evaluate(&[&["--run", &first, "--run", &second][..], &protocol].concat());
    let found = read(&world.path("second/eval.json"));
    let names: Vec<&str> = found["rows"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["popularity", "SASRec", "first", "second"]);

    let (model, adapter) = (model.display().to_string(), format!("{first}/adapter"));
    let by_hand = world.evaluate(&[&["--model", &model, "--adapter", &adapter, "--json"][..], &protocol].concat());
    let by_hand: Value = serde_json::from_str(&by_hand).unwrap();
    assert_eq!(by_hand["rows"][2]["subjects"], found["rows"][2]["subjects"], "a run is its adapter on its model");
}

#[test]
fn wrong_usage_names_the_flag_and_the_next_step() {
    let world = World::new();
    let cases: &[(&[&str], &[&str])] = &[
        (&["--tasks", "I0,C+"], &["--tasks", "\"C+\"", "LP20"]),
        (&["--adapter", "nowhere"], &["--model"]),
        (&["--model", "nowhere"], &["--model", "tiller pull smollm2-135m"]),
        (&["--run", "nowhere"], &["nowhere"]),
        (&["--run", "nowhere", "--model", "m"], &["--run", "--model"]),
        (&["--tune-guide"], &["--run", "--model"]),
        (&["--teacher", "nowhere"], &["tiller sasrec train"]),
        (&["--users", "0"], &["at least one"]),
        (&["--k", "0"], &["--k"]),
    ];
    for (arguments, parts) in cases {
        let output = world.tiller(&world.eval(arguments).iter().map(String::as_str).collect::<Vec<_>>());
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &b""[..]), "{stderr}");
        for part in *parts {
            assert!(stderr.contains(part), "{part:?} is missing in {stderr}");
        }
    }
}

#[test]
fn a_teachers_drafts_change_the_steps_and_not_the_lists() {
    let world = World::new();
    let model = world.path("model");
    let arguments =
        ["--model", model.to_str().unwrap(), "--users", "5", "--tasks", "I0,EP50", "--decode", "strict", "--json"];
    let row = |further: &[&str]| -> Value {
        let found: Value = serde_json::from_str(&world.evaluate(&[&arguments[..], further].concat())).unwrap();
        found["rows"][2].clone()
    };
    let (plain, drafted) = (row(&[]), row(&["--draft", "teacher"]));
    assert_eq!((&drafted["subjects"], &drafted["samples"]), (&plain["subjects"], &plain["samples"]));
    let guidance = |row: &Value, name: &str| row["speed"]["guidance"][name].as_u64().unwrap();
    assert_eq!(guidance(&drafted, "choices"), guidance(&plain, "choices"));
    assert!(guidance(&drafted, "drafted") > 0 && guidance(&plain, "drafted") == 0);
    let saved = guidance(&plain, "steps") - guidance(&drafted, "steps");
    let confirmed = guidance(&drafted, "confirmed");
    // Not a list's last choice, and none that the engine had no room for in a step.
    assert!((confirmed / 2..=confirmed).contains(&saved), "{saved} steps saved by {confirmed} confirmed choices");
}

#[test]
fn every_way_of_writing_lists_writes_the_same_ones() {
    let world = World::new();
    let (data, model) = (world.path("data"), world.path("model"));
    let arguments = ["bench", "lists", data.to_str().unwrap(), "--model", model.to_str().unwrap()];
    let sizes = ["-b", "1", "-b", "3", "--lists", "2", "-r", "1", "-k", "4", "--json"];
    let found: Value = serde_json::from_str(&world.succeed(&[&arguments[..], &sizes].concat())).unwrap();
    let took = found["took"].as_array().unwrap();
    let ways: Vec<(&str, u64)> =
        took.iter().map(|one| (one["way"].as_str().unwrap(), one["batch"].as_u64().unwrap())).collect();
    let of_batch = |batch| ["masked", "jump", "fast", "drafts"].map(|way| (way, batch));
    assert_eq!(ways, [of_batch(1), of_batch(3)].concat());
    let mean = |one: &Value, count: &str| one[count].as_f64().unwrap();
    for (one, masked) in took.iter().zip([[&took[0]; 4], [&took[4]; 4]].concat()) {
        assert_eq!(one["differing"], 0, "{one}");
        assert_eq!((mean(one, "tokens"), mean(one, "choices")), (mean(masked, "tokens"), mean(masked, "choices")));
        assert!(mean(one, "steps") <= mean(masked, "steps") && mean(one, "per_second") > 0.0, "{one}");
    }
    assert_eq!(mean(&took[0], "steps"), mean(&took[0], "tokens"));
    assert_eq!(mean(&took[1], "steps"), mean(&took[1], "choices"));
}
