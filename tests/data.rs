//! `tiller data` as its users see it: commands, files, exit codes.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use sha2::{Digest, Sha256};
use tiller::data::Dataset;
use tiller::data::split::{Split, held_out};
use tiller_models::tokenizer::Tokenizer;

const MOVIES: &str = "0001::Été \"indien\" (1999)::Drama|Comedy\n0002::Heat (1995)::Crime\n0003::Heat (1995)::Drama\n";
const RATINGS: &str = "7::0001::9::30\n7::0002::9::10\n7::0003::1::20\n8::0001::9::5\n8::0003::9::6\n9::0001::9::1\n";

fn tiller(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tiller")).args(arguments).current_dir(folder).output().unwrap()
}

fn succeed(folder: &Path, arguments: &[&str]) -> String {
    let output = tiller(folder, arguments);
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {stderr}");
    assert_eq!(stderr, "", "nothing to say on stderr where it is no terminal");
    stdout
}

/// A folder with a small MovieTweetings release in `raw`.
fn raw_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("raw")).unwrap();
    std::fs::write(folder.path().join("raw/movies.dat"), MOVIES).unwrap();
    std::fs::write(folder.path().join("raw/ratings.dat"), RATINGS).unwrap();
    folder
}

const IMPORT: [&str; 11] =
    ["data", "import", "--format", "movietweetings", "raw", "--out", "set", "--min-user", "2", "--min-item", "2"];

#[test]
fn an_import_writes_the_promised_files() {
    let folder = raw_folder();
    let text = succeed(folder.path(), &IMPORT);
    assert!(text.starts_with("set: 4 interactions of 2 users with 2 items in 2 categories\n"), "{text}");
    let read = |file: &str| std::fs::read_to_string(folder.path().join("set").join(file)).unwrap();
    assert_eq!(
        read("items.csv"),
        "item,title,categories,year\n0003,Heat (1995),Drama,1995\n0001,\"Été \"\"indien\"\" (1999)\",Drama|Comedy,1999\n"
    );
    assert_eq!(read("interactions.csv"), "user,item,timestamp\n7,0003,20\n7,0001,30\n8,0001,5\n8,0003,6\n");
    let about: Value = serde_json::from_str(&read("dataset.json")).unwrap();
    assert_eq!((&about["name"], &about["licence"]), (&Value::from("set"), &Value::from("MIT")));
    assert_eq!((&about["filters"]["min_user"], &about["counts"]["interactions"]), (&Value::from(2), &Value::from(4)));
}

#[test]
fn an_import_again_gives_the_same_bytes() {
    let folder = raw_folder();
    let bytes = || {
        ["items.csv", "interactions.csv", "dataset.json"]
            .map(|file| std::fs::read(folder.path().join("set").join(file)).unwrap())
    };
    succeed(folder.path(), &IMPORT);
    let first = bytes();
    succeed(folder.path(), &IMPORT);
    assert_eq!(bytes(), first);
}

#[test]
fn without_a_filter_all_is_kept_and_one_title_serves_one_item() {
    let folder = raw_folder();
    succeed(
        folder.path(),
        &["data", "import", "--format", "movietweetings", "raw", "--out", "all", "--min-user", "0", "--min-item", "0"],
    );
    let dataset = Dataset::read(&folder.path().join("all")).unwrap();
    assert_eq!((dataset.users.len(), dataset.catalogue.len(), dataset.interactions()), (3, 3, 6));
    let titles: Vec<&str> = dataset.catalogue.items().iter().map(|item| item.title.as_str()).collect();
    assert_eq!(titles, ["Heat (1995)", "Heat (1995) (2)", "Été \"indien\" (1999)"]);
    let user = dataset.user("7").unwrap();
    assert_eq!(dataset.catalogue.title(held_out(user, Split::Test).unwrap().target), "Été \"indien\" (1999)");
}

#[test]
fn a_tokenizer_gives_titles_the_form_that_it_writes() {
    let folder = raw_folder();
    let long = format!("0004::{} (1999)::Drama\n", "ab\u{1f680}".repeat(100));
    std::fs::write(folder.path().join("raw/movies.dat"), [MOVIES, &long].concat()).unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/models/tests/golden/tokenizer/byte_level.json");
    let flags = ["--out", "all", "--min-user", "0", "--min-item", "0", "--tokenizer", path];
    succeed(folder.path(), &[&IMPORT[..5], &flags].concat());

    let dataset = Dataset::read(&folder.path().join("all")).unwrap();
    let tokenizer = Tokenizer::from_path(Path::new(path)).unwrap();
    for item in dataset.catalogue.items() {
        let ids = tokenizer.encode_plain(&item.title).unwrap();
        assert!(ids.len() <= 64 && tokenizer.decode(&ids, true).unwrap() == item.title, "{}", item.title);
    }
    let cut = &dataset.catalogue.items()[3];
    assert!(
        cut.title.len() > 20 && cut.title.ends_with('\u{1f680}') | cut.title.ends_with(['a', 'b']),
        "{}",
        cut.title
    );
    assert_eq!(cut.attributes, ["1999"], "the year is read before the title is cut");
    assert!(dataset.catalogue.by_title("Heat (1995) (2)").is_some());
}

