//! The promises of every command: help with valid examples, JSON where it reports, and exit codes. A command that is missing from the
//! table fails the test.

use std::path::Path;

use clap::CommandFactory;
use serde_json::Value;
use tiller::cli::Cli;

/// The outcome of a command with good arguments.
enum Good {
    /// It ends with code 0; with `--json` it prints JSON.
    Reports(&'static [&'static str]),
    /// It ends with code 0, and has nothing to report.
    Works(&'static [&'static str]),
    /// It takes minutes: another test runs it, or a part of it.
    Elsewhere(&'static str),
}

use Good::{Elsewhere, Reports, Works};

use crate::common::program::{fail, succeed, tiller};
use crate::common::world::{self, ADAPT, PPO};

/// Each command with good arguments, and with bad ones, which end with code 2 and the word behind them.
#[rustfmt::skip]
const TABLE: &[(&str, Good, &[&str], &str)] = &[
    ("bench kernels", Elsewhere("tiller-kernels, bench"), &["--op", "nowhere"], "nowhere"),
    ("bench lists", Reports(&["films", "--model", "sft/model", "-k", "3", "-b", "1", "--lists", "1", "-r", "1"]), &["films", "--model", "nowhere"], "nowhere"),
    ("bench llm", Reports(&["--model", "sft/model", "-p", "8", "-n", "2", "-b", "1", "--lists", "0", "-r", "1"]), &["--model", "nowhere"], "nowhere"),
    ("bench perplexity", Reports(&["sft/model", "films/items.csv", "--tokens", "64"]), &["nowhere", "films/items.csv"], "nowhere"),
    ("bench ppo", Reports(&["--shape", "tiny", "--prompts", "1", "--prompt-tokens", "16", "--answer-tokens", "8", "--epochs", "1"]), &["--quant", "q3"], "q3"),
    ("bench train", Reports(&["--shape", "tiny", "--tokens", "32", "--batch", "2", "--steps", "1"]), &["--quant", "q3"], "q3"),
    ("chat", Works(&["films", "--model", "sft/model", "--user", "u1"]), &["films", "--model", "nowhere"], "nowhere"),
    ("completions", Works(&["bash"]), &["man"], "--out"),
    ("data import", Reports(&["--format", "csv", "films", "--out", "again"]), &["--format", "csv", "nowhere", "--out", "again"], "nowhere"),
    ("data split", Reports(&["films", "--cold", "0.1", "--out", "cold"]), &["nowhere", "--cold", "0.1", "--out", "cold"], "nowhere"),
    ("data stats", Reports(&["films"]), &["nowhere"], "nowhere"),
    ("data synth", Reports(&["--users", "20", "--items", "40", "--out", "small"]), &["--users", "0", "--out", "small"], "--users"),
    ("demo", Elsewhere("tests/faults.rs"), &["--size", "huge"], "--size"),
    ("distill", Reports(&["films", "--run", "sft", "--out", "distilled", "--iterations", "1", "--set", "rollout.prompts=2", "--set", "validation.users=2"]), &["films", "--run", "nowhere", "--out", "distilled"], "nowhere"),
    ("doctor", Reports(&[]), &["--device", "no such adapter"], "no such adapter"),
    ("eval", Reports(&["films", "--tasks", "I0", "--users", "2"]), &["films", "--tasks", "I9"], "I9"),
    ("experiment", Elsewhere("tests/experiment.rs"), &["nothing"], "nothing"),
    ("instruct", Reports(&["films", "--count", "5", "--out", "examples.jsonl"]), &["nowhere"], "nowhere"),
    ("merge", Reports(&["adapted", "--out", "merged"]), &["sft", "--out", "merged"], "as it is"),
    ("plan", Reports(&["sft", "--shape", "tiny", "--memory", "8GiB"]), &["--memory", "much"], "much"),
    ("ppo", Reports(&["films", "--out", "ppo", "--resume"]), &["films", "--run", "nowhere", "--out", "ppo"], "nowhere"),
    ("pull", Reports(&["--list"]), &["nothing-of-the-kind"], "nothing-of-the-kind"),
    ("quantize", Reports(&["sft/model", "--to", "f16", "--out", "f16_model"]), &["sft/model", "--to", "q9", "--out", "x.gguf"], "q9"),
    ("recommend", Reports(&["films", "--model", "sft/model", "--user", "u1", "-k", "2"]), &["films", "--model", "sft/model", "--user", "nobody"], "nobody"),
    ("report", Reports(&["sft"]), &["nowhere"], "nowhere"),
    ("sasrec eval", Reports(&["films"]), &["nowhere"], "nowhere"),
    ("sasrec topk", Reports(&["films", "--user", "u1"]), &["films", "--user", "nobody"], "nobody"),
    ("sasrec train", Reports(&["films", "--epochs", "1", "--resume"]), &["films", "--set", "model.n_heads=3"], "model.n_heads"),
    ("serve", Elsewhere("tests/serve/mod.rs"), &["films", "--host", "0.0.0.0"], "--token-file"),
    ("sft", Reports(&["films", "--out", "adapted", "--resume"]), &["films", "--out", "new"], "--from-scratch"),
];

