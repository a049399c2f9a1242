//! The program as its users run it: arguments in, exit code and output back. On the CPU, unless the arguments name a device.

use std::path::Path;
use std::process::{Command, Output};

/// `tiller ARGUMENTS` in `folder`, not started yet. Models and data sets that the user has pulled are none of its business.
pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tiller"));
    command.args(arguments).current_dir(folder).env("TILLER_HOME", folder.join("home"));
    if !arguments.contains(&"--device") {
        command.args(["--device", "cpu"]);
    }
    command
}

/// Runs it to its end.
pub fn tiller(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

/// Its standard output, where it succeeds, which it has to.
#[track_caller]
pub fn succeed(folder: &Path, arguments: &[&str]) -> String {
    let output = tiller(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Its standard error, where it ends with `code` and says `part`, which it has to.
#[track_caller]
pub fn fail(folder: &Path, arguments: &[&str], code: i32, part: &str) -> String {
    let output = tiller(folder, arguments);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
    assert!(stderr.contains(part) && !stderr.contains("panicked"), "{arguments:?}: {part:?} is missing in {stderr}");
    stderr
}
