//! `tiller bench`: its output for programs, and what it refuses.

use std::process::{Command, Output};

fn bench(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tiller")).arg("bench").args(args).output().unwrap()
}

#[test]
fn the_products_of_the_cpu_are_measured_by_scheme_variant_and_columns() {
    let output = bench(&["kernels", "--device", "cpu", "--quant", "q4", "--variant", "f32, portable", "--json"]);
    assert!(output.status.success(), "{output:?}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report["ceilings"].is_null(), "{report}");
    let rows = report["rows"].as_array().unwrap();
    let shapes: Vec<&str> = rows.iter().map(|row| row["shape"].as_str().unwrap()).collect();
    assert_eq!(shapes, ["1 x 2048 x 2048", "8 x 2048 x 2048", "64 x 2048 x 2048"]);
    assert!(rows.iter().all(|row| row["stored"] == "q4" && row["gflop_per_s"].as_f64().unwrap() > 0.0), "{report}");
}

#[test]
fn a_variant_that_the_cpu_has_not_is_a_wrong_usage_that_lists_those_it_has() {
    let output = bench(&["kernels", "--device", "cpu", "--variant", "subgroups"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("f32, portable"));
}

#[test]
fn an_unknown_scheme_is_a_wrong_usage_that_names_the_known_ones() {
    let output = bench(&["kernels", "--quant", "q3"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("expected one of f32, f16, q8"));
}

#[test]
fn the_wgsl_of_one_kernel_is_printed_without_a_device() {
    let output = bench(&["kernels", "--op", "gelu", "--variant", "forward", "--wgsl"]);
    assert!(output.status.success(), "{output:?}");
    let wgsl = String::from_utf8(output.stdout).unwrap();
    assert!(wgsl.starts_with("// gelu WORKGROUP=256 WIDE=1\n") && wgsl.contains("fn main("), "{wgsl}");
}

#[test]
fn an_unknown_kernel_is_a_wrong_usage_that_lists_the_known_ones() {
    for (args, known) in [(&["--op", "gelo"][..], "decode_linear"), (&["--op", "gelu", "--variant", "up"], "backward")]
    {
        let output = bench(&[&["kernels", "--wgsl"], args].concat());
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8(output.stderr).unwrap().contains(known));
    }
}
