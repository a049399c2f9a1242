//! What happens where output cannot be written.

use std::io::Read;
use std::process::{Command, Stdio};

fn tiller() -> Command {
    Command::new(env!("CARGO_BIN_EXE_tiller"))
}

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    let mut child = tiller().args(["pull", "--list"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{told}");
    assert!(!told.contains("panicked"), "{told}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_the_output_is_a_failure() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let end = tiller().args(["pull", "--list"]).stdout(full).output().unwrap();
    let told = String::from_utf8_lossy(&end.stderr);
    assert_eq!(end.status.code(), Some(1), "{told}");
    assert!(told.contains("error: failed printing to stdout") && !told.contains("panicked"), "{told}");
}
