//! `tiller plan` from outside: what fits, what does not, and the way out.

use std::process::{Command, Output};

use serde_json::Value;

fn plan(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tiller")).args(["--device", "cpu", "plan"]).args(args).output().unwrap()
}

#[test]
fn what_fits_is_said_and_what_does_not_ends_with_exit_code_3_and_a_way_out() {
    let fits = plan(&["--shape", "tiny", "--memory", "8GiB", "--json"]);
    assert!(fits.status.success(), "{fits:?}");
    let report: Value = serde_json::from_slice(&fits.stdout).unwrap();
    for plan in report["plans"].as_array().unwrap() {
        let bytes = |part: &str| plan[part].as_u64().unwrap();
        assert!(bytes("total") >= bytes("weights") && plan["verdict"] == "fits", "{plan}");
    }

    let small = ["sft", "--shape", "smollm2-135m", "--batch", "8", "--memory", "1500MiB"];
    let refused = plan(&small);
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(error.contains("sft does not fit") && error.contains("next: --batch"), "{error}");
    assert!(String::from_utf8(refused.stdout).unwrap().contains("does not fit"), "the table is printed all the same");
    let json = plan(&[&small[..], &["--json"]].concat());
    let report: Value = serde_json::from_slice(&json.stdout).unwrap();
    let remedy = &report["plans"][0]["remedy"];
    assert!(remedy["total"].as_u64().unwrap() <= 1500 << 20 && remedy["flags"].is_string(), "{remedy}");

    let hopeless = plan(&["recommend", "--shape", "llama2-7b", "--memory", "1GiB"]);
    assert_eq!(hopeless.status.code(), Some(3));
    assert!(String::from_utf8(hopeless.stderr).unwrap().contains("a smaller model"));
    assert_eq!(plan(&["--memory", "much"]).status.code(), Some(2));
}
