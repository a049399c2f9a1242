//! The crates that are compiled in: their source, their licences, and our own unsafe lines. `cargo deny check` also checks the
//! advisories, for which it needs the network.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A list of texts in deny.toml.
fn allowed(deny: &toml::Table, table: &str, key: &str) -> Vec<String> {
    let list = deny[table][key].as_array().unwrap();
    list.iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// Evaluates a licence expression such as "MIT OR (Apache-2.0 AND BSD-3-Clause)" against the allowed licences.
fn is_met(expression: &str, allowed: &[String]) -> bool {
    let words = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ").replace(" WITH ", "_WITH_");
    let words: Vec<String> = words.split_whitespace().map(|word| word.replace("_WITH_", " WITH ")).collect();
    let mut words = words.iter().map(String::as_str).peekable();
    either(&mut words, allowed)
}

fn either<'a>(words: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>, allowed: &[String]) -> bool {
    let mut met = both(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        met |= both(words, allowed);
    }
    met
}

fn both<'a>(words: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>, allowed: &[String]) -> bool {
    let mut met = one(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        met &= one(words, allowed);
    }
    met
}

fn one<'a>(words: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>, allowed: &[String]) -> bool {
    match words.next().expect("a licence") {
        "(" => {
            let met = either(words, allowed);
            assert_eq!(words.next(), Some(")"));
            met
        }
        licence => allowed.iter().any(|one| one == licence),
    }
}

#[test]
fn every_crate_comes_from_the_registry_under_a_licence_that_may_be_shipped() {
    let deny: toml::Table = std::fs::read_to_string(root().join("deny.toml")).unwrap().parse().unwrap();
    let licences = allowed(&deny, "licenses", "allow");
    let (met, refused) = ("(MIT OR Apache-2.0) AND Unicode-3.0", ["GPL-3.0", "MIT AND GPL-3.0", "(GPL-2.0)"]);
    assert!(is_met(met, &licences) && refused.iter().all(|expression| !is_met(expression, &licences)));

    // What is linked on this system: crates of other systems and of tests stay out.
    let tree = ["tree", "--locked", "--offline", "--edges", "normal,build", "--prefix", "none", "--format", "{p}\t{l}"];
    let output = Command::new(env!("CARGO")).args(tree).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    let crates: BTreeSet<&str> = tree.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    for line in &crates {
        let (package, licence) = line.split_once('\t').unwrap();
        assert!(!licence.is_empty() && is_met(licence, &licences), "{package}: {licence:?}");
    }
    assert!(crates.len() > 100, "{}", crates.len());

    let lock: toml::Table = std::fs::read_to_string(root().join("Cargo.lock")).unwrap().parse().unwrap();
    for package in lock["package"].as_array().unwrap() {
        let (name, source) =
            (package["name"].as_str().unwrap(), package.get("source").and_then(|source| source.as_str()));
        let registry = source.is_some_and(|source| source.starts_with("registry+"));
        assert!(registry || source.is_none() && name.starts_with("tiller"), "{name} comes from {source:?}");
    }
}

/// Every Rust file below a folder.
fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn unsafe_code_stands_where_the_architecture_says() {
    let mut files = Vec::new();
    ["src", "models", "kernels", "tests", "benches"]
        .iter()
        .for_each(|folder| rust_files(&root().join(folder), &mut files));
    let allows = concat!("allow(", "unsafe_code)");
    let unsafe_files = files.iter().filter(|file| std::fs::read_to_string(file).unwrap().contains(allows));
    let found: Vec<String> =
        unsafe_files.map(|file| file.strip_prefix(root()).unwrap().display().to_string().replace('\\', "/")).collect();
    let told = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let rows = told.split("| place | what | why it holds |").nth(1).unwrap().lines().skip(2);
    let mut told: Vec<&str> =
        rows.take_while(|row| row.starts_with('|')).map(|row| row.split('`').nth(1).unwrap()).collect();
    let mut found: Vec<&str> = found.iter().map(String::as_str).collect();
    told.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, told);
}

/// The packages of a lock file with their versions.
fn locked(lock: &Path) -> BTreeSet<(String, String)> {
    let lock: toml::Table = std::fs::read_to_string(lock).unwrap().parse().unwrap();
    let text = |package: &toml::Value, key: &str| package[key].as_str().unwrap().to_owned();
    let packages = lock["package"].as_array().unwrap();
    packages.iter().map(|package| (text(package, "name"), text(package, "version"))).collect()
}

#[test]
fn the_fuzz_targets_use_the_same_crates_in_the_same_profile() {
    let (main, fuzz) = (locked(&root().join("Cargo.lock")), locked(&root().join("fuzz/Cargo.lock")));
    let other: Vec<_> = fuzz.difference(&main).filter(|(name, _)| name != "tiller-fuzz").collect();
    assert!(
        other.is_empty(),
        "`cp Cargo.lock fuzz/Cargo.lock; cargo metadata --manifest-path fuzz/Cargo.toml` {other:?}"
    );

    let profile = |manifest: &str| {
        let manifest: toml::Table = std::fs::read_to_string(root().join(manifest)).unwrap().parse().unwrap();
        let mut release = manifest["profile"]["release"].as_table().unwrap().clone();
        let packages = release["package"].as_table_mut().unwrap();
        packages.retain(|name, _| !name.starts_with("tiller"));
        release
    };
    assert_eq!(
        profile("Cargo.toml"),
        profile("fuzz/Cargo.toml"),
        "the profile of fuzz/Cargo.toml is that of Cargo.toml"
    );
}
