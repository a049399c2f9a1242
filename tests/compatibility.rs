//! Files and flags of released versions: what version 0.1.0 wrote is read, continued and repeated by this one.
//!
//! tests/fixtures/v0.1.0/README.md tells how its files were made.

use clap::{Command, CommandFactory};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tiller::cli::Cli;
use tiller::experiment::ExperimentSettings;
use tiller::ppo::PpoConfig;
use tiller::run::config::{ConfigLayers, resolve};
use tiller::teacher::TeacherConfig;
use tiller::train::sft::SftConfig;
use toml::Table;

use crate::common::fixture::{fixture, work};
use crate::common::program::succeed;
use crate::common::run::metrics;

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
    for (field, value) in expected("sasrec-eval.json")["sasrec"]["protocol"].as_object().unwrap() {
        assert_eq!(&evaluation["sasrec"]["protocol"][field], value, "{field}");
    }
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

/// Keys of version 0.1.0 that have another name today.
const RENAMED: [(&str, &str); 27] = [
    ("quantise", "quant"),
    ("accumulate", "gradient_accumulation_steps"),
    ("scratch", "from_scratch"),
    ("practices", "tasks"),
    ("rehearsal", "sft_mixin"),
    ("safety", "divergence_guard"),
    ("data.recipe", "data.preset"),
    ("exam", "eval"),
    ("eval.recipe", "eval.preset"),
    ("eval.subjects", "eval.tasks"),
    ("schedule.warm_up", "schedule.warmup_ratio"),
    ("schedule.power", "schedule.poly_power"),
    ("schedule.end", "schedule.min_lr"),
    ("optimiser.clip", "optimiser.max_grad_norm"),
    ("model.layers", "model.n_layers"),
    ("model.heads", "model.n_heads"),
    ("model.inner", "model.d_ff"),
    ("teacher.model.inner", "teacher.model.d_ff"),
    ("learning.kl", "learning.kl_coef"),
    ("learning.tempered", "learning.score_at_sampling_temperature"),
    ("learning.standardise", "learning.normalize_advantages"),
    ("learning.by_practice", "learning.per_task_normalization"),
    ("reward.spread", "reward.dense"),
    ("reward.breach", "reward.violation_score"),
    ("reward.gap", "reward.shortfall_fn"),
    ("sft.schedule.warm_up", "sft.schedule.warmup_ratio"),
    ("ppo.reward.spread", "ppo.reward.dense"),
];

/// The settings of a command, as a table of today's keys.
fn resolved(command: &str, layers: &ConfigLayers) -> tiller::Result<Table> {
    fn table<C: Default + Serialize + DeserializeOwned>(layers: &ConfigLayers) -> tiller::Result<Table> {
        resolve::<C>(layers, Table::new()).map(|config| Table::try_from(config).unwrap())
    }
    match command {
        "sasrec" => table::<TeacherConfig>(layers),
        "sft" => table::<SftConfig>(layers),
        "ppo" => table::<PpoConfig>(layers),
        "experiment" => table::<ExperimentSettings>(layers),
        _ => panic!("{command}: no settings"),
    }
}

/// Asserts that each value of `old` stands in `today` under its key's name of today.
fn assert_kept(old: &Table, today: &Table, path: &str) {
    for (key, value) in old {
        let path = format!("{path}{key}");
        let renamed = RENAMED.iter().find(|(old, _)| *old == path).map_or(&path[..], |(_, new)| *new);
        let name = renamed.rsplit('.').next().unwrap();
        let found = today.get(name).unwrap_or_else(|| panic!("{path}: no key {name}"));
        match (value, found) {
            (toml::Value::Table(old), toml::Value::Table(today)) => assert_kept(old, today, &format!("{renamed}.")),
            _ => assert_eq!(found, value, "{path}"),
        }
    }
}

#[test]
fn configuration_files_of_version_0_1_0_give_the_same_settings() {
    let settings = fixture().join("settings");
    for command in ["sasrec", "sft", "ppo", "experiment"] {
        let file = settings.join(format!("{command}.toml"));
        let old: Table = std::fs::read_to_string(&file).unwrap().parse().unwrap();
        let today = resolved(command, &ConfigLayers { config: Some(file), sets: Vec::new() });
        assert_kept(&old, &today.unwrap_or_else(|e| panic!("{command}: {e}")), "");
    }
    for line in std::fs::read_to_string(settings.join("values.txt")).unwrap().lines() {
        let (command, set) = line.split_once(' ').unwrap();
        let layers = ConfigLayers { config: None, sets: vec![set.to_owned()] };
        resolved(command, &layers).unwrap_or_else(|e| panic!("{line}: {e}"));
    }
}

#[test]
fn flags_of_version_0_1_0_are_understood() {
    let mut root = Cli::command();
    root.build();
    for line in std::fs::read_to_string(fixture().join("flags.txt")).unwrap().lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let at = words.iter().position(|word| word.starts_with('-')).unwrap();
        let command = words[1..at].iter().fold(&root, |command, name| {
            command.find_subcommand(name).unwrap_or_else(|| panic!("{line}: no such command"))
        });
        let values: Vec<&str> = words.get(at + 1).map_or(Vec::new(), |values| values.split('|').collect());
        assert_understood(command, words[at], &values, line);
    }
}

fn assert_understood(command: &Command, flag: &str, values: &[&str], line: &str) {
    let is_it = |argument: &&clap::Arg| match flag.strip_prefix("--") {
        Some(name) => {
            argument.get_long() == Some(name) || argument.get_all_aliases().is_some_and(|all| all.contains(&name))
        }
        None => argument.get_short().is_some_and(|short| flag == format!("-{short}")),
    };
    let argument = command.get_arguments().find(is_it).unwrap_or_else(|| panic!("{line}: no such flag"));
    let possible = argument.get_possible_values();
    for value in values {
        assert!(possible.iter().any(|known| known.matches(value, false)), "{line}: {value} is no value of it");
    }
}
