//! The documents' commands work: every console line of every document is parsed, and the blocks of the README and the guide are run in
//! a small world.
//!
//! A block runs as it stands, but for lengths and sizes of trainings. What it needs more for stands behind its language:
//! `needs=network`, `needs=cargo`, `needs=minutes`; such a block is parsed alone.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use clap::CommandFactory;
use tiller::cli::Cli;
use tiller::task::Metric;

use crate::common::console::{Block, Typed, blocks};
use crate::common::{program, toy};

/// Documents whose blocks are run.
const RUN: [&str; 2] = ["README.md", "docs/guide.md"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Markdown file at the root and in docs.
fn documents() -> Vec<String> {
    let names = |folder: &str| {
        let entries = std::fs::read_dir(root().join(folder)).unwrap().flatten();
        let names = entries.map(|entry| format!("{folder}{}", entry.file_name().to_string_lossy()));
        names.filter(|name| name.ends_with(".md")).collect::<Vec<_>>()
    };
    let mut documents = [names(""), names("docs/")].concat();
    documents.sort();
    documents
}

/// The arguments of `tiller` in a command, however it is called.
fn arguments(typed: &Typed) -> Option<&[String]> {
    let words: Vec<&str> = typed.words.iter().map(String::as_str).collect();
    match words[..] {
        ["tiller", ..] => Some(&typed.words[1..]),
        ["cargo", "run", "--release", "--", ..] => Some(&typed.words[4..]),
        _ => None,
    }
}

fn check(block: &Block, typed: &Typed) {
    let place = format!("{}: {}", block.place, typed.line);
    let words: Vec<&str> = typed.words.iter().map(String::as_str).collect();
    if let Some(arguments) = arguments(typed) {
        let parsed = Cli::command().try_get_matches_from(["tiller".to_owned()].iter().chain(arguments));
        parsed.map(drop).unwrap_or_else(|e| panic!("{place}\n{e}"));
        return;
    }
    match words[..] {
        ["bash", script, ..] => assert!(root().join(script).is_file(), "{place}: no such script"),
        ["cargo", ..] | ["KILLS=20", "cargo", ..] | ["git", "clone", ..] => {}
        _ => panic!("{place}: no program that this test knows"),
    }
    assert!(matches!(block.needs.as_deref(), Some("cargo" | "network")), "{place}: it can only run with needs=cargo");
}

#[test]
fn every_console_line_of_every_document_is_understood() {
    let mut found = 0;
    for document in documents() {
        for block in blocks(&root(), &document) {
            let needs = block.needs.as_deref();
            assert!(matches!(needs, None | Some("network" | "cargo" | "minutes")), "{}: needs what?", block.place);
            assert!(!block.commands.is_empty(), "{}: no command in it", block.place);
            block.commands.iter().for_each(|typed| check(&block, typed));
            found += block.commands.len();
        }
    }
    println!("{found} commands");
    assert!(found > 30);
}

#[test]
fn every_file_that_a_document_names_is_there() {
    let folders = ["src/", "models/", "kernels/", "shaders/", "tests/", "docs/", "benches/"];
    let mut found = 0;
    for document in documents() {
        let text = std::fs::read_to_string(root().join(&document)).unwrap();
        let quoted = text.split('`').skip(1).step_by(2);
        let named = quoted.filter(|words| folders.iter().any(|folder| words.starts_with(folder)));
        // NAME stands for a file that a reader writes.
        for path in named.filter(|path| !path.contains("NAME") && !path.contains(char::is_whitespace)) {
            assert!(root().join(path).exists(), "{document}: {path} is not there");
            found += 1;
        }
        let linked = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
        let beside = root().join(&document);
        for link in linked.filter(|link| !link.is_empty() && !link.contains("://")) {
            assert!(beside.with_file_name("").join(link).exists(), "{document}: a link to {link}");
            found += 1;
        }
    }
    assert!(found > 50, "{found}");
}

#[test]
fn every_metric_is_explained() {
    let glossary = std::fs::read_to_string(root().join("docs/metrics.md")).unwrap();
    let rows: String = glossary.lines().filter(|line| line.starts_with('|')).collect();
    for metric in Metric::ALL {
        assert!(rows.contains(&metric.to_string()), "docs/metrics.md lacks {metric}");
    }
}

/// Sixty films and sixty people, as raw files of two formats, and a model of the name that the documents use.
fn world(folder: &Path) {
    let films = ["Heat (1995)".to_owned(), "Ran (1985)".into(), "Up (2009)".into()].into_iter();
    let films: Vec<String> =
        films.chain((3..60).map(|number| format!("Film {number} ({})", 2008 + number % 10))).collect();
    let genres = |film: usize| {
        let of = [(2, "Comedy"), (3, "Drama"), (5, "Horror"), (1, "Crime")];
        of.iter()
            .filter(|(every, _)| film.is_multiple_of(*every))
            .map(|(_, genre)| *genre)
            .collect::<Vec<_>>()
            .join("|")
    };
    let taken = || (1..61).flat_map(|user| (0..26).map(move |time| (user, (user * 7 + time * 11) % 60, time)));

    let movielens = folder.join("ml-latest-small");
    std::fs::create_dir(&movielens).unwrap();
    let movies: String = films.iter().enumerate().map(|(id, film)| format!("{id},{film},{}\n", genres(id))).collect();
    let ratings: String = taken().map(|(user, film, time)| format!("{user},{film},4.0,{time}\n")).collect();
    std::fs::write(movielens.join("movies.csv"), format!("movieId,title,genres\n{movies}")).unwrap();
    std::fs::write(movielens.join("ratings.csv"), format!("userId,movieId,rating,timestamp\n{ratings}")).unwrap();

    let tweetings = folder.join("movietweetings-100k");
    std::fs::create_dir(&tweetings).unwrap();
    let movies: String = films.iter().enumerate().map(|(id, film)| format!("{id}::{film}::{}\n", genres(id))).collect();
    let ratings: String = taken().map(|(user, film, time)| format!("{user}::{film}::8::{time}\n")).collect();
    std::fs::write(tweetings.join("movies.dat"), movies).unwrap();
    std::fs::write(tweetings.join("ratings.dat"), ratings).unwrap();

    toy::write_model(&folder.join("smollm2-135m"), &["1. Up (2009)\n"], 8192);
}

/// A command made small: trainings of a few steps, of small models.
fn small(arguments: &[String]) -> Vec<String> {
    let lengths = [("--epochs", "1"), ("--steps", "4"), ("--iterations", "1"), ("--users", "20"), ("--items", "60")];
    let mut small = Vec::new();
    let mut words = arguments.iter().cloned();
    while let Some(word) = words.next() {
        let length = lengths.iter().find(|(flag, _)| *flag == word);
        small.push(word);
        if let Some((_, length)) = length {
            words.next();
            small.push((*length).to_owned());
        }
    }
    let command: Vec<&str> = arguments.iter().take(2).map(String::as_str).collect();
    let has = |flag: &str| arguments.iter().any(|word| word == flag);
    let sets: &[&str] = match command[..] {
        ["sasrec", "train"] => &["epochs=1", "model.d_model=16", "model.d_ff=16"],
        ["sft", ..] if has("--from-scratch") => {
            &["steps=4", "validation.users=2", "from_scratch.d_model=16", "from_scratch.n_layers=1"]
        }
        ["sft", ..] => &["steps=4", "batch=2", "gradient_accumulation_steps=1", "validation.users=2"],
        ["distill", ..] => &["iterations=1", "rollout.prompts=2", "minibatch=4", "validation.users=2"],
        ["ppo", ..] => {
            &["iterations=1", "rollout.prompts=2", "rollout.samples=2", "learning.minibatch=4", "validation.users=2"]
        }
        _ => &[],
    };
    small.extend(sets.iter().flat_map(|set| ["--set".to_owned(), (*set).to_owned()]));
    if command[0] == "eval" && !has("--users") {
        small.extend(["--users".to_owned(), "2".into()]);
    }
    small
}

/// Runs a command of a block, which has to succeed.
fn run(folder: &Path, block: &Block, typed: &Typed) {
    let small = small(arguments(typed).unwrap_or_else(|| panic!("{}: {}", block.place, typed.line)));
    let words: Vec<&str> = small.iter().map(String::as_str).collect();
    let mut command = program::command(folder, &words);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(typed.input.as_bytes()).unwrap();
    let end = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&end.stderr);
    assert!(end.status.success(), "{}: {}\nas {}\n{told}", block.place, typed.line, words.join(" "));
    println!("{}: {}", block.place, typed.line);
}

#[test]
fn the_blocks_of_the_readme_and_the_guide_run() {
    for document in RUN {
        let work = tempfile::tempdir().unwrap();
        world(work.path());
        for block in blocks(&root(), document) {
            match &block.needs {
                None => block.commands.iter().for_each(|typed| run(work.path(), &block, typed)),
                Some(needs) => println!("{}: not run, needs {needs}", block.place),
            }
        }
    }
}