#[test]
fn bad_input_ends_with_code_2_and_writes_nothing() {
    let folder = raw_folder();
    std::fs::write(folder.path().join("raw/ratings.dat"), "7::0001::9::30\n7::0002::9\n").unwrap();
    let torn = tiller(folder.path(), &IMPORT);
    let message = String::from_utf8(torn.stderr).unwrap();
    assert_eq!(torn.status.code(), Some(2));
    assert!(
        message.contains("ratings.dat line 2: expected user::item::rating::timestamp, found \"7::0002::9\""),
        "{message}"
    );
    assert_eq!(torn.stdout, b"");

    std::fs::write(folder.path().join("raw/ratings.dat"), RATINGS).unwrap();
    let five_core = tiller(folder.path(), &IMPORT[..7]);
    assert_eq!(five_core.status.code(), Some(2));
    assert!(String::from_utf8(five_core.stderr).unwrap().contains("next: lower --min-user and --min-item"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "only the raw folder is there");

    for arguments in [&["data", "stats", "nowhere"][..], &["data", "import", "--format", "vhs", "raw", "--out", "set"]]
    {
        assert_eq!(tiller(folder.path(), arguments).status.code(), Some(2), "{arguments:?}");
    }
}

/// A log of seven users with six items each in `log.csv`: times that `time` spells from a user and a position.
fn log_folder(time: impl Fn(usize, usize) -> String) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let rows = (0..7).flat_map(|user| (0..6).map(move |at| (user, at)));
    let rows = rows.map(|(user, at)| format!("u{user},i{},{}\n", (user + at) % 8, time(user, at)));
    std::fs::write(folder.path().join("log.csv"), format!("user,item,timestamp\n{}", rows.collect::<String>()))
        .unwrap();
    folder
}

const IMPORT_LOG: [&str; 10] =
    ["data", "import", "--format", "csv", "log.csv", "--out", "set", "--min-user=0", "--min-item=0", "--json"];

#[test]
fn times_in_any_unit_are_the_same_days() {
    for (unit, zeros) in
        [("seconds", ""), ("milliseconds", "007"), ("microseconds", "007007"), ("nanoseconds", "007007007")]
    {
        let folder = log_folder(|user, at| format!("{}{zeros}", 1_600_000_000 + 86_400 * at + user));
        let about: Value = serde_json::from_str(&succeed(folder.path(), &IMPORT_LOG)).unwrap();
        assert_eq!(about["filters"]["times"], format!("read as {unit}"));
        let stats: Value = serde_json::from_str(&succeed(folder.path(), &["data", "stats", "set", "--json"])).unwrap();
        assert_eq!(
            (&stats["time"]["first_day"], &stats["time"]["last_day"]),
            (&"2020-09-13".into(), &"2020-09-18".into())
        );
    }
    let folder = log_folder(|user, at| format!("{}{}", 1_600_000_000 + at, if user == 3 { "000" } else { "" }));
    let mixed = tiller(folder.path(), &IMPORT_LOG);
    let message = String::from_utf8(mixed.stderr).unwrap();
    assert_eq!(mixed.status.code(), Some(2));
    assert!(
        message.contains("log.csv line 20: expected a time in seconds") && message.contains("log.csv line 2"),
        "{message}"
    );
}

#[test]
fn rows_without_a_time_are_counted_or_stand_where_the_file_has_them() {
    let folder =
        log_folder(|user, at| if at == 4 && user < 6 { ["", "NaN", "null"][user % 3].into() } else { at.to_string() });
    let about: Value = serde_json::from_str(&succeed(folder.path(), &IMPORT_LOG)).unwrap();
    let counts = &about["counts"];
    assert_eq!((&counts["interactions"], &counts["dropped"]["interactions_without_time"]), (&36.into(), &6.into()));
    let said = succeed(folder.path(), &[&IMPORT_LOG[..9], &["--missing-time", "file-order"]].concat());
    assert!(said.contains("set: 42 interactions") && said.contains("kept: 6 interactions without a time"), "{said}");
    assert!(said.contains("ties: 6 interactions at the same time as the one before"), "{said}");
    let stats = succeed(folder.path(), &["data", "stats", "set"]);
    assert!(stats.contains("6 interactions in the same second as the one before"), "{stats}");
}

