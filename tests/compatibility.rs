//! Files and flags of released versions: what version 0.1.0 wrote is read, continued and repeated by this one.
//!
//! tests/fixtures/v0.1.0/README.md tells how its files were made.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use tiller::experiment::Settings;
use tiller::ppo::PpoConfig;
use tiller::run::config::{ConfigFlags, resolve};
use tiller::teacher::TeacherConfig;
use tiller::train::sft::SftConfig;

use crate::common::program::{fail, succeed};
use crate::common::run::{losses, metrics};

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v0.1.0")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in from.read_dir().unwrap().map(Result::unwrap) {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

/// A copy of the data set and the runs, in which commands may write.
fn work() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(&fixture(), folder.path());
    folder
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

fn expected(name: &str) -> Value {
    json(&std::fs::read_to_string(fixture().join("expected").join(name)).unwrap())
}

#[test]
fn runs_and_adapters_of_version_0_1_0_are_read() {
    let folder = work();
    let folder = folder.path();
    for (adapter, expectation) in [("adapted/adapter", "adapted.json"), ("ppo/adapter", "ppo.json")] {
        let ask = ["recommend", "films", "--model", "sft/model", "--adapter", adapter, "--user", "u1", "-k", "5"];
        let list = json(&succeed(folder, &[&ask[..], &["--json"]].concat()));
        assert_eq!(titles(&list), titles(&expected(expectation)), "{adapter}");
    }
    let topk = json(&succeed(folder, &["sasrec", "topk", "films", "--user", "u1", "-k", "5", "--json"]));
    assert_eq!(titles(&topk), titles(&expected("topk.json")));
    let evaluation = json(&succeed(folder, &["sasrec", "eval", "films", "--json"]));
    assert_eq!(evaluation["sasrec"]["protocol"], expected("sasrec-eval.json")["sasrec"]["protocol"]);
    succeed(folder, &["eval", "films", "--tasks", "I0", "--users", "2", "--out", "ppo"]);
    succeed(folder, &["report", "sft", "adapted", "ppo", "films/teacher", "--out", "report.html"]);
}

fn titles(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap()).collect()
}

/// A training, its run, and the key that its metrics count by.
const RESUMED: [(&[&str], &str, &str); 4] = [
    (&["sft", "films", "--out", "sft", "--steps", "12"], "sft", "loss"),
    (&["sft", "films", "--out", "adapted", "--steps", "8"], "adapted", "loss"),
    (&["ppo", "films", "--out", "ppo", "--iterations", "3"], "ppo", "policy_loss"),
    (&["sasrec", "train", "films", "--epochs", "4"], "films/teacher", "loss"),
];

#[test]
fn trainings_of_version_0_1_0_go_on_from_their_checkpoints() {
    let expected = expected("resumed.json");
    for (training, run, key) in RESUMED {
        let folder = work();
        succeed(folder.path(), &[training, &["--resume"]].concat());
        let found: Vec<(u64, f64)> = metrics(&folder.path().join(run))
            .iter()
            .filter_map(|line| Some((line["step"].as_u64().or(line["epoch"].as_u64())?, line[key].as_f64()?)))
            .collect();
        let expected: Vec<(u64, f64)> = serde_json::from_value(expected[run].clone()).unwrap();
        assert_eq!(found.len(), expected.len(), "{run}: {found:?}");
        for (found, expected) in found.iter().zip(&expected) {
            // Sums may be taken in another order, and on another processor.
            let close = (found.1 - expected.1).abs() < 1e-3 * (1.0 + expected.1.abs());
            assert!(found.0 == expected.0 && close, "{run}: {found:?}, expected {expected:?}");
        }
    }
}

/// The settings of a command as `resolve` gives them, in today's form.
fn resolved(command: &str, config: Option<&Path>, set: Option<&str>) -> tiller::Result<String> {
    let layers = ConfigFlags {
        config: config.map(Path::to_path_buf),
        sets: set.into_iter().map(str::to_owned).collect(),
    };
    fn text<C: serde::Serialize + serde::de::DeserializeOwned + Default>(layers: &ConfigFlags) -> tiller::Result<String> {
        resolve::<C>(layers, toml::Table::new()).map(|config| toml::to_string(&config).unwrap())
    }
    match command {
        "sasrec" => text::<TeacherConfig>(&layers),
        "sft" => text::<SftConfig>(&layers),
        "ppo" => text::<PpoConfig>(&layers),
        "experiment" => text::<Settings>(&layers),
        _ => panic!("{command}: no settings"),
    }
}
