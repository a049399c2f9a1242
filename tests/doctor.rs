//! `tiller doctor` from outside: what it prints, and that it needs neither GPU nor Vulkan.

use std::process::{Command, Output};

use serde_json::Value;

fn doctor(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tiller")).arg("doctor").args(args).output().unwrap()
}

/// This machine without any Vulkan driver, as far as a loader can tell.
fn doctor_without_drivers(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tiller"))
        .arg("doctor")
        .args(args)
        .env("VK_DRIVER_FILES", "/nonexistent.json")
        .env("VK_ICD_FILENAMES", "/nonexistent.json")
        .output()
        .unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"))
}

#[test]
fn the_report_names_every_adapter_the_processor_and_the_choice() {
    let output = doctor(&["--json"]);
    assert!(output.status.success(), "{output:?}");
    let report = json(&output);
    let adapters = report["adapters"].as_array().unwrap();
    assert!(!adapters.is_empty(), "the tests need an adapter, a software one will do (tests/run.sh installs it)");
    for adapter in adapters {
        assert!(!adapter["name"].as_str().unwrap().is_empty());
        assert!(adapter["driver"].is_string() && adapter["kind"].is_string() && adapter["backend"].is_string());
        assert!(adapter["capabilities"]["max_binding_bytes"].as_u64().unwrap() > 0);
    }
    assert!(report["cpu"]["cores"].as_u64().unwrap() >= 1);
    assert_eq!(report["choice"]["asked"], "auto");
    assert!(!report["choice"]["why"].as_str().unwrap().is_empty());
}

#[test]
fn the_first_adapter_can_be_taken_by_its_name() {
    let report = json(&doctor(&["--json"]));
    let name = report["adapters"][0]["name"].as_str().unwrap();
    let chosen = json(&doctor(&["--json", "--device", name]));
    assert_eq!(chosen["adapters"][chosen["choice"]["adapter"].as_u64().unwrap() as usize]["name"], name);

    let text = doctor(&["--device", name]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("largest binding") && text.contains(&format!("--device {name} takes {name}")), "{text}");
}

#[test]
fn without_drivers_the_cpu_is_taken_and_the_reason_is_said() {
    let output = doctor_without_drivers(&["--json"]);
    assert!(output.status.success(), "{output:?}");
    let report = json(&output);
    // Metal and DirectX 12 do not ask Vulkan's loader.
    if cfg!(target_os = "linux") {
        assert_eq!(report["adapters"].as_array().unwrap().len(), 0);
        assert_eq!(report["choice"]["device"], "cpu");
        assert!(report["choice"]["why"].as_str().unwrap().contains("no GPU found"));
        assert_eq!(doctor_without_drivers(&["--device", "gpu"]).status.code(), Some(2));
    }
}

#[test]
fn an_unknown_device_is_wrong_usage_and_the_list_is_printed_all_the_same() {
    let output = doctor(&["--device", "no such adapter", "--json"]);
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("no such adapter") && error.contains("tiller doctor"), "{error}");
    assert!(!json(&output)["adapters"].as_array().unwrap().is_empty());
    assert!(json(&output)["choice"]["device"].is_null());
}

/// The report of a user whose data folder is `home`.
fn doctor_at(home: &std::path::Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tiller")).arg("doctor").args(args).env("TILLER_HOME", home).output().unwrap()
}

#[test]
fn the_speeds_of_devices_are_listed_and_damage_to_their_file_is_a_notice() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("device-speeds.json");
    let version = env!("CARGO_PKG_VERSION");
    let entry = r#"{ "adapter": "UHD on vulkan", "driver": "Mesa\u001b[31m 24", "processor": null, "threads": 4, "model": "smollm2-135m",
        "lists": "single", "tokens_per_second": { "cpu": 134.6, "gpu": 51.5 }, "day": "2026-11-30" }"#;
    std::fs::write(&file, format!(r#"{{ "version": "{version}", "speeds": [{entry}] }}"#)).unwrap();
    let report = json(&doctor_at(home.path(), &["--json"]));
    assert_eq!(report["device_speeds"]["measured"][0]["tokens_per_second"]["cpu"], 134.6);
    let text = String::from_utf8(doctor_at(home.path(), &[]).stdout).unwrap();
    let row = text.lines().find(|line| line.contains("smollm2-135m")).unwrap_or_else(|| panic!("{text}"));
    let cells: Vec<&str> = row.split(['│', '┆']).map(str::trim).collect();
    assert!(["one", "135", "4", "52", "CPU", "2026-11-30"].iter().all(|cell| cells.contains(cell)), "{row}");
    assert!(!text.contains('\u{1b}') && text.contains("device-speeds.json"), "{text}");

    std::fs::write(&file, "{ half").unwrap();
    let damaged = doctor_at(home.path(), &["--json"]);
    let notice = String::from_utf8_lossy(&damaged.stderr).into_owned();
    assert!(damaged.status.success() && notice.contains("device-speeds.json"), "{notice}");
    assert_eq!(json(&damaged)["device_speeds"]["measured"].as_array().unwrap().len(), 0);
}