#[test]
fn what_is_left_out_is_told_by_reason_above_all_when_nothing_is_left() {
    let folder = raw_folder();
    let all = ["--out", "all", "--min-user", "0", "--min-item", "0", "--min-rating", "6"];
    let said = succeed(folder.path(), &[&IMPORT[..5], &all].concat());
    assert!(said.contains("left out: 1 interactions with a rating below the minimum"), "{said}");
    std::fs::write(folder.path().join("raw/movies.dat"), "0009::Other (1999)::Drama\n").unwrap();
    let nothing = tiller(folder.path(), &IMPORT);
    let message = String::from_utf8(nothing.stderr).unwrap();
    assert_eq!(nothing.status.code(), Some(2));
    assert!(message.contains("6 interactions with items that are not in the catalogue"), "{message}");
    assert!(message.contains("no item \"0001\" in the catalogue (it has \"0009\")"), "{message}");
    assert!(!message.contains("lower --min"), "{message}");
    let file = tiller(folder.path(), &["data", "import", "--format", "movielens", "raw/ratings.dat", "--out", "set"]);
    assert_eq!(file.status.code(), Some(2));
    assert!(String::from_utf8(file.stderr).unwrap().contains("next: give the folder that holds it"));
}

#[test]
fn results_are_machine_readable() {
    let folder = raw_folder();
    let json = |arguments: &[&str]| -> Value { serde_json::from_str(&succeed(folder.path(), arguments)).unwrap() };
    let about = json(&[&IMPORT[..], &["--json"]].concat());
    assert_eq!(about["counts"]["dropped"]["interactions_below_core"], 2);
    let stats = json(&["data", "stats", "set", "--json"]);
    assert_eq!((&stats["users"], &stats["items"], &stats["interactions"]), (&2.into(), &2.into(), &4.into()));
    assert_eq!(stats["lengths"]["histogram"][0]["users"], 2);
    assert_eq!(stats["categories"]["largest"][0]["name"], "Drama");
    let invented = json(&["data", "synth", "--users", "30", "--items", "40", "--out", "world", "--json"]);
    assert_eq!((&invented["counts"]["users"], &invented["counts"]["items"]), (&30.into(), &40.into()));
}

#[test]
fn a_cold_split_keeps_the_catalogue_and_the_targets() {
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), &["data", "synth", "--users", "60", "--items", "40", "--out", "world"]);
    let said = succeed(folder.path(), &["data", "split", "world", "--cold", "0.25", "--out", "cold"]);
    assert!(said.contains("cold: 10 items without training interactions"), "{said}");
    let [world, cold] = ["world", "cold"].map(|name| Dataset::read(&folder.path().join(name)).unwrap());
    assert_eq!(world.catalogue.fingerprint(), cold.catalogue.fingerprint());
    let about: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("cold/dataset.json")).unwrap()).unwrap();
    assert_eq!((&about["cold"]["items"], &about["cold"]["seed"]), (&10.into(), &1.into()));
    let refused = tiller(folder.path(), &["data", "split", "world", "--cold", "1.5", "--out", "none"]);
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn stats_are_readable() {
    let folder = raw_folder();
    succeed(folder.path(), &IMPORT);
    let text = succeed(folder.path(), &["data", "stats", "set"]);
    for part in
        ["users            2", "density          100.00 %", "min 2, quartiles 2 2 2, max 2, mean 2.0", "█", "Drama"]
    {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
}

#[test]
fn a_seed_gives_the_same_bytes_on_every_machine() {
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), &["data", "synth", "--out", "world"]);
    let mut hash = Sha256::new();
    for file in ["items.csv", "interactions.csv", "dataset.json"] {
        hash.update(std::fs::read(folder.path().join("world").join(file)).unwrap());
    }
    let hash: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hash, "4205a32ba99b5c01891c15e9e37d90e1c6c915747ff9c8325865cbbb71fc0d2b");
}

#[test]
fn help_shows_examples() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["import", "split", "stats", "synth"] {
        let help = succeed(folder.path(), &["data", command, "--help"]);
        assert!(help.contains(&format!("Examples:\n  tiller data {command} ")), "{help}");
    }
}
