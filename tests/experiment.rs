//! `tiller experiment` from the command line.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn tiller(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tiller"));
    command.args(["--device", "cpu", "experiment"]).args(arguments).current_dir(folder).output().unwrap()
}

#[test]
fn stages_end_in_a_table_and_strict_lists_satisfy_their_requests() {
    let folder = tempfile::tempdir().unwrap();
    let output = tiller(folder.path(), &["stages", "--quick"]);
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stderr}");
    assert!(stdout.contains("full strict") && stdout.contains("experiments/stages"), "{stdout}");

    let out = folder.path().join("experiments/stages");
    let found: Value = serde_json::from_slice(&std::fs::read(out.join("results.json")).unwrap()).unwrap();
    let rows = found["evaluation"]["rows"].as_array().unwrap();
    let strict: Vec<&Value> = rows.iter().filter(|row| row["decode"] == "strict").collect();
    let names: Vec<&str> = strict.iter().map(|row| row["name"].as_str().unwrap()).collect();
    // Alone, then guided by the teacher.
    assert_eq!(names, ["v1", "v1", "v2", "v2", "distilled", "distilled", "full", "full"]);
    for row in strict {
        for subject in row["subjects"].as_array().unwrap() {
            let mean = |metric: &str| subject["exact"][metric]["mean"].as_f64();
            for (metric, expected) in
                [("CorrectCount", 1.0), ("NonExist", 0.0), ("RepeatItem", 0.0), ("InHistory", 0.0), ("Obeyed", 1.0)]
            {
                assert_eq!(mean(metric), Some(expected), "{} {metric}", row["name"]);
            }
            assert!(mean("CPA").is_none_or(|cpa| cpa == 1.0));
        }
    }

    let again = tiller(folder.path(), &["stages", "--quick", "--json"]);
    let stderr = String::from_utf8_lossy(&again.stderr);
    assert!(again.status.success() && stderr.contains("full-2024: done already"), "{stderr}");
    assert_eq!(serde_json::from_slice::<Value>(&again.stdout).unwrap(), found);
}

#[test]
fn wrong_usage_names_the_place_and_the_next_step() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("mine.toml"),
        "title = 'T'\nquestion = 'Q'\n[[arm]]\nname = 'a'\nsft = { epocs = 1 }",
    )
    .unwrap();
    let cases: &[(&[&str], &[&str])] = &[
        (&["stage"], &["stages", "TOML"]),
        (&["mine.toml"], &["arm a, sft", "epocs"]),
        (&["stages", "--quick", "--set", "eval.userz=1"], &["userz"]),
        (&["stages", "--quick", "--data", "nowhere"], &["nowhere", "no such folder"]),
    ];
    for (arguments, parts) in cases {
        let output = tiller(folder.path(), arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &b""[..]), "{stderr}");
        for part in *parts {
            assert!(stderr.contains(part), "{part:?} is missing in {stderr}");
        }
    }
}
