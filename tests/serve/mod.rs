//! `tiller serve`: the API, its limits, what it survives, and the page in a browser.

mod access;
mod api;
mod examples;
mod faults;
mod guided;
mod joining;
mod load;
mod page;
mod teach;

use std::path::Path;
use std::sync::OnceLock;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::program::succeed;
use crate::common::served::Served;
use crate::common::world::{SFT, TEACH};

/// A data set with room for every request of these tests.
const SYNTH: &[&str] = &["data", "synth", "--users", "60", "--items", "200", "--seed", "3", "--out", "films"];

/// A folder with the data set `films`, its teacher, and the model `sft/model`, made once for all tests of this file.
fn world() -> &'static Path {
    static WORLD: OnceLock<TempDir> = OnceLock::new();
    let made = WORLD.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        for command in [SYNTH, TEACH, SFT] {
            succeed(folder.path(), command);
        }
        folder
    });
    made.path()
}

/// A server of the teacher alone.
fn teacher() -> Served {
    Served::start(world(), &["films"])
}

/// A server of the teacher and the model.
fn model() -> Served {
    Served::start(world(), &["films", "--model", "sft/model"])
}

/// The largest category of the data set, and the second largest.
fn two_categories(served: &Served) -> [String; 2] {
    let catalogue = served.get("/v1/catalogue").ok();
    let mut categories: Vec<(u64, String)> = catalogue["categories"]
        .as_array()
        .unwrap()
        .iter()
        .map(|category| (category["items"].as_u64().unwrap(), category["name"].as_str().unwrap().to_owned()))
        .collect();
    categories.sort();
    let mut largest = categories.into_iter().rev().map(|(_, name)| name);
    [largest.next().unwrap(), largest.next().unwrap()]
}

/// The titles of a list.
fn titles(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap()).collect()
}

/// Fails unless a list is complete, and each of its items valid.
#[track_caller]
fn expect_valid(list: &Value) {
    let items = list["items"].as_array().unwrap_or_else(|| panic!("no list: {list}"));
    assert_eq!(json!(items.len()), list["request"]["k"], "{list:#}");
    assert!(items.iter().all(|item| item["status"] == "ok" && item["breaks"].is_null()), "{list:#}");
}
