//! The layers of the program, and crates whose files form no circles.

use std::collections::{BTreeMap, BTreeSet};

use super::modules::{Use, uses};
use super::{expect_none, root};

/// The folders of `src`, from the ones that stand on none to the ones that stand on all.
const LAYERS: [(&str, &[&str]); 8] = [
    ("base", &["run", "pull"]),
    ("data", &["data", "request", "task", "teacher"]),
    ("lists", &["constrain", "recommend", "converse"]),
    ("tasks", &["instruct", "reward", "evaluate"]),
    ("tuning", &["train", "ppo", "distill"]),
    ("comparison", &["experiment", "report", "plan", "bench", "auto_device"]),
    ("service", &["serve"]),
    ("front", &["cli"]),
];

/// The crates' folders and names, each of which uses only those behind it.
const CRATES: [(&str, &str); 3] =
    [("src", "tiller"), ("models/src", "tiller_models"), ("kernels/src", "tiller_kernels")];

/// The layer of a file of `src`; `None` for the root of the crate, which only re-exports.
fn layer(file: &str) -> Option<Result<usize, String>> {
    let (folder, _) = file.strip_prefix("src/")?.split_once('/').or_else(|| {
        let alone = file.strip_prefix("src/")?.trim_end_matches(".rs");
        (!matches!(alone, "lib" | "main" | "prelude" | "error")).then_some((alone, ""))
    })?;
    let found = LAYERS.iter().position(|(_, folders)| folders.contains(&folder));
    Some(found.ok_or_else(|| format!("{file}:1: folder {folder} has no layer in tests/house/layers.rs")))
}

#[test]
fn no_import_of_the_program_runs_up() {
    let mut findings = BTreeSet::new();
    for used in uses("src", "tiller") {
        match (layer(&used.from), layer(&used.to)) {
            (Some(Err(unknown)), _) | (_, Some(Err(unknown))) => drop(findings.insert(unknown)),
            (Some(Ok(from)), Some(Ok(to))) if from < to => {
                let (from, to) = (LAYERS[from].0, LAYERS[to].0);
                findings.insert(format!("{}: {from} uses {to}: {} of {}", used.place, used.path, used.to));
            }
            _ => {}
        }
    }
    expect_none("imports run down the layers", &Vec::from_iter(findings));
}

#[test]
fn a_crate_uses_only_those_below_it() {
    for (at, (folder, name)) in CRATES.iter().enumerate() {
        let manifest = root().join(folder.trim_end_matches("src")).join("Cargo.toml");
        let text = std::fs::read_to_string(manifest).unwrap();
        let package = text.split("[package]").nth(1).unwrap();
        for (_, above) in &CRATES[..=at] {
            let named = above.replace('_', "-");
            let depends = package
                .lines()
                .any(|line| line.starts_with(&format!("{named}.")) || line.starts_with(&format!("{named} ")));
            assert!(!depends, "{folder}: the crate {name} depends on {above}");
        }
    }
}

#[test]
fn the_files_of_a_crate_form_no_circle() {
    let findings: Vec<String> = CRATES.iter().flat_map(|(folder, name)| circles(&uses(folder, name))).collect();
    expect_none("files form no circle", &findings);
}

/// The circles of files, each as its size and the uses along the shortest way around.
fn circles(uses: &[Use]) -> Vec<String> {
    let mut graph: BTreeMap<&str, BTreeMap<&str, &Use>> = BTreeMap::new();
    for used in uses {
        graph.entry(&used.from).or_default().entry(&used.to).or_insert(used);
    }
    let reach: BTreeMap<&str, BTreeSet<&str>> = graph.keys().map(|file| (*file, reachable(&graph, file))).collect();
    let mut told: BTreeSet<&str> = BTreeSet::new();
    let mut found = Vec::new();
    for (file, reached) in &reach {
        if !reached.contains(file) || told.contains(file) {
            continue;
        }
        let members: Vec<&str> =
            reached.iter().filter(|other| reach.get(**other).is_some_and(|r| r.contains(file))).copied().collect();
        told.extend(&members);
        let way = shortest_way_around(&graph, &members);
        let first = &way[0].place;
        let steps: Vec<String> =
            way.iter().map(|used| format!("    {}: {} of {}", used.place, used.path, used.to)).collect();
        found.push(format!(
            "{first}: a circle of {} files: {}\n{}",
            members.len(),
            members.join(" "),
            steps.join("\n")
        ));
    }
    found
}

fn reachable<'a>(graph: &BTreeMap<&'a str, BTreeMap<&'a str, &Use>>, from: &'a str) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut next = vec![from];
    while let Some(file) = next.pop() {
        let targets = graph.get(file).into_iter().flat_map(|targets| targets.keys());
        next.extend(targets.filter(|target| seen.insert(**target)));
    }
    seen
}

fn shortest_way_around<'a>(graph: &BTreeMap<&str, BTreeMap<&str, &'a Use>>, members: &[&str]) -> Vec<&'a Use> {
    let ways = members.iter().filter_map(|start| {
        let mut ways: Vec<Vec<&Use>> = graph[start].values().map(|used| vec![*used]).collect();
        let mut seen = BTreeSet::new();
        while !ways.is_empty() {
            if let Some(way) = ways.iter().find(|way| way.last().unwrap().to == *start) {
                return Some(way.clone());
            }
            let longer = |way: &Vec<&'a Use>| -> Vec<Vec<&'a Use>> {
                let targets = graph.get(way.last().unwrap().to.as_str());
                targets.into_iter().flat_map(|t| t.values()).map(|used| [&way[..], &[*used]].concat()).collect()
            };
            ways = ways.iter().flat_map(longer).filter(|way| seen.insert(way.last().unwrap().to.clone())).collect();
        }
        None
    });
    ways.min_by_key(Vec::len).unwrap()
}