/// Work that no memory holds: code 3.
#[rustfmt::skip]
const TOO_LARGE: &[&[&str]] = &[
    &["plan", "recommend", "--shape", "llama2-7b", "--memory", "1GiB"],
    &["sft", "films", "--from-scratch", "tiny", "--out", "new", "--set", "from_scratch.d_model=8192", "--set", "from_scratch.n_layers=400"],
    &["ppo", "films", "--run", "sft", "--out", "new", "--set", "learning.batch=4000000"],
    &["distill", "films", "--run", "sft", "--out", "new", "--set", "batch=4000000"],
    &["bench", "train", "--shape", "llama2-7b", "--batch", "4000", "--tokens", "4096"],
];

/// Every command that does something, with its help.
fn commands() -> Vec<(String, clap::Command)> {
    fn collect(command: &clap::Command, name: &str, found: &mut Vec<(String, clap::Command)>) {
        let children: Vec<_> = command.get_subcommands().filter(|child| child.get_name() != "help").collect();
        if children.is_empty() {
            found.push((name.to_owned(), command.clone()));
        }
        children.iter().for_each(|child| collect(child, format!("{name} {}", child.get_name()).trim(), found));
    }
    let mut root = Cli::command();
    root.build();
    let mut found = Vec::new();
    collect(&root, "", &mut found);
    found
}

/// The commands of the examples below a help text, without what explains them and what they are piped into or out of.
fn examples(help: &str) -> Vec<Vec<String>> {
    let lines = help.lines().filter_map(|line| line.strip_prefix("  "));
    let commands = lines
        .filter_map(|line| Some(&line[line.find("tiller ").filter(|at| *at == 0 || line.starts_with("echo "))?..]));
    let ends = ["   ", " | ", " > "];
    let alone = |command: &str| {
        let end = ends.iter().filter_map(|end| command.find(end)).min().unwrap_or(command.len());
        words(&command[..end])
    };
    commands.map(alone).collect()
}

/// The words of a line, quotes honoured.
fn words(line: &str) -> Vec<String> {
    let parts = line.split('\'').enumerate();
    parts
        .flat_map(|(at, part)| match at % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        })
        .collect()
}

#[test]
fn every_command_is_in_the_table_and_has_help_with_examples_that_are_right() {
    let known: Vec<&str> = TABLE.iter().map(|(name, ..)| *name).collect();
    let found: Vec<String> = commands().into_iter().map(|(name, _)| name).collect();
    let mut sorted = found.clone();
    sorted.sort();
    assert_eq!(known, sorted);

    let folder = tempfile::tempdir().unwrap();
    for name in found {
        let words: Vec<&str> = name.split(' ').chain(["--help"]).collect();
        let help = succeed(folder.path(), &words);
        let examples = examples(&help);
        assert!(help.contains("Examples:") && !examples.is_empty(), "{name}: {help}");
        assert!(examples.iter().any(|example| example[1..].join(" ").contains(&name)), "{name}: an example of itself");
        for example in examples {
            let parsed = Cli::command().try_get_matches_from(&example);
            assert!(parsed.is_ok(), "{name}: {example:?}\n{}", parsed.unwrap_err());
        }
    }
}

fn is_json(text: &str) -> bool {
    let lines = || text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok());
    !text.trim().is_empty() && (serde_json::from_str::<Value>(text).is_ok() || lines())
}

#[test]
fn every_command_ends_with_the_promised_code_and_reports_in_json() {
    let work = tempfile::tempdir().unwrap();
    let folder: &Path = work.path();
    world::tune(folder);
    succeed(folder, ADAPT);
    succeed(folder, PPO);
    for (name, good, bad, part) in TABLE {
        let with = |arguments: &[&'static str]| [&name.split(' ').collect::<Vec<_>>()[..], arguments].concat();
        match good {
            Reports(arguments) => {
                let printed = succeed(folder, &[&with(arguments)[..], &["--json"]].concat());
                assert!(is_json(&printed), "{name}: {printed}");
                succeed(folder, &with(arguments));
            }
            Works(arguments) => drop(succeed(folder, &with(arguments))),
            Elsewhere(place) => println!("{name} takes minutes: {place}"),
        }
        fail(folder, &with(bad), 2, part);
        fail(folder, &with(&["--no-such-flag"]), 2, "--no-such-flag");
    }
    for arguments in TOO_LARGE {
        fail(folder, arguments, 3, "does not fit");
        assert!(!folder.join("new").exists(), "nothing is written before it is known to fit");
    }
    assert_eq!(tiller(folder, &[]).status.code(), Some(2), "no command");
}
