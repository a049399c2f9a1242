//! `--rank` and `--slices` from the command line.

use serde_json::{Value, json};

use crate::common::fixture::work;
use crate::common::program::{fail, succeed};

#[test]
fn rankings_have_rows_of_their_own_and_slices_tell_users_apart() {
    let folder = work();
    let folder = folder.path();
    let arguments = [
        "eval",
        "films",
        "--model",
        "sft/model",
        "--decode",
        "strict",
        "--tasks",
        "I0,+C",
        "--users",
        "8",
        "--rank",
        "--slices",
    ];
    let found: Value = serde_json::from_str(&succeed(folder, &[&arguments[..], &["--json"]].concat())).unwrap();
    let rows = found["rows"].as_array().unwrap();
    let labels: Vec<Value> = rows.iter().map(|row| json!([row["name"], row["decode"], row["ranked"]])).collect();
    let expected = [
        json!(["popularity", null, null]),
        json!(["popularity", null, true]),
        json!(["SASRec", null, null]),
        json!(["SASRec", null, true]),
        json!(["sft", "strict", null]),
        json!(["sft", null, true]),
    ];
    assert_eq!(labels, expected);
    for row in rows {
        for (task, metrics) in [(0, &["RepeatItem", "InHistory", "NonExist"][..]), (1, &["RepeatItem", "NonExist"])] {
            for metric in metrics {
                assert_eq!(row["subjects"][task]["exact"][metric]["mean"], 0.0, "{} {metric}", row["name"]);
            }
        }
        assert_eq!(
            row["subjects"][1]["exact"]["TCP"]["mean"], 1.0,
            "{}: a request holds in a ranking too",
            row["name"]
        );
    }
    let compared = |row: &str, with: &str| {
        found["comparisons"].as_array().unwrap().iter().any(|one| one["row"] == row && one["with"] == with)
    };
    assert!(compared("sft rank", "SASRec rank") && compared("sft strict", "SASRec"));
    assert!(!compared("sft rank", "SASRec") && !compared("sft strict", "SASRec rank"));

    let slices = found["slices"].as_array().unwrap();
    let users = |is_of: &dyn Fn(&str) -> bool| -> u64 {
        let of_kind = slices.iter().filter(|slice| is_of(slice["slice"].as_str().unwrap()));
        of_kind.map(|slice| slice["users"].as_u64().unwrap()).sum()
    };
    assert_eq!((users(&|name| name.starts_with("history")), users(&|name| name.ends_with("items"))), (8, 8));
    for slice in slices {
        let of_slice = &rows[4]["subjects"][0]["slices"][slice["slice"].as_str().unwrap()];
        assert_eq!((&of_slice["HR"]["users"], &of_slice["NDCG"]["users"]), (&slice["users"], &slice["users"]));
    }
    let mean: f64 = slices
        .iter()
        .filter(|slice| slice["slice"].as_str().unwrap().ends_with("items"))
        .map(|slice| {
            let of_slice = &rows[2]["subjects"][0]["slices"][slice["slice"].as_str().unwrap()]["NDCG"];
            of_slice["mean"].as_f64().unwrap() * of_slice["users"].as_f64().unwrap() / 8.0
        })
        .sum();
    assert!((mean - rows[2]["subjects"][0]["exact"]["NDCG"]["mean"].as_f64().unwrap()).abs() < 1e-9);

    let table = succeed(folder, &arguments);
    let named = slices[0]["slice"].as_str().unwrap();
    for part in ["SASRec rank", "sft rank", &format!("I0 HR, {named} ("), "I0 NDCG − SASRec, paired"] {
        assert!(table.contains(part), "{part:?} is missing in\n{table}");
    }
}

#[test]
fn a_ranked_list_satisfies_its_request_and_tells_its_scores() {
    let folder = work();
    let folder = folder.path();
    let arguments = ["recommend", "films", "--model", "sft/model", "--user", "u1", "-k", "5", "--rank"];
    let list: Value = serde_json::from_str(&succeed(folder, &[&arguments[..], &["--json"]].concat())).unwrap();
    let items = list["items"].as_array().unwrap();
    let scores: Vec<f64> = items.iter().map(|item| item["log_prob"].as_f64().unwrap()).collect();
    assert!(items.len() == 5 && items.iter().all(|item| item["status"] == "ok"), "{list}");
    assert!(scores.is_sorted_by(|one, other| one >= other) && scores[0] < 0.0, "{scores:?}");
    assert!(list["guidance"].is_null() && list["guide_weight"].is_null());

    let excluded = items[0]["title"].as_str().unwrap();
    let without: Value =
        serde_json::from_str(&succeed(folder, &[&arguments[..], &["--exclude", excluded, "--json"]].concat())).unwrap();
    let left = without["items"].as_array().unwrap();
    assert!(
        left.len() == 5 && left.iter().all(|item| item["status"] == "ok" && item["title"] != excluded),
        "{without}"
    );
    assert!(succeed(folder, &arguments).contains("(log-probability -"));
    fail(folder, &[&arguments[..], &["--decode", "free"]].concat(), 2, "--decode free");
    fail(folder, &[&arguments[..], &["--guide", "teacher"]].concat(), 2, "--rank");
}
