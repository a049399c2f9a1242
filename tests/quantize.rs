//! `tiller quantize` from outside: what it prints, what it refuses, and that others can use what it writes.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::common::toy;

fn tiller(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tiller")).args(args).output().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_folder_becomes_an_f16_folder_that_answers_the_same() {
    let place = tempfile::tempdir().unwrap();
    let [model, f16_model] = ["model", "f16_model"].map(|name| place.path().join(name));
    toy::write_model(&model, &["1. Heat (1995)", "2. Ran (1985)"], 512);
    let output = tiller(&["quantize", text(&model), "--to", "f16", "--out", text(&f16_model), "--json"]);
    assert!(output.status.success(), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["bytes_before"].as_u64(), report["bytes_after"].as_u64().map(|bytes| 2 * bytes));
    assert_eq!((report["bits_per_weight"].as_f64(), report["scheme"].as_str()), (Some(16.0), Some("f16")));
    let kinds = report["kinds"].as_array().unwrap();
    assert!(kinds.iter().any(|kind| kind["name"] == "q_proj" && kind["rms_error"] == 0.0), "{kinds:?}");

    let data = toy::write_data_set(&place.path().join("films"));
    let answer = |model: &Path| {
        let asked = ["--user", "anna", "-k", "1", "--decode", "free", "--device", "cpu"];
        let output = tiller(&[&["recommend", text(&data), "--model", text(model)], &asked[..]].concat());
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(answer(&f16_model), answer(&model));
}

#[test]
fn what_cannot_be_written_is_refused_before_anything_is() {
    let place = tempfile::tempdir().unwrap();
    let model = place.path().join("model");
    toy::write_model(&model, &["1. Heat (1995)"], 512);
    for (scheme, out, reason) in [
        ("q4_0", "folder", "ending in .gguf"),
        // The toy's tokenizer cuts nothing at all.
        ("f16", "model.gguf", "a splitting rule that GGUF has a name for"),
        ("q5_1", "model.gguf", "expected one of f32, f16, q8_0"),
    ] {
        let out = place.path().join(out);
        let output = tiller(&["quantize", text(&model), "--to", scheme, "--out", text(&out)]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(reason), "{error}");
        assert!(!out.exists());
    }
}
